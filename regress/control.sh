# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# The control socket: who may ask, what is answered, and the orders.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need python3
start_peer
start_farend
ctl=$OBJ/ctl
start_client -D "$OBJ/socks" -S "$OBJ/ctl-%p"
[ -S "$OBJ/ctl-$FARPORT" ] || fatal "no control socket"
[ "$(stat -c %a "$OBJ/ctl-$FARPORT")" = 600 ] || fail "its mode"
mv "$OBJ/ctl-$FARPORT" "$ctl"

ask()
{
	"$BIN/sockstun" -F "$OBJ/ssh_config" -S "$ctl" -O "$@" -p "$FARPORT" \
	    "$FARUSER@127.0.0.1" >"$OBJ/ask.out" 2>&1
}
says()
{
	grep -qE "$1" "$OBJ/ask.out" || fail "no '$1' in: $(cat "$OBJ/ask.out")"
}

ask check || fail "check"
says "^Master running \(pid=$(pidof_test sockstun)\)$"
ask status || fail "status"
says '^Session:      up for '
says "^Listening on: $PROXY"
case $FAREND in
sockstund)	says '^Far end:      sockstund, ';;
sshd)		says '^Far end:      SSH server, ';;
esac

cat >"$OBJ/flows.py" <<'EOF'
import json, re, subprocess, sys
from socks import *

def ask(order):
    out = subprocess.run([os.environ["BIN"] + "/sockstun", "-F", "/dev/null",
        "-S", os.environ["OBJ"] + "/ctl", "-O", order, "host"],
        stdout=subprocess.PIPE, check=True, text=True).stdout
    return json.loads(out)

socks = [order("echo") for _ in range(300)]
for s in socks:
    s.sendall(b"x" * 100)
    read_exactly(s, 100)
status = ask("status=json")
check(status["version"] == 1, "version")
check(status["flows"] == 300, f"{status['flows']} flows")
session = status["session"]
check(session["state"] == "up" and session["connections"] == 1,
      str(session))
check(session["connection"]["bytes_in"] > 30000, "bytes")
flows = ask("flows=json")["flows"]
check(len(flows) == 300, f"{len(flows)} flows listed")
check(all(f["bytes_up"] >= 100 and f["bytes_down"] >= 100 for f in flows),
      "their bytes")
names = {f["client"] for f in flows}
check({"%s:%d" % s.getsockname()[:2] for s in socks} == names, "clients")
check({f["pid"] for f in flows} == {os.getpid()}, "pids")
check({f["program"] for f in flows} == {open("/proc/self/comm").read()[:-1]},
      "programs")
check({f["destination"] for f in flows} == {f"127.0.0.1:{PEER}"},
      "destinations")
check({f["command"] for f in flows} == {"CONNECT"}, "commands")
# The manual names each member of the answers, and lists no others.
manual = open("man/sockstun.1").read().replace("\\ ", "")
form = manual.split(".Ss The form of the answers")[1].split(".Ss ")[0]
def words(pattern):
    lines = " ".join(re.findall(pattern, form, re.M))
    return set(lines.replace(",", " ").split())
def members(answer):
    if isinstance(answer, list):
        return set().union(*map(members, answer))
    if not isinstance(answer, dict):
        return set()
    return set(answer).union(*map(members, answer.values()))
told = members(status) | members(ask("flows=json"))
missing = told - words(r"^\.(?:It )?Cm (.*)$")
check(not missing, f"not in the manual: {missing}")
extra = words(r"^\.It Cm (.*)$") - told - {"error"}
check(not extra, f"in the manual only: {extra}")
# A Unix socket's client has no address, but a process.
os.environ["PROXY"] = os.environ["OBJ"] + "/socks"
s = order("echo")
last = ask("flows=json")["flows"][-1]
check(last["client"] == os.environ["PROXY"], str(last))
check(last["pid"] == os.getpid() and last["program"] == flows[0]["program"],
      str(last))
finish()
EOF
python3 "$OBJ/flows.py" || fail "see above"
ask flows || fail "flows"
says '^ +ID +PID PROGRAM '

# Whoever says something else, too much, nothing, or does not read.
python3 - <<'EOF' || fail "misuse: see above"
import json, os, socket, sys
failed = False
def say(data):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(os.environ["OBJ"] + "/ctl")
    s.sendall(data)
    got = b""
    try:
        while (more := s.recv(65536)):
            got += more
    except ConnectionResetError:
        pass    # more was said than was read
    return got or b'{"error": "reset"}'
for data in (b"shutdown\n", b"\0\0\0\x08\0\0\0\x01" * 40, b"x" * 64):
    answer = say(data)
    if "error" not in json.loads(answer):
        print("no error for", data[:20], answer)
        failed = True
idle = []
for _ in range(100):
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect(os.environ["OBJ"] + "/ctl")
    except OSError:
        pass
    idle.append(s)
sys.exit(failed)
EOF
wait_for 5 ask check || fail "nobody answers after that"

# ssh, which takes it for its own, soon knows better.
began=$(date +%s)
ssh -F /dev/null -S "$ctl" -O check host >"$OBJ/ssh.out" 2>&1 &&
    fail "ssh -O check"
ssh -F "$OBJ/ssh_config" -o ControlMaster=auto -S "$ctl" -p "$FARPORT" \
    "$FARUSER@127.0.0.1" true >>"$OBJ/ssh.out" 2>&1 </dev/null
[ $(($(date +%s) - began)) -lt 8 ] || fail "ssh waits: $(cat "$OBJ/ssh.out")"
ask check || fail "nobody answers after ssh"

if [ "$(id -u)" -eq 0 ]; then
	chmod 777 "$ctl" "$OBJ"
	python3 - <<'EOF' || fail "another user was answered"
import os, socket, sys
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["OBJ"] + "/ctl")
try:
    s.sendall(b"check\n")
    sys.exit(s.recv(10) != b"")
except ConnectionError:
    pass
EOF
fi

ask nonsense && fail "an order that is none"
says 'Invalid multiplex command: nonsense'
"$BIN/sockstun" -F /dev/null -O check host >"$OBJ/ask.out" 2>&1 &&
    fail "no path"
says 'No ControlPath specified'
"$BIN/sockstun" -F /dev/null -S "$OBJ/none" -O check host >"$OBJ/ask.out" 2>&1 &&
    fail "no socket"
says 'Control socket connect'

# Who is in the middle may finish; nobody else comes.
cat >"$OBJ/stay.py" <<'EOF'
from socks import *
s = order("echo")
print("up", flush=True)
input_file = os.environ["OBJ"] + "/go"
while not os.path.exists(input_file):
    time.sleep(0.05)
s.sendall(b"x")
check(s.recv(1) == b"x", "it went on")
finish()
EOF
sed -i 's/^from socks import \*/from socks import *\nimport time/' "$OBJ/stay.py"
start stay python3 "$OBJ/stay.py"
wait_for 20 grep -q '^up' "$OBJ/stay.out" || fatal "no flow"
ask stop || fail "stop"
wait_for 5 sh -c "! python3 -c 'from socks import *; connect()' 2>/dev/null" ||
    fail "after stop it still listens"
is_running sockstun || fail "after stop it ended with a flow open"
: >"$OBJ/go"
wait_end stay 20 && [ "$status" -eq 0 ] || fail "$(cat "$OBJ/stay.out")"
wait_end sockstun 10 || fatal "it does not end after the last flow"
[ "$status" -eq 0 ] || fail "status $status"

# A socket that nobody listens on is in nobody's way, but a file is.
start_client -S "$ctl"
kill -KILL "$(pidof_test sockstun)"
wait_end sockstun 5
start_client -S "$ctl"
ask check || fail "it did not replace a stale socket"
ask exit || fail "exit"
wait_end sockstun 5 || fatal "it does not exit"
[ "$status" -eq 0 ] || fail "exit: status $status"
[ ! -e "$ctl" ] || fail "the socket is left"
echo mine >"$ctl"
start_client -S "$ctl"
grep -q "control socket .*: Address already in use" "$OBJ/sockstun.log" ||
    fail "no word about a file in the way"
stop sockstun
[ "$(cat "$ctl")" = mine ] || fail "it removed a file of another's"
