# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# How many round trips a login takes, after that of TCP: identification, key
# exchange, and authentication by what is needed and no more.
# farend: sockstund sshd
# seconds: 120

need python3 ssh-agent ssh-add
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_farend
start flights python3 -u "$TOOLS/flights.py" "$FARPORT"
wait_for 10 test -s "$OBJ/flights.out" || fatal "flights.py does not start"
FARPORT=$(head -n 1 "$OBJ/flights.out")
known_host "$FARPORT" >>"$OBJ/known_hosts"
before=0

is_up()
{
	[ "$(grep -c 'Authenticated to' "$OBJ/sockstun.log")" -ge "$1" ]
}

# trips n: so many were needed for the next connection's login
trips()
{
	before=$((before + 1))
	got=$(grep -c "^$before " "$OBJ/flights.out")
	[ "$got" -eq "$1" ] || fail "$what: $got trips, wanted $1"
}

# login first again option ...: trips of the first login, and of one later, or
# "-" for none
login()
{
	first=$1 again=$2
	shift 2
	start_client "$@"
	wait_for 20 is_up 1 || fatal "$what: not up"
	trips "$first"
	if [ "$again" != - ]; then
		kill_session
		wait_for 20 is_up 2 || fatal "$what: not up again"
		what="$what, again" trips "$again"
	fi
	stop sockstun
}

ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger"
ssh-keygen -q -t rsa -N '' -f "$OBJ/rsa"
cat "$OBJ/rsa.pub" >>"$OBJ/authorized_keys"
for key in rsa stranger nothing; do
	sed "s|^IdentityFile.*|IdentityFile $OBJ/$key|" "$OBJ/ssh_config" \
	    >"$OBJ/$key.conf"
	chmod 600 "$OBJ/$key.conf"
done

what="an only key"
login 3 3
# Asked for the methods, and about both keys, the server takes the second.
what="two keys"
login 6 - -i "$OBJ/stranger"
what="two keys and one method"
login 5 - -i "$OBJ/stranger" -o PreferredAuthentications=publickey
# What may be signed with it comes with the answer about the service.
what="an RSA key"
login 4 - -F "$OBJ/rsa.conf"

what="an only key that is refused"
start sockstun "$BIN/sockstun" -v -F "$OBJ/stranger.conf" -D 0 -p "$FARPORT" \
    "$FARUSER@127.0.0.1"
wait_end sockstun 20 || fatal "$what: it goes on"
grep -q 'Permission denied (publickey' "$OBJ/sockstun.log" ||
    fail "$what: $(cat "$OBJ/sockstun.log")"
# The methods are asked for after all.
trips 4

# Nobody is asked for a passphrase before the server takes the key.
what="a passphrase"
cp "$OBJ/id" "$OBJ/plain"
ssh-keygen -q -p -N secret -f "$OBJ/id" >/dev/null
answer secret
login 4 3 -o BatchMode=no
asked 1

start agent ssh-agent -D -a "$OBJ/agent"
wait_for 5 test -S "$OBJ/agent" || fatal "no agent"
SSH_AUTH_SOCK=$OBJ/agent ssh-add -q "$OBJ/plain" 2>/dev/null ||
    fatal "ssh-add"
set -- -F "$OBJ/nothing.conf" -o IdentitiesOnly=no \
    -o "IdentityAgent=$OBJ/agent"
what="an agent's only key"
login 3 - "$@"
SSH_AUTH_SOCK=$OBJ/agent ssh-add -q -D 2>/dev/null
SSH_AUTH_SOCK=$OBJ/agent ssh-add -q "$OBJ/stranger" "$OBJ/plain" 2>/dev/null
what="an agent's two keys"
login 6 3 "$@"
