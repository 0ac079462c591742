# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# An sshd answers without delay beside an upload, once it has run a program:
# sockstun sees to that when much has been sent, and not before.
# farend: sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_peer
cat >"$OBJ/upload.py" <<'EOF2'
import sys
from socks import *
sock = order("sink")
sock.sendall(bytes(int(sys.argv[1])))
sock.shutdown(socket.SHUT_WR)
while sock.recv(4096):
    pass
EOF2
printf '#!/bin/sh\necho >>%s\nexec %s\n' "$OBJ/ran" "$BIN/sockstun-server" \
    >"$OBJ/helper"
chmod 755 "$OBJ/helper"
upload()
{
	PYTHONPATH=$PYTHONPATH:$OBJ python3 "$OBJ/upload.py" "$1" ||
	    fail "an upload of $1 bytes"
}
ran()
{
	[ -e "$OBJ/ran" ]
}

HELPER=none
start_farend
start_client -o RemoteHelper="$OBJ/helper"
upload 100000
sleep 1
ran && fail "it was run for 100 kB"
upload 3000000
wait_for 10 ran || fail "nothing was run"
upload 3000000
n=$(wc -l <"$OBJ/ran")
[ "$n" -eq 1 ] || fail "it was run $n times"

rm "$OBJ/ran"
stop sockstun
start_client -o RemoteHelper=none
upload 3000000
sleep 1
ran && fail "it was run in spite of RemoteHelper none"

# One that does not work is nobody's affair until somebody asks for it.
stop sockstun
start_client -o RemoteHelper=false
upload 3000000
sleep 1
! grep -q "does not work" "$OBJ/sockstun.log" || fail "it was told"
