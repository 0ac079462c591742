# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# OpenSSH's client: through the pair to another sshd, and straight to
# sockstund with -D, -L and -W; keys of every type; bulk both ways, also while
# keys are exchanged.
# farend: sockstund sshd
# seconds: 240

. regress/tools/keys.sh
need ssh nc
start_peer
start_nginx
echo hello >"$OBJ/www/index.html"

# A second sshd, which is where ssh wants to go.
start_sshd
behind=$FARPORT
mv "$OBJ/farend.pid" "$OBJ/behind.pid"
mv "$OBJ/farend.log" "$OBJ/behind.log"
started="behind $started"

start_pair
got=$(ssh -F "$OBJ/ssh_config" -p "$behind" \
    -o "ProxyCommand=nc -X 5 -x $PROXY %h %p" \
    "$FARUSER@127.0.0.1" -N -W "127.0.0.1:$PEER" <<-EOF 2>&1
	echo
	through two sessions
	EOF
)
[ "$got" = "through two sessions" ] || fail "ssh over nc -X 5: $got"
stop sockstun

stop_ssh()
{
	stop sockstun
}

# -W: one channel on standard input and output.
got=$( (echo sink; echo data) | ssh -F "$OBJ/ssh_config" -p "$FARPORT" \
    -W "127.0.0.1:$PEER" "$FARUSER@127.0.0.1" 2>"$OBJ/w.log")
[ "${got%% *}" = 5 ] || fail "-W: $got, $(cat "$OBJ/w.log")"

fetch()
{
	got=$(curl -sS --max-time 20 --noproxy '' "$@" 2>&1)
	[ "$got" = hello ] || fail "${kind:-}: $*: $got"
}

refused()
{
	curl -sS --proxy "socks5h://$PROXY" http://127.0.0.1:1/ \
	    >"$OBJ/refused" 2>&1 && fail "${kind:-}: a refused port"
}

# -D and -L in one session.
local=$(freeport)
start_ssh -L "127.0.0.1:$local:localhost:$WEB"
fetch "http://127.0.0.1:$local/"
for scheme in socks4 socks4a socks5 socks5h; do
	fetch --proxy "$scheme://$PROXY" "http://127.0.0.1:$WEB/"
done
fetch --proxy "socks5h://$PROXY" "http://localhost:$WEB/"
fetch --proxy "socks5h://$PROXY" "http://[::1]:$WEB/"
refused
fetch --proxy "socks5h://$PROXY" "http://127.0.0.1:$WEB/"
python3 "$TOOLS/bulk.py" $((64 << 20)) || fail "see above"
stop_ssh

start_ssh -o RekeyLimit=1M
python3 "$TOOLS/bulk.py" $((32 << 20)) || fail "with rekeys: see above"
refused
fetch --proxy "socks5h://$PROXY" "http://localhost:$WEB/"
n=$(grep -c 'SSH2_MSG_KEXINIT sent' "$OBJ/sockstun.log")
[ "$n" -gt 20 ] || fail "$n key exchanges"
stop_ssh

use()
{
	start_ssh "$@"
	fetch --proxy "socks5h://$PROXY" "http://localhost:$WEB/"
	refused
	fetch --proxy "socks5h://$PROXY" "http://127.0.0.1:$WEB/"
	stop_ssh
}

# Of RSA there are two kinds of signatures.
use_key()
{
	case $kind in
	rsa*)	for alg in rsa-sha2-256 rsa-sha2-512; do
			use -o HostKeyAlgorithms=$alg \
			    -o PubkeyAcceptedAlgorithms=$alg
		done ;;
	*)	use ;;
	esac
}

stop farend
each_key use_key
start_farend
cp "$OBJ/known_hosts" "$OBJ/right"
stranger_host "[127.0.0.1]:$FARPORT" >"$OBJ/known_hosts"
ssh -F "$OBJ/ssh_config" -p "$FARPORT" -N "$FARUSER@127.0.0.1" \
    >"$OBJ/other.out" 2>&1 </dev/null && fail "another host key was taken"
grep -q 'verification failed' "$OBJ/other.out" || fail "$(cat "$OBJ/other.out")"
mv "$OBJ/right" "$OBJ/known_hosts"

# A shell and a command are refused by sockstund, and say so.
[ "$FAREND" = sockstund ] || return 0
ssh -F "$OBJ/ssh_config" -p "$FARPORT" "$FARUSER@127.0.0.1" id \
    >"$OBJ/id.out" 2>"$OBJ/id.log" </dev/null && fail "a command was run"
[ ! -s "$OBJ/id.out" ] || fail "a command said: $(cat "$OBJ/id.out")"
