# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# A path that swallows everything for a while, and comes back: new requests
# work soon after, what was asked meanwhile is answered, and flows in the
# middle go on or are reset, but never end as if they were whole.
# farend: sockstund sshd
# needs: root
# netns
# seconds: 120

[ "$CLIENT" = sockstun ] || skip "for sockstun only"

. "$TOOLS/wire.sh"
start_wire
mac()
{
	"$@" ip -o link show wire | sed -n 's|.* link/ether \([0-9a-f:]*\).*|\1|p'
}
ours=$(mac env)
theirs=$(mac $far)

WRAP=$far
start_farend "ListenAddress 10.9.0.1"
WRAP=
start_client -o HostName=10.9.0.1 -o StrictHostKeyChecking=no

# Each side takes a hardware address that nobody has for the other's.
cat >"$OBJ/cut" <<EOF
ip neigh replace 10.9.0.1 lladdr \$1 dev wire nud permanent
$far ip neigh replace 10.9.0.2 lladdr \$2 dev wire nud permanent
EOF
cat >"$OBJ/cuts.py" <<'EOF'
import os, subprocess, sys, threading, time
from socks import *

ours, theirs, nobody = sys.argv[1], sys.argv[2], "02:00:00:00:00:99"

def path(up):
    subprocess.run(["sh", os.environ["OBJ"] + "/cut",
                    theirs if up else nobody, ours if up else nobody],
                   check=True)

def echo(timeout):
    sock = order("echo")
    sock.settimeout(timeout)
    sock.sendall(b"x")
    read_exactly(sock, 1)
    sock.close()

def flow(result):
    """A flow in the middle; the peer never ends it by itself."""
    sock = order("echo")
    sock.settimeout(60)
    try:
        while not result.get("stop"):
            sock.sendall(b"?")
            if not sock.recv(1):
                result["end"] = "closed as if whole"
                return
            time.sleep(0.05)
    except ConnectionError:
        result["end"] = "reset"

def asked(result):
    try:
        echo(40)
        result["answered"] = True
    except Exception as e:
        result["answered"] = repr(e)

for seconds in [float(s) for s in sys.argv[3:]]:
    echo(20)
    middle, during = {}, {}
    threads = [threading.Thread(target=flow, args=(middle,)),
               threading.Thread(target=asked, args=(during,))]
    threads[0].start()
    time.sleep(0.2)
    path(False)
    time.sleep(min(1, seconds / 2))
    threads[1].start()
    time.sleep(seconds - min(1, seconds / 2))
    path(True)
    back = time.monotonic()
    echo(20)
    took = time.monotonic() - back
    threads[1].join()
    middle["stop"] = True
    threads[0].join()
    print(f"cut {seconds:4.1f} s: a new request after {took:.2f} s, the flow "
          f"{middle.get('end', 'went on')}", flush=True)
    check(took < 5, f"{took:.1f} s after a cut of {seconds} s")
    check(during.get("answered") is True,
          f"asked during the cut: {during.get('answered')}")
    check(middle.get("end") != "closed as if whole", "the flow was closed")
finish()
EOF
# The near end gets another address, as on another network.
move()
{
	ip address del "10.9.0.$1/24" dev wire
	sleep 0.5
	ip address add "10.9.0.$2/24" dev wire
	echo "from 10.9.0.$1 to 10.9.0.$2"
	python3 -c 'from socks import *
sock = order("echo")
sock.sendall(b"x")
read_exactly(sock, 1)' || fail "nothing works at 10.9.0.$2"
}
before=$(date +%s)
move 2 3
move 3 4
move 4 2
[ $(($(date +%s) - before)) -le 8 ] || fail "another address takes too long"
grep -q "address has changed" "$OBJ/sockstun.log" ||
    fail "that the address has changed was not noticed"

python3 "$OBJ/cuts.py" "$ours" "$theirs" ${CUTS:-0.5 2 5 9} || fail "see above"

# Nobody told the far end of those who are gone.
stop sockstun
# shellcheck disable=SC2046
kill -KILL $(family "$(pidof_test farend)" | tail -n +2) 2>/dev/null
