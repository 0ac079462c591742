# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# Two networks and a long path of packets between them, for tests of what loss,
# a slow link or a cut does:
#
#	near	10.7.0.1: sockstun and its clients
#	far	10.7.0.2: the far end and the targets
#
# Each has its own 127.0.0.1.  A test that sources this says "needs: root".

# start_path option ...: of regress/bench/path.c.  Sets NEAR and FAR to the
# commands that run others there.
start_path()
{
	need nsenter
	start path "$O/regress/bench/path" -c "$OBJ/path.ctl" "$@"
	wait_for 10 path_decided
	NEAR=$(sed -n 's/^near //p' "$OBJ/path.out")
	FAR=$(sed -n 's/^far //p' "$OBJ/path.out")
	[ -n "$FAR" ] && return
	path_why=$(cat "$OBJ/path.log")
	wait_end path 1
	[ "$status" -ne 77 ] || skip "${path_why#*: }"
	fatal "no path"
}

path_decided()
{
	grep -q '^far ' "$OBJ/path.out" || ! is_running path ||
	    is_stopped "$(pidof_test path)"
}

# path_do command: changes the path while it is in use, as path.c describes
path_do()
{
	path_lines=$(grep -cE '^(ok|[?])$' "$OBJ/path.out")
	trace "path: $*"
	echo "$*" >"$OBJ/path.ctl"
	wait_for 5 path_answered || fatal "path does not answer: $*"
	[ "$(tail -n 1 "$OBJ/path.out")" = ok ] || fatal "path: $*?"
}

path_answered()
{
	[ "$(grep -cE '^(ok|[?])$' "$OBJ/path.out")" -gt "$path_lines" ]
}

# path_count up|down name: what path has counted up to now
path_count()
{
	path_do report >/dev/null
	sed -n "s/^$1 .*$2 \([0-9]*\).*/\1/p" "$OBJ/path.out" | tail -n 1
}

# start_path_pair option ...: both ends and a target; options of sockstun, and
# FARLINE, a line of the far end's configuration
start_path_pair()
{
	[ "$CLIENT" = sockstun ] || skip "for sockstun only"
	WRAP=$FAR
	start_farend "ListenAddress 10.7.0.2" ${FARLINE:+"$FARLINE"}
	start_peer
	WRAP=$NEAR
	start_client -o HostName=10.7.0.2 \
	    -o "HostKeyAlias=[127.0.0.1]:$FARPORT" "$@"
	WRAP=
}
