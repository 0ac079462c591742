# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# From where the port of a BIND can be reached: from the peer's network, at the
# address in the reply and by the named peer alone, and not from here.
# farend: sockstund sshd
# needs: root
# netns

[ "$CLIENT" = sockstun ] || skip "ssh -D knows no BIND"
. regress/tools/lab.sh
start_lab
start_lab_farend
start_lab_client

# Connects from the target's network: come.py source host port
cat >"$OBJ/come.py" <<'EOT'
import socket
import sys

source, host, port = sys.argv[1:]
with socket.socket() as sock:
    sock.settimeout(10)
    sock.bind((source, 0))
    try:
        sock.connect((host, int(port)))
        sock.sendall(b"from the peer")
        sock.shutdown(socket.SHUT_WR)
        got = b""
        while more := sock.recv(100):
            got += more
        print(got.decode() or "end", sock.getsockname()[1])
    except ConnectionError as e:
        print(type(e).__name__)
EOT
NET=$(pidof_test net-target) python3 - <<'EOT' || fail "see above"
import subprocess

from socks import *


def start(source, where):
    return subprocess.Popen(
        ["nsenter", "-t", os.environ["NET"], "-n", "python3",
         os.environ["OBJ"] + "/come.py", source, where[0], str(where[1])],
        stdout=subprocess.PIPE, text=True)


def said(process):
    return process.communicate(timeout=TIMEOUT)[0].strip()


def come(source, where):
    return said(start(source, where))


def good(sock, where, source):
    """A peer from there comes, is told, and talks."""
    peer = start(source, where)
    code, told = read_answer5(sock)
    data = read_all(sock)
    sock.sendall(b"to the peer")
    sock.shutdown(socket.SHUT_WR)
    return code == 0 and told[0] == source and data == b"from the peer" and \
        said(peer) == f"to the peer {told[1]}"


sock, code, where = ask(BIND, "10.9.0.2", 0)
check(code == 0 and where[0] == "10.9.0.1",
      f"the address of the far end that the peer can reach: {where}")
try:
    socket.create_connection(where, 3)
    check(False, "it can be reached from here")
except OSError:
    check(True, "it cannot be reached from here")
got = come("10.9.0.3", where)
check(got in ("end", "ConnectionResetError"), f"from another address: {got}")
check(good(sock, where, "10.9.0.2"), "the named peer is served")
check(come("10.9.0.2", where) == "ConnectionRefusedError", "once")

for host in ("0.0.0.0", "10.9.0.3"):
    sock, code, where = ask(BIND, host, 0)
    check(code == 0 and where[0] == "10.9.0.1", f"{host}: waits at {where}")
    check(good(sock, where, "10.9.0.3"), f"{host}: another peer is served")
sock, code, where = ask(BIND, "127.0.0.1", 0)
check(code == 0 and where[0] == "127.0.0.1", f"loopback: {where}")
got = come("10.9.0.2", ("10.9.0.1", where[1]))
check(got == "ConnectionRefusedError", f"not reachable from elsewhere: {got}")
finish()
EOT
[ "$FAREND" = sshd ] || return 0

# Without the helper the server's GatewayPorts says who can reach it.
stop sockstun
stop farend
HELPER=none
for gateway in no yes; do
	start_lab_farend "GatewayPorts $gateway"
	start_lab_client -o RemoteHelper=none
	rm -f "$OBJ/waits"
	python3 - >"$OBJ/waits" <<-'EOT' &
	from socks import *

	sock, code, where = ask(BIND, "10.9.0.2", 0)
	print(code, *where, flush=True)
	sock.settimeout(20)
	try:
	    print(read_answer5(sock), read_all(sock))
	except socket.timeout:
	    print("nobody")
	EOT
	waits=$!
	wait_for 10 test -s "$OBJ/waits" || fail "no first reply"
	read -r code host port <"$OBJ/waits"
	[ "$code $host" = "0 127.0.0.1" ] || fail "first reply: $code $host"
	wrong=$(in_target python3 "$OBJ/come.py" 10.9.0.3 10.9.0.1 "$port")
	got=$(in_target timeout 20 python3 "$OBJ/come.py" 10.9.0.2 10.9.0.1 \
	    "$port")
	# Refused, the peer comes no more.
	[ "$gateway" = yes ] || kill $waits
	wait $waits
	case $gateway,$got in
	no,ConnectionRefusedError) ;;
	yes,end*) grep -q "from the peer" "$OBJ/waits" ||
	    fail "GatewayPorts yes: $(cat "$OBJ/waits"), before it $wrong" ;;
	*) fail "GatewayPorts $gateway: $got, $(cat "$OBJ/waits")" ;;
	esac
	stop sockstun
	stop farend
done
