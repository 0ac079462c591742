# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A session that is made anew asks the user nothing: keys with a passphrase, an
# agent's and, if permitted, passwords serve again.  A server that does not let
# the user in any more, or has another key, is told from one that is away.
# needs: root
# seconds: 90

need useradd userdel chpasswd python3 ssh-agent ssh-add
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
[ "$(id -u)" -eq 0 ] || skip "needs root"
user=sockstun-t$$
at_end()
{
	userdel -f "$user" >"$OBJ/userdel.out" 2>&1
	[ -z "${SSH_AGENT_PID:-}" ] || kill "$SSH_AGENT_PID"
}
useradd -r -M -N -g nogroup -d /nonexistent -s /bin/sh \
    -e "$(date -d '2 days' +%F)" "$user" || fatal "useradd"
secret=$(od -An -N 12 -t x1 /dev/urandom | tr -d ' \n')
echo "$user:$secret" | chpasswd || fatal "chpasswd"

start_peer
sed -i /^BatchMode/d "$OBJ/ssh_config"

# Loses the session twice; the user was asked once, at the start.
twice()
{
	works
	for _ in 1 2; do
		kill_session
		works
	done
	asked "$1"
	[ "$(grep -c 'again after' "$OBJ/sockstun.log")" -eq 2 ] ||
	    fail "$what: not connected twice again"
}
finish_with()
{
	wait_end sockstun 20 || fatal "$what: it goes on"
	[ "$status" -eq "$1" ] || fail "$what: status $status"
}

what="a key with a passphrase"
start_farend
cp "$OBJ/id" "$OBJ/plain"
ssh-keygen -q -p -N secret -f "$OBJ/id"
answer secret
start_client
twice 1
[ "$(grep -c 'Next authentication method' "$OBJ/sockstun.log")" -eq 1 ] ||
    fail "$what: the server was asked for its methods again"
# AddressSanitizer locks nothing.
case $O in
*-san)	;;
*)	grep -qE '^VmLck:[[:space:]]+[1-9]' \
	    "/proc/$(pidof_test sockstun)/status" ||
	    fail "$what: no memory is locked" ;;
esac

what="a server that refuses the key now"
echo >"$OBJ/authorized_keys"
kill_session
finish_with 255
[ "$(grep -c 'Permission denied' "$OBJ/sockstun.log")" -eq 3 ] ||
    fail "$what: not tried three times"
cp "$OBJ/id.pub" "$OBJ/authorized_keys"

what="an agent's key"
eval "$(ssh-agent)" >/dev/null
ssh-add -q "$OBJ/plain" 2>/dev/null || fatal "ssh-add"
answer
start_client
twice 0
stop sockstun

what="another host key"
control()
{
	"$BIN/sockstun" -F /dev/null -S "$OBJ/ctl" -O "$1" host \
	    >"$OBJ/control.out" 2>&1
}
start_client -S "$OBJ/ctl" -o StrictHostKeyChecking=ask
works
pids=$(serving farend)
stop farend
# shellcheck disable=SC2086
kill -KILL $pids 2>/dev/null
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/other"
sed "s|^HostKey .*|HostKey $OBJ/other|" "$OBJ/farend.conf" >"$OBJ/other.conf"
start farend "$BIN/sockstund" -D -e -f "$OBJ/other.conf"
wait_log farend 'Server listening on'
python3 -c 'from socks import *
sock, code, _ = ask(CONNECT, "127.0.0.1", 1)
check(code == 1, f"code {code}")
finish()' || fail "$what: the request was not refused"
is_running sockstun || fail "$what: it ended"
grep -q 'HAS CHANGED' "$OBJ/sockstun.log" || fail "$what: no word of it"
control status
grep -q '^Session: *refused' "$OBJ/control.out" ||
    fail "$what: $(cat "$OBJ/control.out")"
# The advice of the warning is followed, which is not enough; then the key is
# made known.
ssh-keygen -R "[127.0.0.1]:$FARPORT" -f "$OBJ/known_hosts" >"$OBJ/keygen.out" 2>&1
control reconnect
wait_log sockstun 'No ED25519 .* is known for .*, and nobody may be asked' ||
    fail "$what: no word of an unknown key"
echo "[127.0.0.1]:$FARPORT $(cat "$OBJ/other.pub")" >>"$OBJ/known_hosts"
control reconnect
works
[ "$(grep -c 'No clients are served' "$OBJ/sockstun.log")" -eq 2 ] ||
    fail "$what: not told once each time"
stop sockstun
stop farend

for reuse in yes no; do
	what="a password, PermitPasswordReuse $reuse"
	start_sshd "PasswordAuthentication yes"
	FARUSER=$user
	answer "$secret"
	start_client -o PreferredAuthentications=password \
	    -o "PermitPasswordReuse=$reuse" -o AuthRetries=1
	if [ "$reuse" = yes ]; then
		twice 1
		stop sockstun
	else
		works
		kill_session
		finish_with 255
		asked 1
	fi
	stop farend
done
