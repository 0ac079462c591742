# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# sockstund -i: one connection on standard input and output, be they a socket,
# as inetd has it, or pipes; and with a host key that cannot be used.

[ "$FAREND" = sockstund ] || skip "for sockstund"
start_peer
FARPORT=22
echo "not a key" >"$OBJ/bad_key"
chmod 600 "$OBJ/bad_key"
farend_config "HostKey $OBJ/bad_key" 'PermitLocal yes' >"$OBJ/farend.conf"
echo "inetd $(cut -d ' ' -f 1-2 "$OBJ/host_key.pub")" >>"$OBJ/known_hosts"
serve="$BIN/sockstund -i -E $OBJ/inetd.log -f $OBJ/farend.conf"

cat >"$OBJ/pipes" <<EOT
#!/bin/sh
cat | $serve | cat
EOT
cat >"$OBJ/socket" <<EOT
#!/usr/bin/env python3
import os, socket, subprocess, threading
ours, theirs = socket.socketpair()
process = subprocess.Popen("$serve".split(), stdin=theirs, stdout=theirs)
theirs.close()
def copy_in():
    while data := os.read(0, 65536):
        ours.sendall(data)
    ours.shutdown(socket.SHUT_WR)
threading.Thread(target=copy_in, daemon=True).start()
while data := ours.recv(65536):
    os.write(1, data)
EOT
chmod 755 "$OBJ/pipes" "$OBJ/socket"

# Is no process of the daemon left?
all_gone()
{
	! readlink /proc/[0-9]*/exe | grep -qF "$BIN/sockstund"
}

for kind in pipes socket; do
	for client in sockstun ssh; do
		"start_$client" -o "ProxyCommand=$OBJ/$kind" \
		    -o HostKeyAlias=inetd
		python3 - <<'PY' || fail "$kind, $client: see above"
from socks import *

sock = order("echo")
for block in pattern(3000000):
    sock.sendall(block[:30000])
    check(read_exactly(sock, 30000) == block[:30000], "an echo")
finish()
PY
		stop sockstun
		wait_for 10 all_gone || fail "$kind, $client: processes stay"
	done
done
grep -q "Unable to load host key: $OBJ/bad_key" "$OBJ/inetd.log" ||
    fail "nothing is said of the key that cannot be used"
