# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# OpenSSH's client: through the pair to another sshd, and straight to
# sockstund with -D, -L and -W.
# farend: sockstund sshd

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

# -D and -L in one session.
local=$(freeport)
start_ssh -L "127.0.0.1:$local:localhost:$WEB"
fetch()
{
	got=$(curl -sS --max-time 20 --noproxy '' "$@" 2>&1)
	[ "$got" = hello ] || fail "$*: $got"
}
fetch "http://127.0.0.1:$local/"
for scheme in socks4 socks4a socks5 socks5h; do
	fetch --proxy "$scheme://$PROXY" "http://127.0.0.1:$WEB/"
done
fetch --proxy "socks5h://$PROXY" "http://localhost:$WEB/"
fetch --proxy "socks5h://$PROXY" "http://[::1]:$WEB/"
curl -sS --proxy "socks5h://$PROXY" http://127.0.0.1:1/ >"$OBJ/refused" 2>&1 &&
    fail "a refused port"
fetch --proxy "socks5h://$PROXY" "http://127.0.0.1:$WEB/"

# 64 MB both ways.
python3 - <<'EOF' || fail "see above"
import hashlib

from socks import *

N = 64 << 20
digest = hashlib.sha256()
sock = order("sink")
for block in pattern(N):
    digest.update(block)
    sock.sendall(block)
sock.shutdown(socket.SHUT_WR)
check(read_all(sock) == f"{N} {digest.hexdigest()}\n".encode(), "up")
check(hashlib.sha256(read_all(order(f"source {N}"))).digest() ==
      digest.digest(), "down")
finish()
EOF

# A shell and a command are refused by sockstund, and say so.
[ "$FAREND" = sockstund ] || return 0
ssh -F "$OBJ/ssh_config" -p "$FARPORT" "$FARUSER@127.0.0.1" id \
    >"$OBJ/id.out" 2>"$OBJ/id.log" </dev/null && fail "a command was run"
[ ! -s "$OBJ/id.out" ] || fail "a command said: $(cat "$OBJ/id.out")"
