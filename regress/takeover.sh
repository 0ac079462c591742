# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A sockstund-net that an attacker has taken over logs in as nobody, and has
# nothing signed but one key exchange of this host.  And one whose libssh would
# make and check signatures by itself does not run.

[ "$FAREND" = sockstund ] || skip "for sockstund"
need nc
cp "$O/regress/tools/badnet" "$BIN/sockstund-net"
: >"$BIN/attack"
chmod 644 "$BIN/attack"
start_sockstund

# attack word wanted ...: what the log must have, in order, and nothing else
attack()
{
	word=$1
	shift
	echo "$word $FARUSER $(cut -d ' ' -f 1-2 "$OBJ/id.pub")" >"$BIN/attack"
	: >"$OBJ/farend.log"
	nc -N 127.0.0.1 "$FARPORT" </dev/null >/dev/null 2>&1
	wait_for 10 has_children 0 "$(pidof_test farend)" ||
	    fail "$word: processes are left"
	for line; do
		echo "$line"
	done >"$OBJ/want"
	sed -n 's/.*attack: //p' "$OBJ/farend.log" >"$OBJ/got"
	cmp -s "$OBJ/want" "$OBJ/got" || {
		fail "$word: got"
		cat "$OBJ/farend.log"
	}
	grep 'Accepted publickey' "$OBJ/farend.log" && fail "$word: a login"
}

# What is malformed, or was never signed, ends the connection.
attack bare 'the key is good'
attack early 'the key is good'
attack forge signed 'the key is good' 'not logged in' over
attack twice signed 'not signed' over
for word in hash host server; do
	attack $word 'not signed' over
	grep -q 'sockstund-signer refused' "$OBJ/farend.log" ||
	    fail "$word: the log does not tell"
done

# told word pattern: is ended, and the log says why
told()
{
	attack "$1"
	grep -q "$2" "$OBJ/farend.log" || fail "$1: the log does not say why"
}

told again 'message 2 of sockstund-net is not permitted now'
told unknown 'message 99 of sockstund-net is not permitted now'
told query 'malformed PS_KEY_QUERY'
told line 'malformed PS_LOG'
told unasked 'claims a key that was not found good'
told many 'too many keys'

# Linked so that libssh finds libcrypto's functions before ours.
stop farend
case $O in
*-san)	SANITIZE=1 ;;
*)	SANITIZE= ;;
esac
mkdir "$OBJ/plain"
for part in client common server; do
	cp -Rp "$O/$part" "$OBJ/plain/"
done
cp -p "$O/flags" "$OBJ/plain/"
echo '{ local: EVP_*; };' >"$OBJ/version"
make -s SANITIZE=$SANITIZE O="$OBJ/plain" \
    LDFLAGS="-Wl,--version-script=$OBJ/version" "$OBJ/plain/sockstund-net" ||
    fatal "cannot link"
cp "$OBJ/plain/sockstund-net" "$BIN/"
"$BIN/sockstund" -t -f "$OBJ/farend.conf" 2>"$OBJ/test.log" &&
    fail "signatures are libssh's, and all is well"
grep -q 'libssh would sign and check by itself' "$OBJ/test.log" ||
    { fail "no word about that"; cat "$OBJ/test.log"; }
