# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Keys in an agent, keys with a passphrase, and both together.
# farend: sockstund sshd

need ssh-agent ssh-add python3
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_farend "MaxAuthTries 3"

# Nothing but the agent: no default file, and whatever it holds.
config=$OBJ/agent_config
grep -vE '^(Identit|BatchMode)' "$OBJ/ssh_config" >"$config"
echo "PreferredAuthentications publickey" >>"$config"
chmod 600 "$config"
none="-o IdentityFile=none"
only="-o IdentitiesOnly=yes"

# login expected option ...
login()
{
	want=$1
	shift
	timeout 20 "$BIN/sockstun" -v -F "$config" -D 0 -p "$FARPORT" "$@" \
	    "$FARUSER@127.0.0.1" -- true >"$OBJ/login.out" 2>"$OBJ/login.log"
	got=$?
	[ $got -eq "$want" ] || {
		fail "$what: $got, wanted $want"
		cat "$OBJ/login.log"
	}
}

denied()
{
	login 255 "$@"
	says 'Permission denied (publickey'
}

says()
{
	grep -qi -- "$1" "$OBJ/login.log" || {
		fail "$what: no word of '$1'"
		cat "$OBJ/login.log"
	}
}

# start_agent name: one that is told no whenever it asks
start_agent()
{
	start "$1" env SSH_ASKPASS=/bin/false SSH_ASKPASS_REQUIRE=force \
	    ssh-agent -D -a "$OBJ/$1"
	SSH_AUTH_SOCK=$OBJ/$1
	export SSH_AUTH_SOCK
	wait_for 5 ssh_agent_answers || fatal "no agent"
}

ssh_agent_answers()
{
	ssh-add -l >"$OBJ/list.out" 2>&1
	[ $? -le 1 ]
}

for n in 1 2 3; do
	ssh-keygen -q -t ed25519 -N '' -f "$OBJ/stranger$n"
done
cp "$OBJ/id" "$OBJ/locked"
cp "$OBJ/id.pub" "$OBJ/locked.pub"
ssh-keygen -q -p -P '' -N 'open sesame' -f "$OBJ/locked" >"$OBJ/keygen.out"

# A passphrase is asked for when the server would take the key, and not before.
passphrase="^Enter passphrase for key '$OBJ/locked': *$"
what="the passphrase"
answer "open sesame"
login 0 -i "$OBJ/locked"
asked 1 "$passphrase"
what="AddKeysToAgent"
answer "open sesame"
login 0 -i "$OBJ/locked" -o "AddKeysToAgent=confirm 1h"
says "AddKeysToAgent is not served"
what="the second passphrase"
answer wrong "open sesame"
login 0 -i "$OBJ/locked"
asked 2 "$passphrase"
what="wrong passphrases"
answer one two three "open sesame"
denied -i "$OBJ/locked"
asked 3 "$passphrase"
what="NumberOfPasswordPrompts"
answer wrong "open sesame"
denied -i "$OBJ/locked" -o NumberOfPasswordPrompts=1
asked 1 "$passphrase"
what="a cancelled question"
answer
denied -i "$OBJ/locked"
asked 1
what="a wrong passphrase, then another key"
answer wrong
login 0 -i "$OBJ/locked" -i "$OBJ/id" -o NumberOfPasswordPrompts=1
asked 1 "$passphrase"
answer "open sesame"
what="a passphrase and BatchMode"
denied -i "$OBJ/locked" -o BatchMode=yes
what="a key with a passphrase that the server refuses"
cp "$OBJ/stranger1" "$OBJ/locked1"
cp "$OBJ/stranger1.pub" "$OBJ/locked1.pub"
ssh-keygen -q -p -P '' -N 'open sesame' -f "$OBJ/locked1" >"$OBJ/keygen.out"
denied -i "$OBJ/locked1"
asked 0

# The agent has the right key, and it is not the first.
start_agent agent
ssh-add -q "$OBJ/stranger1" "$OBJ/id"
answer "open sesame"
what="the agent's key"
login 0 $none
what="the key of SSH_AUTH_SOCK by name"
login 0 $none -o IdentityAgent=SSH_AUTH_SOCK
what="IdentityAgent none"
denied $none -o IdentityAgent=none
what="no agent in the environment"
sock=$SSH_AUTH_SOCK
unset SSH_AUTH_SOCK
denied $none
what="IdentityAgent"
login 0 $none -o IdentityAgent="$sock"
what="IdentityAgent of another variable"
export OTHER_AGENT="$sock"
login 0 $none -o "IdentityAgent=\$OTHER_AGENT"
export SSH_AUTH_SOCK="$sock"
what="IdentitiesOnly without a file"
denied $none $only
what="IdentitiesOnly and another key"
denied -i "$OBJ/stranger1" $only
what="IdentitiesOnly and the public half of the key"
login 0 -i "$OBJ/id.pub" $only
what="a key that is locked in its file, but not in the agent"
login 0 -i "$OBJ/locked" $only
asked 0

# More keys than the server lets anybody try: those that are named come first.
ssh-add -q -d "$OBJ/id" 2>"$OBJ/add.log"
ssh-add -q "$OBJ/stranger2" "$OBJ/stranger3" "$OBJ/id"
what="too many keys"
login 255 $none
[ "$FAREND" = sockstund ] || says "too many authentication failures"
wait_log farend "[Tt]oo many authentication failures" 2 ||
    fail "$what: the far end does not know of it"
what="many keys, one named"
login 0 -i "$OBJ/id.pub"
what="many keys and a file, IdentitiesOnly"
login 0 -i "$OBJ/id" $only

# The agent does not help: the file does.
ssh-add -q -D 2>"$OBJ/add.log"
what="an agent without keys"
denied $none
login 0 -i "$OBJ/id"
ssh-add -q -c "$OBJ/id"
what="a key whose use is not confirmed"
denied $none
says "agent refused operation"
login 0 -i "$OBJ/id"
says "agent refused operation"
what="an agent that has ended"
stop agent
denied $none
login 0 -i "$OBJ/id"
what="no such agent"
denied $none -o IdentityAgent=/nonexistent
login 0 -i "$OBJ/id" -o IdentityAgent=/nonexistent

# bad_agent text: one that answers so, and closes
bad_agent()
{
	rm -f "$OBJ/bad"
	start bad python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    c = s.accept()[0]
    c.recv(5)
    c.sendall(bytes.fromhex(sys.argv[2]))
    c.close()' "$OBJ/bad" "$1"
	wait_for 5 test -S "$OBJ/bad" || fatal "no bad agent"
	denied $none -o IdentityAgent="$OBJ/bad"
	login 0 -i "$OBJ/id" -o IdentityAgent="$OBJ/bad"
	stop bad
}
what="an agent that says nothing"
bad_agent ''
what="an agent that fails"
bad_agent '0000000105'
what="an agent with a list cut short"
bad_agent '000000090c00000001ffffffff'
what="an agent with a list without end"
bad_agent 'ffffffff0cffffffff'
