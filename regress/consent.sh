# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# An agent that asks its user before it signs, while a session is made anew:
# all else goes on meanwhile, and consent that comes late serves.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need python3 ssh-agent ssh-add
start_peer
start_farend
# libssh loses a buffer with each list of keys of a session but the first.
echo leak:ssh_buffer_new >"$OBJ/lsan"
LSAN_OPTIONS=suppressions=$OBJ/lsan:print_suppressions=0
export LSAN_OPTIONS

# It signs when there is no file "asking", and not if there is one "no".
cat >"$OBJ/consent.py" <<'PY'
import os, socket, threading, time
obj = os.environ["OBJ"]

def message(s):
    data = b""
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        more = s.recv(65536)
        if not more:
            raise EOFError
        data += more
    return data

def serve(near):
    far = socket.socket(socket.AF_UNIX)
    far.connect(obj + "/agent")
    try:
        while True:
            request = message(near)
            kind = {11: "list", 13: "sign"}[request[4]]
            print(kind, flush=True)
            while os.path.exists(f"{obj}/asking-{kind}"):
                time.sleep(0.05)
            if os.path.exists(obj + "/no"):
                near.sendall(b"\0\0\0\1\5")
                continue
            far.sendall(request)
            near.sendall(message(far))
    except (EOFError, OSError):
        near.close()

listener = socket.socket(socket.AF_UNIX)
listener.bind(obj + "/consent")
listener.listen()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],),
                     daemon=True).start()
PY
start agent ssh-agent -D -a "$OBJ/agent"
start consent python3 "$OBJ/consent.py"
agent_takes()
{
	SSH_AUTH_SOCK=$OBJ/agent ssh-add -q "$OBJ/id" 2>"$OBJ/add.log"
}
wait_for 5 agent_takes || fatal "no agent"
wait_for 5 test -S "$OBJ/consent" || fatal "no agent"
SSH_AUTH_SOCK=$OBJ/consent
export SSH_AUTH_SOCK

lose_session()
{
	: >"$OBJ/consent.out"
	kill_session
}
control()
{
	timeout 2 "$BIN/sockstun" -F /dev/null -S "$OBJ/ctl" -O "$1" host \
	    >"$OBJ/control.out" 2>&1
}
asks()
{
	wait_for 10 grep -q "^$1" "$OBJ/consent.out" ||
	    fatal "$what: the agent is not asked"
}
# Is it answered, and for so many seconds?
answers()
{
	for _ in $(seq "$1"); do
		sleep 1
		control status || fail "$what: no answer"
	done
	grep -q '^Session: *connecting' "$OBJ/control.out" ||
	    fail "$what: $(cat "$OBJ/control.out")"
}

# Others than the right key are refused by the server before it.
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger"
SSH_AUTH_SOCK=$OBJ/agent ssh-add -q -D 2>"$OBJ/add.log"
SSH_AUTH_SOCK=$OBJ/agent ssh-add -q "$OBJ/stranger" "$OBJ/id"

what="consent at the first login"
: >"$OBJ/asking-sign"
cp "$OBJ/ssh_config" "$OBJ/saved"
sed -i '/^Identit/d' "$OBJ/ssh_config"
echo "IdentityFile none" >>"$OBJ/ssh_config"
(sleep 2; rm "$OBJ/asking-sign") &
start_client -S "$OBJ/ctl"
works

what="consent at the next one"
: >"$OBJ/asking-sign"
lose_session
asks sign
start early python3 -c 'from socks import *
sock = order("echo")
sock.sendall(b"x")
read_exactly(sock, 1)'
answers 5
rm "$OBJ/asking-sign"
wait_end early 10 && [ "$status" -eq 0 ] || fail "$what: who waited is not served"
[ "$(grep -c '^sign' "$OBJ/consent.out")" -eq 1 ] || fail "$what: asked twice"

what="an order meanwhile"
: >"$OBJ/asking-sign"
lose_session
asks sign
: >"$OBJ/consent.out"
control reconnect || fail "$what: no answer"
answers 1
rm "$OBJ/asking-sign"
works

what="an agent that does not even list its keys"
: >"$OBJ/asking-list"
lose_session
asks list
wait_log sockstun 'agent: no list of keys' 10 || fail "$what: it waits"
rm "$OBJ/asking-list"
control reconnect
works

what="no consent"
: >"$OBJ/asking-sign"
lose_session
asks sign
: >"$OBJ/no"
rm "$OBJ/asking-sign"
wait_log sockstun 'agent refused operation' || fail "$what: no word of it"
wait_end sockstun 30 || fatal "$what: it goes on"
[ "$status" -eq 255 ] || fail "$what: status $status"
