# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What the user is told when something is not as it should be.
# farend: sshd

need curl
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
{
	printf 'Welcome\n\033]0;title\007\n'
	printf '%200s%s\n' '' "Enter passphrase for key 'id':"
	head -c 100000 /dev/zero | tr '\0' '\n'
} >"$OBJ/banner"
start_farend "Banner $OBJ/banner"
me=$FARUSER@127.0.0.1

# said expected-status pattern option ...: one login, and a line it must show
said()
{
	want=$1
	pattern=$2
	shift 2
	timeout 20 "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" \
	    "$@" >"$OBJ/said" 2>&1 </dev/null
	got=$?
	[ $got -eq "$want" ] && grep -qE -- "$pattern" "$OBJ/said" || {
		fail "$*: status $got, wanted $want and '$pattern'"
		head -n 20 "$OBJ/said"
	}
}

# The server's words are marked as its own, and do not go on for ever.
said 0 "^\\($me\\) Welcome\$" "$me" -- true
grep -vE "^(\\($me\\) .*|Listening on .*)\$" "$OBJ/said" &&
    fail "a line of the banner is not marked"
[ "$(wc -c <"$OBJ/said")" -lt 30000 ] || fail "the whole banner is shown"
grep -q "$(printf '\033')" "$OBJ/said" && fail "an escape is shown as it is"

cp "$OBJ/farend.conf" "$OBJ/without"
grep -v '^Banner' "$OBJ/without" >"$OBJ/farend.conf"
kill -HUP "$(pidof_test farend)"
wait_log farend 'Received SIGHUP' || fail "no SIGHUP"
wait_for 10 is_listening "$FARPORT" || fatal "sshd does not listen again"

# The command line.
said 255 "^sockstun: Bad dynamic forwarding specification 'abc'" -D abc "$me"
said 255 "^sockstun: invalid option -- 'z'" -z "$me"
said 0 "^sockstun: Warning: Identity file /nonexistent not accessible" \
    -i /nonexistent "$me" -- true
said 127 '^sockstun: nosuch: No such file' -q "$me" -- nosuch

# A file that has a keyword of a later ssh.
{ echo 'IgnoreUnknown Nosuch*'; echo 'NosuchKeyword yes'; } >"$OBJ/later"
cat "$OBJ/ssh_config" >>"$OBJ/later"
chmod 600 "$OBJ/later"
said 0 'later line 2: ignored unknown option "NosuchKeyword"' \
    -vv -F "$OBJ/later" "$me" -- true

# On the way to the server.
closed=$(freeport)
# A ProxyCommand may end before or after libssh has written to it.
for n in 1 2 3 4 5 6 7 8; do
	said 255 "^sockstun: 127.0.0.1 port $FARPORT was not reached: the ProxyCommand" \
	    -o ProxyCommand=true "$me"
done
said 255 "^sockstun: 127.0.0.1 port $FARPORT was not reached: .*ProxyJump" \
    -J "$me:$(freeport)" "$me"
said 255 "^sockstun: Unable to negotiate .*: no matching cipher found. Their offer: [a-z0-9@.,-]*aes128-ctr" \
    -c aes256-cbc "$me"
said 255 'HostKeyAlgorithms "ssh-ed25519-cert-v01@openssh.com": none of them' \
    -o HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com "$me"

# What a user can do about it comes after it.
advised()
{
	grep -qE -- "^sockstun: $1" "$OBJ/said" || {
		fail "no advice '$1'"
		cat "$OBJ/said"
	}
}
said 255 'no matching cipher found' -c aes256-cbc "$me"
advised 'If one of them is good enough.* -o Ciphers=\+NAME'
open=$FARPORT
FARPORT=$closed
said 255 "^sockstun: connect to host 127.0.0.1 port $closed: Connection refused" \
    "$me"
advised 'The host is there, but nothing listens on that port'
FARPORT=$open
said 255 'Could not resolve hostname nosuch.invalid: ' nosuch.invalid
advised 'Is the name spelled correctly'
said 255 'No ED25519 host key is known for .* strict checking' \
    -o UserKnownHostsFile="$OBJ/none" "$me"
advised "To trust it, connect once .* or put its key into $OBJ/none"
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger"
ssh-keygen -q -t ed25519 -N secret -f "$OBJ/encrypted"
cat "$OBJ/encrypted.pub" >>"$OBJ/authorized_keys"
printf '%s\n' "IdentityFile $OBJ/stranger" "IdentityFile $OBJ/encrypted" \
    >"$OBJ/denied"
grep -v IdentityFile "$OBJ/ssh_config" >>"$OBJ/denied"
chmod 600 "$OBJ/denied"
said 255 "^sockstun: $me: Permission denied \\(publickey" -F "$OBJ/denied" "$me"
advised "Tried: $OBJ/stranger, $OBJ/encrypted \\(accepted, but it cannot be used\\)\\.\$"
advised 'Is the user the right one \(-l\)'
said 255 'Permission denied' -o PubkeyAuthentication=no "$me"
advised 'Tried: nothing; no key was found, and nothing may be asked'
[ "$(grep -c '' "$OBJ/said")" -eq 3 ] || fail "said in more than three lines"
said 255 'Could not request local forwarding' -D "$FARPORT" \
    -o ExitOnForwardFailure=yes "$me"
advised 'bind \[localhost\]:'"$FARPORT: Address already in use"
advised 'Another program listens there .*another port with -D'
if [ "$(id -u)" -eq 0 ] && [ "$(cat \
    /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 1 ]; then
	setpriv --bounding-set=-net_bind_service "$BIN/sockstun" -F none \
	    -D 1 "$me" >"$OBJ/said" 2>&1 && fail "-D 1"
	advised 'Only root may listen there: choose a port from 1024'
fi
said 255 . -o LogLevel=ERROR -o PubkeyAuthentication=no "$me"
[ "$(grep -c '' "$OBJ/said")" -eq 1 ] || fail "advice at level ERROR"

# On a terminal: the address is told once, and a question is interrupted.
# readpassphrase(3) only notes a signal that comes between its writing of the
# question and its reading of the answer; so the key is pressed again.
ssh-keygen -q -t ed25519 -N secret -f "$OBJ/locked"
cat "$OBJ/locked.pub" >>"$OBJ/authorized_keys"
cat >"$OBJ/terminal.py" <<'EOT'
import os, pty, select, sys

answer, question = sys.argv[1].encode().decode("unicode_escape"), sys.argv[2]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
seen = ""
pressed = False
while True:
    if pressed and not select.select([fd], [], [], 3)[0]:
        os.write(fd, answer.encode())
        continue
    try:
        data = os.read(fd, 4096)
    except OSError:
        break
    if not data:
        break
    seen += data.decode(errors="replace")
    if answer and not pressed and question in seen:
        os.write(fd, answer.encode())
        pressed = True
print(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOT
timeout 20 python3 "$OBJ/terminal.py" '' '' "$BIN/sockstun" -D 0 -p "$FARPORT" \
    -F "$OBJ/ssh_config" "$me" -- true >"$OBJ/said" 2>&1 || fail "no login"
grep -q 'sockstun: SOCKS on 127.0.0.1:' "$OBJ/said" || fail "no status line"
grep -q 'Listening on' "$OBJ/said" && fail "the address is told twice"
grep -v -e BatchMode -e IdentityFile "$OBJ/ssh_config" >"$OBJ/asking"
chmod 600 "$OBJ/asking"
timeout 20 python3 "$OBJ/terminal.py" '\x03' locked "$BIN/sockstun" -D 0 \
    -p "$FARPORT" -F "$OBJ/asking" -i "$OBJ/locked" "$me" >"$OBJ/said" 2>&1
status=$?
[ $status -eq 255 ] || fail "interrupted: status $status"
grep -q "sockstun: $me: interrupted" "$OBJ/said" &&
    ! grep -q 'Permission denied' "$OBJ/said" || {
	fail "interrupted: another reason is given"
	cat "$OBJ/said"
}

# A server that forbids forwarding: the first time is told, without -v.
stop farend
start_farend 'AllowTcpForwarding no'
start sockstun "$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" "$me"
wait_for 15 grep -q '^Listening on' "$OBJ/sockstun.out" || fatal "no proxy"
PROXY=$(sed -n 's/^Listening on //p' "$OBJ/sockstun.out" | head -n 1)
for n in 1 2 3; do
	curl -s --max-time 20 --noproxy '' --proxy "socks5h://$PROXY" \
	    "http://127.0.0.1:$n/" && fail "forwarded"
done
[ "$(grep -c 'does not permit forwarding.*AllowTcpForwarding' \
    "$OBJ/sockstun.log")" -eq 1 ] || fail "the hint is not told once"
