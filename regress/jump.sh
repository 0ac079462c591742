# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Indirect ways to the far end: jump hosts, a ProxyCommand, and what the
# configuration file says about them.
# farend: sockstund sshd

need ssh nc python3
[ "$CLIENT" = sockstun ] || skip "for sockstun only"

# hop name: what was started as the far end is a jump host of that name
hop()
{
	mv "$OBJ/farend.pid" "$OBJ/$1.pid"
	mv "$OBJ/farend.log" "$OBJ/$1.log"
	started="$1 $started"
}

start_peer
start_sshd
hop first
first=$FARPORT
start_farend
hop second
second=$FARPORT
start_farend
me=$FARUSER@127.0.0.1
hop1=$me:$first
hop2=$me:$second

# ssh with the keys of the test, and a record of what it is told to do and of
# its process; and a command that stands for a connection.
mkdir "$OBJ/path"
cat >"$OBJ/path/ssh" <<EOF
#!/bin/sh
echo "\$*" >>"$OBJ/ssh.args"
echo \$\$ >>"$OBJ/ssh.pids"
exec $(command -v ssh) -F "$OBJ/ssh_config" "\$@"
EOF
cat >"$OBJ/path/through" <<EOF
#!/bin/sh
echo "\$*" >>"$OBJ/ssh.args"
exec nc "\$1" "\$2"
EOF
chmod 755 "$OBJ/path/ssh" "$OBJ/path/through"
PATH=$OBJ/path:$PATH
config=$OBJ/ssh_config

# How often somebody has logged in: on the first hop, on the second and at the
# end of the way.
count()
{
	for log in first second farend; do
		grep -c '^Accepted publickey' "$OBJ/$log.log"
	done | tr '\n' ' '
}

count_is()
{
	[ "$(count)" = "$1" ]
}

# way expected "first second end" option ...: the exit status, and how often
# each of the three is logged in to
way()
{
	want=$1
	steps=$2
	shift 2
	before=$(count)
	: >"$OBJ/ssh.args"
	timeout 20 "$BIN/sockstun" -F "$config" -D 0 "$@" -- true \
	    >"$OBJ/login.out" 2>"$OBJ/login.log" </dev/null
	got=$?
	[ $got -eq "$want" ] || {
		fail "$what: $got, wanted $want"
		cat "$OBJ/login.log"
	}
	# shellcheck disable=SC2086
	set -- $steps $before
	after="$(($1 + $4)) $(($2 + $5)) $(($3 + $6)) "
	wait_for 2 count_is "$after" ||
	    fail "$what: $(count) logins, wanted $after"
}

says()
{
	grep -qi -- "$1" "$OBJ/login.log" || {
		fail "$what: no word of '$1'"
		cat "$OBJ/login.log"
	}
}

# told pattern: what ssh, or the command, was told
told()
{
	grep -qx -- "$1" "$OBJ/ssh.args" || {
		fail "$what: no '$1' in what the command was told:"
		cat "$OBJ/ssh.args"
	}
}

what="straight on"
way 0 "0 0 1" -p "$FARPORT" "$me"
what="one hop"
way 0 "1 0 1" -J "$hop1" -p "$FARPORT" "$me"
told ".*-F .*ssh_config.*"
told ".*-W \[127.0.0.1\]:$FARPORT.*"
what="the other hop"
way 0 "0 1 1" -J "$hop2" -p "$FARPORT" "$me"
what="a hop as a URI"
way 0 "1 0 1" -J "ssh://$hop1/" -p "$FARPORT" "ssh://$me"
what="two hops"
way 0 "1 1 1" -J "$hop1,$hop2" -p "$FARPORT" "$me"
told ".*-J $hop1 .*"
what="the hops turned round"
way 0 "1 1 1" -J "$hop2,$hop1" -p "$FARPORT" "$me"
told ".*-J $hop2 .*"

# Ways that lead nowhere.
dead=$(freeport)
what="a hop where nobody listens"
way 255 "0 0 0" -J "$me:$dead" -p "$FARPORT" "$me"
says "connection refused"
what="a second hop where nobody listens"
way 255 "1 0 0" -J "$hop1,$me:$dead" -p "$FARPORT" "$me"
what="a hop that knows no such user"
way 255 "0 0 0" -J "nobody-of-this-name@127.0.0.1:$first" -p "$FARPORT" "$me"
says "permission denied"
what="nobody at the end of the way"
way 255 "1 0 0" -J "$hop1" -p "$dead" "$me"
what="another host than expected at the end of the way"
way 255 "1 0 0" -J "$hop1" -p "$FARPORT" -o HostKeyAlias=another "$me"
says "host key verification failed"
what="no such user at the end of the way"
way 255 "1 0 0" -J "$hop1" -p "$FARPORT" nobody-of-this-name@127.0.0.1
says "nobody-of-this-name@127.0.0.1: permission denied"
for bad in "a;b" "a\`b" "-oProxyCommand=x" "a,,b" "a," "u@" "a:0" "a:65536" \
    "[::1" "$hop1,-x"; do
	what="the hop $bad"
	way 255 "0 0 0" "-J$bad" -p "$FARPORT" "$me"
	says "bad host"
	[ ! -s "$OBJ/ssh.args" ] || fail "$what: a command was run"
done

# ProxyCommand: what it is told, and commands that do not do.
what="ProxyCommand"
way 0 "0 0 1" -o "ProxyCommand=through %h %p %r %n" -p "$FARPORT" "$me"
told "127.0.0.1 $FARPORT $FARUSER 127.0.0.1"
what="ProxyCommand nc"
way 0 "0 0 1" -o "ProxyCommand=nc %h %p" -p "$FARPORT" "$me"
what="ProxyCommand none"
way 0 "0 0 1" -o ProxyCommand=none -p "$FARPORT" "$me"
for command in false "echo nonsense" "cat /dev/zero" /nonexistent \
    "through %h $dead"; do
	what="ProxyCommand $command"
	way 255 "0 0 0" -o "ProxyCommand=$command" -p "$FARPORT" "$me"
	says "127.0.0.1 port $FARPORT"
done
what="a ProxyCommand that never speaks"
way 255 "0 0 0" -o "ProxyCommand=sleep 60" -o ConnectTimeout=1 \
    -p "$FARPORT" "$me"
says "timed out"

# A command that passes the connection and ends.
cat >"$OBJ/path/pass" <<'EOF'
#!/usr/bin/env python3
import array, socket, sys

s = socket.create_connection(sys.argv[1:3])
out = socket.socket(fileno=1)
if len(sys.argv) == 3:
    out.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", [s.fileno()]))])
out.detach()
EOF
chmod 755 "$OBJ/path/pass"
fdpass="-o ProxyUseFdpass=yes -p $FARPORT"
what="ProxyUseFdpass"
# shellcheck disable=SC2086
{
	way 0 "0 0 1" -o "ProxyCommand=pass %h %p" $fdpass "$me"
	what="ProxyUseFdpass, and none is passed"
	way 255 "0 0 0" -o "ProxyCommand=pass %h %p no" $fdpass "$me"
	says "no descriptor was passed"
	way 255 "0 0 0" -o "ProxyCommand=echo x" $fdpass "$me"
	says "no descriptor was passed"
	what="ProxyUseFdpass, and none comes"
	way 255 "0 0 0" -o "ProxyCommand=sleep 60" -o ConnectTimeout=1 \
	    $fdpass "$me"
	says "timed out"
}

# The same from a file: what comes first holds, and options come before it.
cat - "$OBJ/ssh_config" >"$OBJ/file" <<EOF
Host direct
	HostName 127.0.0.1
	Port $FARPORT
	User $FARUSER
Host one
	ProxyJump $hop1
Host two
	ProxyJump $hop1,$hop2
Host command
	ProxyCommand through %h %p %n
	ProxyJump $hop1
Host wrong
	HostName 127.0.0.2
	Port $dead
	User nobody-of-this-name
	ProxyJump $hop1
Host one two command
	HostName 127.0.0.1
	Port $FARPORT
	User $FARUSER
Host *
EOF
chmod 600 "$OBJ/file"
config=$OBJ/file
what="HostName, Port and User"
way 0 "0 0 1" direct
what="ProxyJump"
way 0 "1 0 1" one
what="ProxyJump with two hops"
way 0 "1 1 1" two
what="ProxyCommand before ProxyJump"
way 0 "0 0 1" command
told "127.0.0.1 $FARPORT command"
what="-J and ProxyJump"
way 0 "0 1 1" -J "$hop2" one
what="-J and ProxyCommand"
way 0 "0 1 1" -J "$hop2" command
what="-J none"
way 0 "0 0 1" -J none one
what="-o ProxyCommand and ProxyJump"
way 0 "0 0 1" -o "ProxyCommand=through %h %p" one
told "127.0.0.1 $FARPORT"
what="a file that is wrong"
way 255 "1 0 0" wrong
what="a file that is wrong, the command line right"
way 0 "0 0 1" -J none -o HostName=127.0.0.1 -p "$FARPORT" -l "$FARUSER" wrong
way 0 "0 1 1" -J "$hop2" -o HostName=127.0.0.1 -p "$FARPORT" "$FARUSER@wrong"

# A tunnel that stands on two hops, and loses one.
start_sockstun -o Reconnect=no -J "$hop1,$hop2"
python3 - <<'EOF' || fail "see above"
import hashlib

from socks import *

N = 8 << 20
digest = hashlib.sha256()
for block in pattern(N):
    digest.update(block)
check(hashlib.sha256(read_all(order(f"source {N}"))).digest() ==
      digest.digest(), "two hops")
finish()
EOF
kill "$(tail -n 1 "$OBJ/ssh.pids")" || fail "the hop's process is not there"
status=none
wait_end sockstun 10 || fail "a lost hop is not noticed"
[ "$status" = 255 ] || fail "a lost hop: status $status"
grep -q '^sockstun: Connection to 127.0.0.1 lost' "$OBJ/sockstun.log" ||
    fail "a lost hop: not a word"
