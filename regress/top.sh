# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# -O top in a terminal: what is on the screen, its keys, other sizes, and a
# session, then a sockstun, that is lost and comes back.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need python3 tmux
start_peer
start_farend
start_client -S "$OBJ/ctl"

terminal()
{
	tmux -u -S "$OBJ/tmux" -f /dev/null "$@"
}
at_end()
{
	terminal kill-server 2>/dev/null
}
# top [command before it]: at 80x24
top()
{
	terminal new-session -d -s top -x 80 -y 24 "$* $BIN/sockstun \
	    -F /dev/null -S $OBJ/ctl -O top host; echo status \$?; sleep 100" ||
	    fatal "tmux does not start"
}
screen()
{
	terminal capture-pane -p -t top >"$OBJ/screen"
}
sees()
{
	screen
	grep -qE -- "$1" "$OBJ/screen"
}
# shows pattern: after some seconds at most
shows()
{
	wait_for 15 sees "$1" || {
		fail "no '$1' on the screen:"
		cat "$OBJ/screen"
	}
}
press()
{
	terminal send-keys -t top "$@"
}
# rows: the lines of connections
rows()
{
	screen
	sed -n '7,$p' "$OBJ/screen" | grep -E '(CONN|CONNECT) '
}
count_is()
{
	[ "$(rows | wc -l)" -eq "$1" ]
}
# sorted field options: is this field of the lines in order?
is_sorted()
{
	rows | awk -v "f=$1" '{ print $f }' >"$OBJ/column"
	shift
	sort "$@" -c "$OBJ/column" 2>/dev/null
}

# tmux stays, whoever ends.
terminal new-session -d -s stay "sleep 1000" || fatal "tmux does not start"

# Six connections of one process that stay, of which one is busy, and one that
# says nothing.
cat >"$OBJ/stay.py" <<'PY'
import time
from socks import *
socks = [order("echo") for _ in range(5)]
for i, s in enumerate(socks):
    s.sendall(b"x" * (1000 << i))
    read_exactly(s, 1000 << i)
busy, silent = order("echo"), connect()
print(*[s.getsockname()[1] for s in socks], flush=True)
while True:
    try:
        busy.sendall(b"x" * 20000)
        read_exactly(busy, 20000)
    except OSError:
        break
    time.sleep(0.1)
time.sleep(100)
PY
start stay python3 "$OBJ/stay.py"
wait_for 20 test -s "$OBJ/stay.out" || fatal "no flows"
read -r one two rest <"$OBJ/stay.out"
stay=$(pidof_test stay)

top
shows "^$FARUSER@127.0.0.1 port $FARPORT: up since "
case $FAREND in
sockstund)	shows '^sockstund, .*; round trip' ;;
sshd)		shows '^SSH server, .*; round trip' ;;
esac
shows '^6 flowing, 0 waiting; connected 1 times$'
shows '^q quit '
wait_for 10 count_is 6 || fail "not six lines: $(rows)"
[ "$(wc -l <"$OBJ/screen")" -eq 24 ] || fail "its height"
[ "$(wc -L <"$OBJ/screen")" -le 80 ] || fail "its width"
[ "$(rows | grep -cE "^ +$stay python3? .* 127\.0\.0\.1:$PEER\$")" -eq 6 ] ||
    fail "its process: $(rows)"
shows "^ +$stay .* \(talking\)\$"
# The busy one is on top, with its rate.
shows '^Sent [0-9.]+ .B, [0-9.]+ kB/s; received [0-9.]+ .B, [0-9.]+ kB/s$'
wait_for 10 sees '1[0-9]{2}k +1[0-9]{2}k +127' || fail "no rate: $(rows)"
rows | head -n 1 | grep -qE '1[0-9]{2}k +127' || fail "it is not on top"

# Sorted by what is sent, and the other way.
press s
wait_for 5 is_sorted 6 -r -h || fail "not sorted: $(rows)"
press s
wait_for 5 is_sorted 6 -h || fail "not sorted upwards: $(rows)"
press c
wait_for 5 is_sorted 3 -t : -k 2 || fail "not sorted by client: $(rows)"

# A filter, while it is typed, when it stands, and none.
press / "$one"
shows "^Filter: ${one}_  \(1 of 7\)"
wait_for 10 count_is 1 || fail "filtered: $(rows)"
press BSpace BSpace BSpace BSpace BSpace nothing Enter
shows '^Filter: nothing  \(0 of 7\)'
press / Escape
wait_for 5 count_is 6 || fail "without a filter: $(rows)"

# Wider and higher, then smaller than is sensible, then back.
terminal resize-window -t top -x 200 -y 50
shows "^ +$stay python3? +127\.0\.0\.1:$one +CONNECT .* kB .* 127\.0\.0\.1:$PEER"
[ "$(wc -l <"$OBJ/screen")" -eq 50 ] || fail "its height"
sed -n 50p "$OBJ/screen" | grep -q '^q quit' || fail "keys are not at the end"
for size in 80x3 10x24 1x1 80x24; do
	terminal resize-window -t top -x "${size%x*}" -y "${size#*x}"
	sleep 0.1
done
shows '^q quit '
wait_for 10 count_is 6 || fail "after other sizes: $(rows)"

# The session is lost, and there again.
pids=$(serving farend)
stop farend
# shellcheck disable=SC2086
kill -KILL $pids 2>/dev/null
shows "^$FARUSER@127.0.0.1 port $FARPORT: (waiting|connecting) since "
shows '^0 flowing, 0 waiting; connected 1 times; last lost: .'
wait_for 5 count_is 0 || fail "flows of a lost session: $(rows)"
case $FAREND in
sockstund)	start farend "$BIN/sockstund" -D -e -f "$OBJ/farend.conf" ;;
sshd)		start farend "$SSHD" -D -e -f "$OBJ/farend.conf" ;;
esac
shows "^$FARUSER@127.0.0.1 port $FARPORT: up since "
shows 'connected 2 times; last lost: .'

# The sockstun is stopped for a while, is killed, is there again.
kill -STOP "$(pidof_test sockstun)"
shows '^No answer at .*/ctl: it is busy or stopped; trying again'
kill -CONT "$(pidof_test sockstun)"
shows '^0 flowing, 0 waiting; connected 2 times'
stop sockstun KILL
shows '^No answer at .*/ctl: Connection refused; trying again'
sees 'flowing' && fail "it shows what is no more"
start_client -S "$OBJ/ctl"
shows '^0 flowing, 0 waiting; connected 1 times$'
sees 'No answer' && fail "it says that there is no answer"
press q
shows '^status 0$'
terminal kill-session -t top

# Whatever answers, no control character gets to the terminal.
cat >"$OBJ/liar.py" <<'PY'
import json, os, socket
path = os.environ["OBJ"] + "/liar"
l = socket.socket(socket.AF_UNIX)
l.bind(path)
l.listen(5)
evil = "\x1b[2J\x1b]0;evil\x07\u009b31m\n\r%s%n" + "w\u202e\u00e4" * 300
flow = {"id": 1, "client": evil, "state": evil, "command": evil,
        "destination": evil, "seconds": -1e300, "bytes_up": 1e300,
        "bytes_down": -5, "pid": 1 << 62, "program": evil}
texts = [json.dumps({"version": 1, "pid": 1, "flows": [flow, {}, 3, None,
         dict(flow, id=-1), dict(flow, id=1e300, seconds=1e300)],
         "listeners": 4, "session": {"state": evil, "since": 1e300,
         "seconds": 1e300, "server": evil, "connection": {"kind": evil,
         "cipher": evil, "bytes_in": "x"}, "last_reason": evil,
         "connections": -1}}, ensure_ascii=False).encode()]
texts += [b"", b"\xff\xfe", b"[]", b'{"error": "\\u001b[31m"}', texts[0][:99]]
for i in range(10 ** 9):
    c, _ = l.accept()
    try:
        c.recv(100)
        c.sendall(texts[0 if i < 4 else i // 2 % len(texts)])
    except OSError:
        pass
    c.close()
PY
start liar python3 "$OBJ/liar.py"
wait_for 10 test -S "$OBJ/liar" || fatal "no liar"
mv "$OBJ/liar" "$OBJ/ctl"
terminal new-session -d -s top -x 80 -y 24 "$BIN/sockstun -F /dev/null \
    -S $OBJ/ctl -O top host; echo status \$?; sleep 100"
terminal pipe-pane -t top "cat >$OBJ/raw"
shows '^.*\?\[2J\?\]0;evil'
sleep 4
press q
shows '^status 0$'
terminal kill-session -t top
grep -qaE '2J.]0;evil.*(\\x1b|\\x9b)31m' "$OBJ/raw" && fail "it passed on"
stop liar

# Where there is no terminal, or none that is known, in which case the library
# keeps some memory.
"$BIN/sockstun" -F /dev/null -S "$OBJ/ctl" -O top host >"$OBJ/none" 2>&1 \
    </dev/null
[ $? -eq 255 ] || fail "without a terminal: its status"
grep -q 'sockstun: -O top needs a terminal' "$OBJ/none" ||
    fail "without a terminal: $(cat "$OBJ/none")"
for term in -uTERM TERM=nonsense TERM=; do
	top "env $term ASAN_OPTIONS=detect_leaks=0"
	shows '^sockstun: -O top: this terminal is not known; is TERM set'
	shows '^status 255$'
	terminal kill-session -t top
done
