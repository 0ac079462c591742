# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# How sockstun finds its helper on a stock server, what it says where there is
# none, and what a helper that dies takes with it.
# farend: sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need pgrep
start_peer
cat >"$OBJ/check.py" <<'EOT'
from socks import *
from udp import *

echo = Echo()


def code(cmd, host=ANY, port=0):
    """What a request is answered."""
    sock, code, _ = ask(cmd, host, port)
    sock.close()
    return code


def connects():
    sock = order("echo")
    sock.sendall(b"flow")
    check(read_exactly(sock, 4) == b"flow", "a CONNECT works")


def works(a):
    return a.echo(b"through the helper", echo.host, echo.port)
EOT
run()
{
	PYTHONPATH=$PYTHONPATH:$OBJ python3 - || fail "$what: see above"
}
again()
{
	stop sockstun
	stop farend
	start_farend "$@"
}

# lines pattern: how many lines of sockstun's log have it
lines()
{
	grep -ciE "$1" "$OBJ/sockstun.log"
}

what="the subsystem"
start_farend 'MaxSessions 100'
start_client -o RemoteHelper=none
run <<'EOT'
from check import *

a, b = Association(), Association()
check(works(a) and works(b), "two associations")
check(code(RESOLVE, "localhost") == 0, "RESOLVE")
connects()
finish()
EOT

# A helper that dies.  Each is the last of a family of processes.
what="a helper that is killed"
cat >"$OBJ/dies.py" <<'EOT'
import signal
import subprocess

from check import *


def is_ours(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").startswith(os.environ["BIN"])
    except OSError:
        return False


def helpers():
    found = subprocess.run(["pgrep", "-x", "sockstun-server"], text=True,
                           stdout=subprocess.PIPE, check=False).stdout
    return [int(pid) for pid in found.split() if is_ours(pid)]


a = Association()
check(works(a), "the first")
victim = helpers()
b = Association()
check(works(b), "the second")
tcp = order("echo")
check(len(victim) == 1, f"a process for each: {victim}")
os.kill(victim[0], signal.SIGKILL)
try:
    check(a.tcp.recv(1) == b"", "the connection of its association ends")
except ConnectionResetError:
    check(True, "the connection of its association is reset")
check(is_gone(a.relay), "and its relay")
check(works(b), "another association goes on")
tcp.sendall(b"x")
check(read_exactly(tcp, 1) == b"x", "a flow goes on")
check(works(Association()), "a new one works")
finish()
EOT
PYTHONPATH=$PYTHONPATH:$OBJ python3 "$OBJ/dies.py" || fail "$what: see above"

what="RemoteHelper"
HELPER=none
again
start_client -o RemoteHelper="$BIN/sockstun-server"
run <<'EOT'
from check import *

check(works(Association()), "an association")
check(code(RESOLVE, "localhost") == 0, "RESOLVE")
connects()
finish()
EOT

# Missing in every way: told once in the log, and code 07; one that does not
# work: once, and 01.
for way in "7 $OBJ/no/such/helper" "7 none" "1 false" "1 true"; do
	CODE=${way%% *} way=${way#* }
	export CODE
	what="RemoteHelper=$way"
	again
	start_client -o RemoteHelper="$way"
	run <<-'EOT'
	from check import *

	want = int(os.environ["CODE"])
	got = [code(UDP), code(RESOLVE, "localhost"), code(UDP),
	       code(RESOLVE_PTR, "127.0.0.1"), code(UDP)]
	check(got == [want] * 5, f"codes {got}")
	check(code(BIND, "127.0.0.1") == 0, "BIND does without")
	connects()
	finish()
	EOT
	[ "$(lines 'sockstun-server|RemoteHelper')" -eq 1 ] ||
	    fail "$what: $(lines 'sockstun-server|RemoteHelper') lines, not 1"
done

what="a helper that did not work at first"
cat >"$OBJ/helper" <<EOT
#!/bin/sh
[ -e $OBJ/second ] && exec $BIN/sockstun-server
echo >>$OBJ/first
kill -9 \$\$
EOT
chmod 755 "$OBJ/helper"
again
start_client -o RemoteHelper="$OBJ/helper"
run <<'EOT'
import time

from check import *

got = [code(UDP), code(RESOLVE, "localhost"), code(UDP)]
check(got == [1] * 3, f"codes {got}")
with open(os.environ["OBJ"] + "/first") as f:
    check(len(f.read()) == 1, "it was started once for three requests")
open(os.environ["OBJ"] + "/second", "w").close()
time.sleep(2)
check(code(RESOLVE, "localhost") == 0, "after a pause it is tried again")
check(works(Association()), "an association")
finish()
EOT
[ "$(lines 'server does not work')" -eq 1 ] || fail "$what: not one line of log"

what="MaxSessions 1"
HELPER=$BIN/sockstun-server
again 'MaxSessions 1'
start_client
run <<'EOT'
import time

from check import *

a = Association()
check(works(a), "the first")
check(code(UDP) == 1, "the second is refused")
check(code(BIND, "127.0.0.1") == 0, "BIND does without")
check(works(a), "the first goes on")
connects()
a.close()
for _ in range(50):
    if (got := code(RESOLVE, "localhost")) == 0:
        break
    time.sleep(0.1)
check(got == 0, "a session that ended is one that is free")
finish()
EOT
[ "$(lines MaxSessions)" -ge 1 ] || fail "$what: the log does not say so"

what="a helper that is none"
printf '#!/bin/sh\necho Welcome to this server; cat >/dev/null\n' \
    >"$OBJ/helper"
chmod 755 "$OBJ/helper"
HELPER=$OBJ/helper
again
start_client
run <<'EOT'
from check import *

got = [code(UDP), code(RESOLVE, "localhost")]
check(0 not in got, f"codes {got}")
connects()
finish()
EOT
