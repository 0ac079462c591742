# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# FIDO keys with ssh(1), its authenticator replaced by a library: what it must
# have signed, and what options of authorized_keys change in that.
# farend: sockstund sshd

need ssh ssh-keygen
provider=$O/regress/interop/skprovider.so
[ -f "$provider" ] || skip "skprovider.so is not built"
enroll()
{
	ssh-keygen -q -w "$provider" -N '' "$@" 2>"$OBJ/enroll.log"
}

enroll -t ed25519-sk -f "$OBJ/ed25519" || skip "ssh knows no FIDO keys"
enroll -t ecdsa-sk -f "$OBJ/ecdsa" || fatal "$(cat "$OBJ/enroll.log")"
sed "s|^IdentityFile .*|SecurityKeyProvider $provider|" "$OBJ/ssh_config" \
    >"$OBJ/sk_config"
start_peer
start_farend
echo "source 1000" >"$OBJ/order"

# permit key [options]: that key alone can log in
permit()
{
	echo "${2:+$2 }$(cat "$OBJ/$1.pub")" >"$OBJ/authorized_keys"
}

# login key [option ...]: and use a channel; says, words, is what the
# authenticator obeys
says=
login()
{
	sk=$1
	shift
	# shellcheck disable=SC2086
	env $says ssh -F "$OBJ/sk_config" -i "$OBJ/$sk" "$@" -p "$FARPORT" \
	    -W "127.0.0.1:$PEER" "$FARUSER@127.0.0.1" <"$OBJ/order" \
	    >"$OBJ/ssh.out" 2>"$OBJ/ssh.log" &&
	    [ "$(wc -c <"$OBJ/ssh.out")" -eq 1000 ]
}

good()
{
	login "$@" || {
		fail "$what: not logged in"
		cat "$OBJ/ssh.log"
	}
}

bad()
{
	login "$@" && fail "$what: logged in"
	grep -q 'Permission denied' "$OBJ/ssh.log" || {
		fail "$what: wanted a refusal"
		cat "$OBJ/ssh.log"
	}
}

# flags options:good ...:bad ...: logs in with flags signed, 1 a touch, 4 known
flags()
{
	rest=${1#*:}
	permit "$key" "${1%%:*}"
	for signed in ${rest%%:*}; do
		what="$key, ${1%%:*}, signed $signed"
		says=SK_SIGNED=$signed
		good "$key"
	done
	for signed in ${rest#*:}; do
		what="$key, ${1%%:*}, signed $signed"
		says=SK_SIGNED=$signed
		bad "$key"
	done
	says=
}

for key in ed25519 ecdsa; do
	flags ':1 5:0 4'
	flags 'no-touch-required:0 1 4 5:'
	flags 'verify-required:5:0 1 4'
	flags 'verify-required,no-touch-required:4 5:0 1'

	what="$key, a touch that was not signed"
	permit "$key"
	says="SK_SIGNED=0 SK_SAID=1"
	bad "$key"
	what="$key, a user who was not signed"
	permit "$key" verify-required
	says="SK_SIGNED=1 SK_SAID=5"
	bad "$key"

	what="$key, for another application"
	permit "$key"
	says=SK_APPLICATION=ssh:other
	bad "$key"

	what="$key, kept for a replay"
	says=SK_REPLAY=$OBJ/$key.signature
	good "$key"
	what="$key, of another session"
	bad "$key"
	says=
	what="$key, after all this"
	good "$key"

	what="$key of an application of its own"
	enroll -t "$key-sk" -O application=ssh:own -f "$OBJ/own_$key"
	permit "own_$key"
	good "own_$key"
	# The wish for a touch goes to SSH_ASKPASS as well, at any time.
	what="$key that asks for a PIN"
	enroll -t "$key-sk" -O verify-required -f "$OBJ/pin_$key"
	permit "pin_$key" verify-required
	answer 1234 1234 1234
	good "pin_$key" -o BatchMode=no
	what="$key with a wrong PIN"
	answer 4321 4321 4321
	bad "pin_$key" -o BatchMode=no
	unset SSH_ASKPASS SSH_ASKPASS_REQUIRE
done
