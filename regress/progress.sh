# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# On a terminal a line says what takes its time.  It is rewritten in place, and
# gone before anything else is written.
# seconds: 180

need python3
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
me=$FARUSER@127.0.0.1

# Servers on the way: one that takes no more connections, one that is silent,
# one that begins to pass on what it gets after two seconds.
cat >"$OBJ/servers.py" <<'EOT'
import os, socket, sys, threading, time

full = socket.create_server(("127.0.0.1", 0), backlog=0)
waiting = []
for _ in range(4):
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex(full.getsockname())
    waiting.append(s)
silent = socket.create_server(("127.0.0.1", 0))
late = socket.create_server(("127.0.0.1", 0))


def pipe(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(1)


def serve():
    while True:
        a = late.accept()[0]
        time.sleep(2.5)
        b = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        for x, y in ((a, b), (b, a)):
            threading.Thread(target=pipe, args=(x, y), daemon=True).start()


threading.Thread(target=serve, daemon=True).start()
print(*(s.getsockname()[1] for s in (full, silent, late)), flush=True)
time.sleep(100)
EOT

# Runs a command on a terminal until a pattern was seen and then some, types
# what it is told to, and prints what is to be seen, with the line apart.
cat >"$OBJ/terminal.py" <<'EOT'
import os, pty, re, select, signal, sys, time

ERASE = "\r\x1b[K"
STATUS = re.compile(r"sockstun: (looking up|connecting|exchanging|"
                    r"authenticating|connection to \S+ lost)")
until, answer, *command = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen, end, done = "", time.monotonic() + 15, False
while time.monotonic() < end:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data.decode(errors="replace")
    if not done and re.search(until, seen):
        done = True
        if answer:
            os.write(fd, answer.encode() + b"\n")
        else:
            os.kill(pid, signal.SIGTERM)
os.kill(pid, signal.SIGKILL)
parts = seen.split(ERASE)
for i, part in enumerate(parts):
    status = STATUS.match(part)
    if i == 0 and status:
        print("FAIL: nothing is erased at first")
    if status and ("\n" in part or len(part) > 79):
        print("FAIL: it does not stand alone:", repr(part))
    if STATUS.search(part[1:]):
        print("FAIL: it is mixed with", repr(part))
    print(("line: " if status else "text: ") +
          part.replace("\r\n", "\ntext: "))
if STATUS.match(parts[-1]):
    print("FAIL: it is left there")
EOT

start_farend
start servers python3 -u "$OBJ/servers.py" "$FARPORT"
wait_for 10 test -s "$OBJ/servers.out" || fatal "no servers"
read -r full silent late <"$OBJ/servers.out"
known_host "$late" >>"$OBJ/known_hosts"

# terminal until answer port option ...
terminal()
{
	until=$1
	answer=$2
	port=$3
	shift 3
	TERM=${term-xterm} python3 "$OBJ/terminal.py" "$until" "$answer" \
	    "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$port" "$@" "$me" \
	    >"$OBJ/seen" 2>&1
	! grep FAIL "$OBJ/seen" || fail "$until: $(cat "$OBJ/seen")"
}
sees()
{
	grep -qE -- "$1" "$OBJ/seen" || fail "no '$1': $(cat "$OBJ/seen")"
}
never()
{
	grep -E -- "$1" "$OBJ/seen" && fail "'$1': $(cat "$OBJ/seen")"
}

terminal '3 s' '' "$full"
sees "^line: sockstun: connecting to 127.0.0.1 port $full \(1 s\)"
sees "^line: sockstun: connecting to 127.0.0.1 port $full \(3 s\)"
terminal '2 s' '' "$silent"
sees "^line: sockstun: exchanging keys with 127.0.0.1 port $silent \(1 s\)"
terminal '2 s' '' "$silent" -o HostKeyAlias=x -o HostName=localhost -4
sees "^line: sockstun: exchanging keys with localhost port $silent"

# Log lines and questions come where it was.
terminal 'SOCKS on' '' "$late"
sees "^line: sockstun: exchanging keys"
sees "^text: sockstun: SOCKS on"
terminal 'continue connecting .*\? ' no "$late" -o BatchMode=no \
    -o StrictHostKeyChecking=ask -o UserKnownHostsFile="$OBJ/none"
sees "^line: sockstun: exchanging keys"
sees "^text: .*The authenticity of host"
sees "^text: sockstun: Host key verification failed"
terminal 'timed out' '' "$silent" -o ConnectTimeout=2
sees "^line: sockstun: exchanging keys"
sees "^text: sockstun: Connection to 127.0.0.1 port $silent timed out"
sees "^text: sockstun: Something is there that says nothing"

# Nothing of it with -q, on a terminal that cannot erase, and elsewhere.
terminal 'NEVER' '' "$silent" -q -o ConnectTimeout=3
never '^line:'
term=dumb terminal 'timed out' '' "$silent" -o ConnectTimeout=3
never '^line:'
never 'exchanging'
terminal 'timed out' '' "$silent" -v -o ConnectTimeout=3
never '^line:'
TERM=xterm timeout 10 "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 \
    -p "$silent" -o ConnectTimeout=3 "$me" >"$OBJ/seen" 2>&1 </dev/null
never 'exchanging'
[ "$(grep -c '' "$OBJ/seen")" -eq 2 ] || fail "not a terminal: $(cat "$OBJ/seen")"
# A command that asks something by itself has the terminal.
terminal 'timed out' '' "$silent" -o ConnectTimeout=3 -o ProxyCommand='sleep 9'
never '^line:'
never 'Something is there'

# A terminal that was stopped with ^S stops nobody.
cat >"$OBJ/stopped.py" <<'EOT'
import os, pty, re, sys, time

pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while not re.search(rb"\([0-9] s\)", seen):
    seen += os.read(fd, 4096)
os.write(fd, b"\x13")
end = time.monotonic() + 15
while time.monotonic() < end and os.waitpid(pid, os.WNOHANG) == (0, 0):
    time.sleep(0.1)
if time.monotonic() >= end:
    print("FAIL: it waits for the terminal")
    os.kill(pid, 9)
EOT
TERM=xterm python3 "$OBJ/stopped.py" "$BIN/sockstun" -F "$OBJ/ssh_config" \
    -D 0 -p "$silent" -o ConnectTimeout=8 "$me" >"$OBJ/seen" 2>&1
never .

# A session that is lost: since when, and when it is tried again.
(
	wait_for 10 grep -q 'Starting session\|Accepted publickey' \
	    "$OBJ/farend.log"
	sleep 1
	# shellcheck disable=SC2046
	kill -KILL $(family "$(pidof_test farend)")
) &
terminal 'lost [1-9] s ago, next attempt in [0-9]+ s' '' "$FARPORT"
wait $!
sees "^text: sockstun: Connection to 127.0.0.1 lost: "
sees "^line: sockstun: connection to 127.0.0.1 lost [1-9] s ago, next attempt"
rm -f "$OBJ/farend.pid"
