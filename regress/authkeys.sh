# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Options of authorized_keys: what they permit, and that an unknown one makes
# its key unusable.
# farend: sockstund

start_peer
start_farend
key=$(cut -d ' ' -f 1-2 "$OBJ/id.pub")
[ "$CLIENT" = sockstun ] || skip "for sockstun only"

cat >"$OBJ/dial.py" <<'EOF'
from socks import *

try:
    order("echo").close()
except Refused as e:
    finish() if e.code == 0 else sys.exit(e.code)
EOF

# login: logs in and dials; 0, 255 for no login, else the SOCKS reply's code
login()
{
	"$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" \
	    "$FARUSER@127.0.0.1" -- \
	    sh -c "PROXY=\$SOCKSTUN_PROXY exec python3 '$OBJ/dial.py'" \
	    >"$OBJ/login.out" 2>"$OBJ/login.log"
}

# with expected-status line ...: these lines are the file
with()
{
	want=$1
	shift
	printf '%s\n' "$@" >"$OBJ/authorized_keys"
	login
	got=$?
	[ $got -eq "$want" ] || {
		fail "$(echo "$1" | cut -c 1-70): $got, wanted $want"
		cat "$OBJ/login.log"
	}
}

with 0 "$key"
with 0 "$key a comment, with a \"quote"
with 0 "# comment" "" "   " "	$key"
with 0 "ssh-ed25519 AAAAgarbage" "nonsense" "$key"
with 0 "$(head -c 20000 /dev/zero | tr '\0' x)" "$key"
with 0 "no-pty,no-X11-forwarding,no-agent-forwarding,no-user-rc $key"
with 0 "NO-PTY $key"
with 0 "command=\"/bin/false \\\"x\\\", y\" $key"

with 0 "from=\"127.0.0.1\" $key"
with 0 "from=\"10.0.0.0/8,127.0.0.0/8\" $key"
with 255 "from=\"10.0.0.0/8\" $key"
with 255 "from=\"!127.0.0.1,*\" $key"
with 255 "from=\"\" $key"
with 0 "from=\"10.0.0.0/8\" $key" "$key"

with 0 "permitopen=\"127.0.0.1:$PEER\" $key"
with 0 "permitopen=\"127.0.0.1:1\",permitopen=\"127.0.0.1:$PEER\" $key"
with 0 "permitopen=\"127.0.0.1:*\" $key"
with 2 "permitopen=\"127.0.0.1:1\" $key"
with 2 "permitopen=\"localhost:$PEER\" $key"
with 255 "permitopen=\"127.0.0.1\" $key"
with 255 "permitopen=\"127.0.0.1:99999\" $key"
with 2 "restrict $key"
with 2 "no-port-forwarding $key"
with 0 "restrict,port-forwarding $key"

with 255 "expiry-time=\"20200101\" $key"
with 0 "expiry-time=\"20990101\" $key"
with 255 "expiry-time=\"soon\" $key"

with 255 "cert-authority $key"
with 255 "frobnicate $key"
grep -E 'authorized_keys.*1' "$OBJ/farend.log" | grep -q frobnicate ||
    fail "the log does not name file, line and option"
with 255 "no-pty,frobnicate=\"x\" $key"
with 255 "from=\"127.0.0.1 $key"
with 255 "from= $key"
with 255 "no-pty, $key"
with 255 ",no-pty $key"
with 255 "principals=\"x\" $key"
with 0 "frobnicate $key" "$key"
with 255 ""
rm "$OBJ/authorized_keys"
login
[ $? -eq 255 ] || fail "no file, and a login"
mkdir "$OBJ/authorized_keys"
login
[ $? -eq 255 ] || fail "a folder, and a login"
