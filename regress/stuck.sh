# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Whichever process is stopped, or hangs, the others notice within seconds:
# requests are answered or their connections end, flows are reset at both ends,
# the log says what it was, and no process is left.
# farend: sockstund sshd
# seconds: 300

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need pgrep

cat >"$OBJ/request.py" <<'EOT'
"""A request: what became of it, and after how many seconds."""
from socks import *

began = time.monotonic()
try:
    how = f"code{ask(int(sys.argv[1], 0), sys.argv[2], 80)[1]}"
except (EOFError, ConnectionError):
    how = "ended"
print(how, int(time.monotonic() - began), flush=True)
EOT

# request name command host: in the background
request()
{
	start "$1" python3 "$OBJ/request.py" "$2" "$3"
}

# became name pattern seconds: how the request came out, and how soon
became()
{
	wait_end "$1" 40 || fatal "$what: a request goes without an answer"
	read -r how took <"$OBJ/$1.out"
	trace "$what: $1 $how after $took s"
	echo "$how" | grep -qxE "$2" || fail "$what: $1 $how"
	[ "$took" -le "$3" ] || fail "$what: $1 after $took s"
}

# named pattern: the processes of the far end with such a title
named()
{
	for p in $(serving farend); do
		tr '\0' ' ' <"/proc/$p/cmdline" | grep -q "$1" && echo "$p"
	done
}

begin()
{
	what=$1
	stop sockstun
	stop farend
	start_farend
	start_client -o Reconnect=no -o RekeyLimit="default ${2:-0}"
	start cut python3 "$TOOLS/cut.py" connect "${3:-both}"
	wait_for 30 grep -q '^up' "$OBJ/cut.out" ||
	    fatal "$what: $(cat "$OBJ/cut.out" "$OBJ/cut.log")"
}

# freeze pattern: stops that process of the far end
freeze()
{
	frozen=$(named "$1")
	[ "$(echo "$frozen" | wc -w)" -eq 1 ] ||
	    fatal "$what: processes $frozen"
	kill -STOP "$frozen"
	began=$(date +%s)
}

# over seconds: the flows are cut, the session and its processes are gone
over()
{
	wait_end cut 40 || fatal "$what: the flows hang"
	[ "$status" -eq 0 ] || fail "$what: $(grep FAIL "$OBJ/cut.out")"
	wait_end sockstun 20 || fail "$what: sockstun goes on"
	wait_for 10 has_children 0 "$(pidof_test farend)" ||
	    fail "$what: processes are left: $(family "$(pidof_test farend)")"
	is_stopped "$frozen" || fail "$what: it is still there"
	took=$(($(date +%s) - began))
	trace "$what: all is over after $took s"
	[ "$took" -le "$1" ] || fail "$what: over after $took s only"
}

# told pattern: the far end's log says so
told()
{
	wait_log farend "$1" 5 || fail "$what: the log does not tell: $1"
}

case $FAREND in
sockstund)
	begin "dialer"
	freeze '\[dialer\]'
	request ask 1 127.0.0.1
	became ask 'code1|ended' 20
	over 30
	told 'process [0-9]+ has been stopped for 10 seconds: killed'

	begin "net"
	freeze 'sockstund-net'
	request ask 1 127.0.0.1
	became ask 'code1|ended' 20
	over 30
	told 'sockstund-net takes no messages'
	[ "$(id -u)" -ne 0 ] ||
	    told 'what process [0-9]+ left did not end within 2 seconds'

	begin "signer, at a change of keys" 5
	freeze 'sockstund-signer'
	over 30
	told 'the signer does not answer'

	what="what goes on again"
	stop farend
	start_farend
	start_client -o Reconnect=no
	start_peer
	start live python3 -c '
from socks import *

with order("echo") as sock:
    while True:
        sock.sendall(b"x")
        read_exactly(sock, 1)
        time.sleep(0.1)'
	request ask 0xf0 localhost
	became ask code0 20
	freeze '\[dialer\]'
	request ask 0xf0 localhost
	sleep 5
	kill -CONT "$frozen"
	became ask code0 20
	freeze 'sockstund-net'
	sleep 5
	kill -CONT "$frozen"
	request ask 0xf0 localhost
	became ask code0 20

	what="logger"
	freeze '\[logger\]'
	request ask 0xf0 localhost
	became ask code0 20
	wait_for 15 is_stopped "$frozen" || fail "the logger stays stopped"
	told 'the logger ended'
	sleep 1
	is_running live || fail "$what: $(cat "$OBJ/live.log")"

	# Unless bytes are on their way to it, the client learns why.
	what="dialer, all is quiet"
	freeze '\[dialer\]'
	stop live KILL
	wait_end sockstun 20 || fail "$what: sockstun goes on"
	[ "$(id -u)" -ne 0 ] || wait_log sockstun \
	    'lost: .*the dialer (takes no messages|ended)' 1 ||
	    fail "$what: the client does not learn why"
	;;
sshd)
	# A helper that is stopped when it begins.
	cat >"$OBJ/helper" <<-EOT
	#!/bin/sh
	echo \$\$ >>"$OBJ/helpers"
	kill -STOP \$\$
	exec "$BIN/sockstun-server"
	EOT
	chmod 755 "$OBJ/helper"
	HELPER=$OBJ/helper
	what="helper"
	start_farend
	start_client -o ConnectTimeout=4
	request resolve 0xf0 localhost
	request udp 3 0.0.0.0
	request bind 2 127.0.0.1
	became resolve code6 10
	became udp code6 10
	became bind code6 10
	grep -q 'no answer within 4 seconds' "$OBJ/sockstun.log" ||
	    fail "the log does not tell of it"
	# They are the server's; as soon as they go on they see the end.
	# shellcheck disable=SC2046
	kill -CONT $(cat "$OBJ/helpers")
	# shellcheck disable=SC2013
	for p in $(cat "$OBJ/helpers"); do
		wait_for 10 is_stopped "$p" || fail "a helper stays"
	done
	stop sockstun
	stop farend

	# Helpers whose sshd is killed: a BIND that waits, an association, and
	# a name that is being looked up, of which nothing is read or written.
	HELPER=$BIN/sockstun-server
	what="sshd"
	start_farend
	start_client -o Reconnect=no
	python3 - <<-EOT || fail "$what: see above"
	import os, signal, subprocess
	from socks import *

	def helpers():
	    found = subprocess.run(["pgrep", "-f", "^$HELPER"],
	                           capture_output=True, text=True)
	    return found.stdout.split()

	kept = [ask(BIND, "127.0.0.1", 0), ask(UDP, ANY, 0)]
	check([k[1] for k in kept] == [0, 0] and len(helpers()) == 2,
	      f"two helpers: {helpers()}")
	sshds = {int(open(f"/proc/{pid}/stat").read().split(")")[1].split()[1])
	         for pid in helpers()}
	for pid in sshds:
	    os.kill(pid, signal.SIGKILL)
	until = time.monotonic() + 5
	while helpers() and time.monotonic() < until:
	    time.sleep(0.1)
	check(not helpers(), "they end with their sshd")
	finish()
	EOT
	wait_end sockstun 20
	[ "$(id -u)" -eq 0 ] && unshare -nm true 2>/dev/null || exit 0
	printf 'nameserver 127.0.0.1\noptions timeout:30\n' >"$OBJ/resolv.conf"
	cat >"$OBJ/lookup.py" <<-'EOT'
	import subprocess
	from socks import *

	silent = socket.socket(type=socket.SOCK_DGRAM)
	silent.bind(("127.0.0.1", 53))
	for kind in "pipes", "a socket":
	    ours, theirs = socket.socketpair()
	    fd = subprocess.PIPE if kind == "pipes" else theirs
	    helper = subprocess.Popen(sys.argv[1], stdin=fd, stdout=fd)
	    theirs.close()
	    request = request5("slow.example", 0, RESOLVE)
	    if kind == "pipes":
	        os.write(helper.stdin.fileno(), request)
	    else:
	        ours.sendall(request)
	    time.sleep(0.5)
	    check(helper.poll() is None, f"{kind}: a name is looked up")
	    ours.close()
	    if kind == "pipes":
	        helper.stdin.close()
	        helper.stdout.close()
	    try:
	        helper.wait(5)
	        check(True, "and the helper ends")
	    except subprocess.TimeoutExpired:
	        check(False, "the helper goes on without its sshd")
	        helper.kill()
	finish()
	EOT
	unshare -nm sh -c 'ip link set lo up &&
	    mount --bind "$1" /etc/resolv.conf && exec python3 "$2" "$3"' \
	    sh "$OBJ/resolv.conf" "$OBJ/lookup.py" "$HELPER" ||
	    fail "see above"
	;;
esac
