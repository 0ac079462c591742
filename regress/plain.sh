# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Both programs when libssh does not find the poll, recv and send of sshwire.c,
# as with a C library or a linker that binds them elsewhere: slower, but right.
# farend: sockstund sshd

need curl
case $O in
*-san)	SANITIZE=1 ;;
*)	SANITIZE= ;;
esac
mkdir "$OBJ/plain"
for part in client common server; do
	cp -Rp "$O/$part" "$OBJ/plain/"
done
cp -p "$O/flags" "$OBJ/plain/"
make -s SANITIZE=$SANITIZE O="$OBJ/plain" \
    LDFLAGS=-Wl,--exclude-libs,ssh.a "$OBJ/plain/sockstun" \
    "$OBJ/plain/sockstund-net" || fatal "cannot link"
cp "$OBJ/plain/sockstun" "$OBJ/plain/sockstund-net" "$BIN/"
start_nginx
start_peer
start_pair -vvv
grep -q 'reading ahead: no' "$OBJ/sockstun.log" || fail "not plain at all"

dd if=/dev/urandom of="$OBJ/www/file" bs=1M count=32 2>/dev/null
want=$(sha256sum <"$OBJ/www/file" | cut -d ' ' -f 1)
for n in 1 2 3 4; do
	curl -sS --fail --proxy "socks5h://$PROXY" --noproxy '' \
	    "http://127.0.0.1:$WEB/file" | sha256sum >"$OBJ/down$n" &
	job="${job:-} $!"
done
(echo sink; cat "$OBJ/www/file") | nc -N -X 5 -x "$PROXY" 127.0.0.1 "$PEER" |
    cut -d ' ' -f 2 >"$OBJ/up"
# shellcheck disable=SC2086
wait $job
for n in 1 2 3 4; do
	grep -q "^$want" "$OBJ/down$n" || fail "down $n differs"
done
[ "$(cat "$OBJ/up")" = "$want" ] || fail "up differs"
