# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Who wants a shell or a command of sockstund is told that there is none, and
# why, and ends with a failure; what needs no session goes on working.

need ssh dbclient dropbearconvert
[ "$FAREND" = sockstund ] || skip "for sockstund"
[ "$CLIENT" = sockstun ] || skip "the clients are named here"
start_peer
start_sockstund "LogLevel INFO"
dropbearconvert openssh dropbear "$OBJ/id" "$OBJ/id.db" 2>"$OBJ/convert.log" ||
    fatal "dropbearconvert"
ssh="ssh -F $OBJ/ssh_config -p $FARPORT"

# told status command ...: it ends with that status, and says why
told()
{
	want=$1
	shift
	"$@" >"$OBJ/told" 2>&1 </dev/null
	status=$?
	[ "$status" -eq "$want" ] || fail "$*: exit status $status, not $want"
	grep -q 'sockstund: there is no shell and no command' "$OBJ/told" || {
		fail "$*: does not say why, but:"
		cat "$OBJ/told"
	}
}

# shellcheck disable=SC2086
{
	told 1 $ssh "$FARUSER@127.0.0.1" id
	told 1 $ssh -T "$FARUSER@127.0.0.1"
	told 1 $ssh -tt "$FARUSER@127.0.0.1"
	told 1 dbclient -y -y -i "$OBJ/id.db" -p "$FARPORT" \
	    "$FARUSER@127.0.0.1" id
	told 1 dbclient -T -y -y -i "$OBJ/id.db" -p "$FARPORT" \
	    "$FARUSER@127.0.0.1"
	# One after the other on one connection, more than there may be at once.
	start master $ssh -N -M -S "$OBJ/mux" "$FARUSER@127.0.0.1"
	wait_for 10 test -S "$OBJ/mux" || fatal "no connection to share"
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		told 1 $ssh -S "$OBJ/mux" "$FARUSER@127.0.0.1" "id $n"
	done
	# Of many lines in one second some are left out.
	sleep 1
	$ssh -S "$OBJ/mux" -s "$FARUSER@127.0.0.1" sftp >"$OBJ/sftp" 2>&1 &&
	    fail "a subsystem is served"
	$ssh -S "$OBJ/mux" -O forward -R 0:127.0.0.1:1 "$FARUSER@127.0.0.1" \
	    >"$OBJ/remote" 2>&1 && fail "a remote forwarding is served"
	is_running master || fail "the connection ended with its sessions"
	got=$(printf 'echo\nhello' | timeout 20 $ssh \
	    -W "127.0.0.1:$PEER" "$FARUSER@127.0.0.1" 2>&1)
	[ "$got" = hello ] || fail "-W: $got"
	# What sockstund(8) says of other clients.
	$ssh -W 127.0.0.1:1 "$FARUSER@127.0.0.1" >"$OBJ/closed" 2>&1 </dev/null
	grep -q 'open failed: administratively prohibited' "$OBJ/closed" ||
	    fail "a closed port: $(cat "$OBJ/closed")"
	$ssh -N "$FARUSER:style@127.0.0.1" 2>"$OBJ/style" &&
	    fail "a user with a style logs in"
	grep -q "Invalid user $FARUSER:style from" "$OBJ/farend.log" ||
	    fail "the log does not name the user with a style"
}
stop master

# The operator sees whose it was.
for what in 'request for a command' 'request for a subsystem' \
    'request for a remote forwarding'; do
	grep -q "^net.*: $FARUSER from 127.0.0.1 port [0-9]*: $what refused" \
	    "$OBJ/farend.log" || fail "no line: $what refused"
done
