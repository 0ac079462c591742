# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What the user is asked: passwords by both methods, passphrases and host keys,
# through SSH_ASKPASS and on a terminal.  The passwords are those of a user
# created for the test.
# needs: root

need useradd userdel chpasswd python3
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
[ "$(id -u)" -eq 0 ] || skip "needs root"

# The account expires by itself, in case nothing can remove it.
FARUSER=sockstun-t$$
at_end()
{
	userdel -f "$FARUSER" >"$OBJ/userdel.out" 2>&1
	! getent passwd "$FARUSER" || fail "the user $FARUSER is left over"
}
useradd -r -M -N -g nogroup -d /nonexistent -s /bin/sh \
    -e "$(date -d '2 days' +%F)" "$FARUSER" || fatal "useradd"
secret="p w$(od -An -N 12 -t x1 /dev/urandom | tr -d ' \n')"
echo "$FARUSER:$secret" | chpasswd || fatal "chpasswd"

# A key that is not authorized comes before the passwords.
ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger"
grep -vE '^(BatchMode|IdentityFile)' "$OBJ/ssh_config" >"$OBJ/base_config"
{ cat "$OBJ/base_config"; echo "IdentityFile $OBJ/stranger"; } \
    >"$OBJ/stranger_config"
chmod 600 "$OBJ/base_config" "$OBJ/stranger_config"
fingerprint=$(ssh-keygen -lf "$OBJ/host_key.pub" | cut -d ' ' -f 2)

# Runs a command on a terminal of its own: "expected answer ... -- command".
cat >"$OBJ/terminal.py" <<'EOP'
import os, pty, select, signal, sys, termios, time

at = sys.argv.index("--")
steps = list(zip(sys.argv[1:at:2], sys.argv[2:at:2]))
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[at + 1], sys.argv[at + 1:])


def read():
    try:
        if select.select([fd], [], [], 10)[0]:
            return os.read(fd, 4096)
        print("no word for 10 seconds")
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
    return b""


seen, done = b"", 0
for expected, answer in steps:
    while seen.find(expected.encode(), done) == -1 and (data := read()):
        seen += data
    found = seen.find(expected.encode(), done)
    if found == -1:
        print("never said:", expected)
        break
    done = found + len(expected)
    if answer == "^C":
        time.sleep(0.3)     # the prompt comes a moment before the read
    os.write(fd, b"\3" if answer == "^C" else answer.encode() + b"\n")
while data := read():
    seen += data
print(seen.decode(errors="replace").replace("\r", ""), end="")
if not termios.tcgetattr(fd)[3] & termios.ECHO:
    print("echo is left switched off")
    sys.exit(99)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
EOP

# attempt expected command ...: the end of what login and terminal do
attempt()
{
	want=$1
	shift
	"$@" -F "$config" -D 0 -p "$FARPORT" $options "$FARUSER@127.0.0.1" \
	    -- true >"$OBJ/login.log" 2>&1 </dev/null
	got=$?
	[ $got -eq "$want" ] || {
		fail "$what: $got, wanted $want"
		cat "$OBJ/login.log"
	}
	! grep -qF -- "$secret" "$OBJ/login.log" ||
	    fail "$what: the password is to be seen"
}

# login expected option ...
login()
{
	want=$1
	shift
	options=$*
	attempt "$want" timeout 20 "$BIN/sockstun"
}

# terminal expected [text answer] ...: with the options in $options
terminal()
{
	want=$1
	shift
	attempt "$want" env -u SSH_ASKPASS -u SSH_ASKPASS_REQUIRE \
	    python3 "$OBJ/terminal.py" "$@" -- "$BIN/sockstun"
}

says()
{
	grep -qi -- "$1" "$OBJ/login.log" || {
		fail "$what: no word of '$1'"
		cat "$OBJ/login.log"
	}
}

denied()
{
	login 255 "$@"
	says 'Permission denied (publickey'
}

start_sshd
config=$OBJ/stranger_config
ask="^$FARUSER@127.0.0.1's password: *$"
what="the password"
answer "$secret"
login 0
asked 1 "$ask"
wait_log farend "Accepted password for $FARUSER" 2 ||
    fail "$what: the far end does not know of it"
what="a wrong password, then the right one"
answer wrong "$secret"
login 0
asked 2 "$ask"
what="wrong passwords"
answer wrong wrong wrong "$secret"
denied
asked 3 "$ask"
[ "$(grep -c 'please try again' "$OBJ/login.log")" -eq 2 ] ||
    fail "$what: 'please try again' is not there twice"
what="NumberOfPasswordPrompts"
answer wrong "$secret"
denied -o NumberOfPasswordPrompts=1
asked 1 "$ask"
what="a password of 5000 bytes"
answer "$(head -c 5000 /dev/zero | tr '\0' x)"
denied -o NumberOfPasswordPrompts=1
asked 1 "$ask"
what="a cancelled question"
answer
denied
asked 1 "$ask"
answer "$secret"
what="BatchMode"
denied -o BatchMode=yes
what="PasswordAuthentication no"
denied -o PasswordAuthentication=no
what="PreferredAuthentications"
denied -o PreferredAuthentications=publickey,keyboard-interactive
what="a changed host key"
echo "[127.0.0.1]:$FARPORT $(cut -d ' ' -f 1-2 "$OBJ/stranger.pub")" \
    >"$OBJ/known_changed"
denied -o UserKnownHostsFile="$OBJ/known_changed" -o StrictHostKeyChecking=no
says "password authentication is disabled"
asked 0

options=
ask="$FARUSER@127.0.0.1's password: "
what="the password on a terminal"
terminal 0 "$ask" "$secret"
says "sockstun: SOCKS on .* through $FARUSER@127.0.0.1"
what="the third password on a terminal"
terminal 0 "$ask" wrong "$ask" wrong "$ask" "$secret"
says "please try again"
what="an interrupt on a terminal"
terminal 255 "$ask" ^C
what="BatchMode on a terminal"
options="-o BatchMode=yes"
terminal 255
! grep -q "password:" "$OBJ/login.log" || fail "$what: something is asked"

# A key with a passphrase, and a host that is not known.
config=$OBJ/base_config
cp "$OBJ/id" "$OBJ/locked"
ssh-keygen -q -p -P '' -N "$secret" -f "$OBJ/locked" >"$OBJ/keygen.out"
what="a passphrase on a terminal"
options="-i $OBJ/locked"
terminal 0 "Enter passphrase for key '$OBJ/locked': " "$secret"
what="the second passphrase on a terminal"
terminal 0 "Enter passphrase" wrong "Enter passphrase" "$secret"

known=$OBJ/known_new
options="-i $OBJ/id -o UserKnownHostsFile=$known -o StrictHostKeyChecking=ask"
ask="ED25519 key fingerprint is $fingerprint."
good="[127.0.0.1]:$FARPORT $(cut -d ' ' -f 1-2 "$OBJ/host_key.pub")"
for reply in yes "$fingerprint"; do
	what="an unknown host, $reply"
	rm -f "$known"
	terminal 0 "$ask" "$reply"
	says "(yes/no/\[fingerprint\])? $reply\$"
	says "permanently added"
	[ "$(cut -d ' ' -f 1-3 "$known")" = "$good" ] ||
	    fail "$what: known_hosts is $(cat "$known")"
done
rm -f "$known"
what="an unknown host, no"
terminal 255 "$ask" no
says "host key verification failed"
what="an unknown host, a wrong fingerprint"
terminal 255 "$ask" "$(echo "$fingerprint" | tr a-zA-Z b-zaB-ZA)" \
    "Please type 'yes', 'no' or the fingerprint: " no
says "host key verification failed"
[ ! -s "$known" ] || fail "$what: it was added"
what="an unknown host by SSH_ASKPASS"
answer "$fingerprint"
login 0 "$options"
asked 1 "$fingerprint"

# Two factors.
stop farend
start_sshd "AuthenticationMethods publickey,password"
what="a key and a password"
answer "$secret"
login 0 -i "$OBJ/id"
asked 1 "password: *$"
what="a password without the key"
config=$OBJ/stranger_config
answer "$secret"
login 255
asked 0

# keyboard-interactive: PAM asks.
[ -f /etc/pam.d/sshd ] || return 0
stop farend
start_sshd "UsePAM yes" "PasswordAuthentication no" \
    "KbdInteractiveAuthentication yes"
ask="^($FARUSER@127.0.0.1) Password: *$"
what="keyboard-interactive"
answer "$secret"
login 0
asked 1 "$ask"
wait_log farend "Accepted keyboard-interactive/pam for $FARUSER" 2 ||
    fail "$what: the far end does not know of it"
what="keyboard-interactive, a wrong password, then the right one"
answer wrong "$secret"
login 0
asked 2 "$ask"
what="keyboard-interactive, NumberOfPasswordPrompts"
answer wrong "$secret"
denied -o NumberOfPasswordPrompts=1
asked 1 "$ask"
answer "$secret"
what="keyboard-interactive, BatchMode"
denied -o BatchMode=yes
what="KbdInteractiveAuthentication no"
denied -o KbdInteractiveAuthentication=no
asked 0
what="keyboard-interactive on a terminal"
options=
terminal 0 "($FARUSER@127.0.0.1) Password: " "$secret"
