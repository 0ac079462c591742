# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Whichever process is killed, no flow that it cuts looks as if it were whole:
# both ends see a reset.  What a stock sshd does to its targets is not ours.
# farend: sockstund sshd
# seconds: 300

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
need pgrep nc

# named pattern: the processes of the far end with such a title, but not the
# one that listens
named()
{
	for p in $(serving farend); do
		tr '\0' ' ' <"/proc/$p/cmdline" | grep -q "$1" && echo "$p"
	done
}

# begin kind [whose]: flows through a new pair
begin()
{
	stop sockstun
	stop farend
	# shellcheck disable=SC2046
	start_farend $([ "$FAREND" = sockstund ] || echo 'MaxSessions=100')
	start_client -o Reconnect=no
	what="$*"
	start cut python3 "$TOOLS/cut.py" "$@"
	wait_for 70 grep -q '^up' "$OBJ/cut.out" ||
	    fatal "$what: $(cat "$OBJ/cut.out" "$OBJ/cut.log")"
}

# killed name pid ...: kills these, and the flows are cut
killed()
{
	what="$what, $1 is killed"
	shift
	[ $# -gt 0 ] || fatal "$what: there is none"
	kill -KILL "$@"
	wait_end cut 70 || fatal "$what: the flows hang"
	[ "$status" -eq 0 ] || fail "$what: $(grep FAIL "$OBJ/cut.out")"
}

# ended pid ...: these have ended, too
ended()
{
	for p; do
		wait_for 10 is_stopped "$p" ||
		    fail "$what: $(tr '\0' ' ' <"/proc/$p/cmdline") goes on"
	done
}

# sockstun has ended by itself or was killed.
gone()
{
	wait_end sockstun 20 || fail "$what: sockstun goes on"
}

ends=client
[ "$FAREND" = sshd ] || ends=both

begin connect $ends
killed sockstun "$(pidof_test sockstun)"
gone

# Everything at once, as when a service's control group is killed.
begin connect $ends
# shellcheck disable=SC2046
killed 'the far end' $(family "$(pidof_test farend)" | grep -vxFf \
    "$OBJ/farend.pid")
gone

if [ "$FAREND" = sshd ]; then
	for victim in sockstun-server sshd; do
		begin bind
		# shellcheck disable=SC2046
		killed $victim $(named "^[^ ]*$victim")
		[ $victim = sockstun-server ] || gone
	done
	return
fi

for victim in sockstund-net dialer; do
	begin connect
	others=$(named 'sockstund-net\|sockstund-signer\|dialer')
	# shellcheck disable=SC2046
	killed $victim $(named $victim)
	gone
	# shellcheck disable=SC2086
	ended $others
done
begin bind
# shellcheck disable=SC2046
killed sockstund-net $(named sockstund-net)
gone

# Nobody has logged in, and the client says nothing.
what='the monitor is killed'
start silent nc 127.0.0.1 "$FARPORT"
wait_for 10 grep -q '^SSH-' "$OBJ/silent.out" || fail "no greeting"
others=$(named 'sockstund-net\|sockstund-signer')
# shellcheck disable=SC2046
kill -KILL $(named monitor)
# shellcheck disable=SC2086
ended $others
stop silent

# Without the one that listens the sessions go on.
begin connect
listener=$(pidof_test farend)
others=$(named .)
kill -KILL "$listener"
sleep 1
grep -q FAIL "$OBJ/cut.out" && fail "the listener took the flows along"
# shellcheck disable=SC2086
killed 'all but the listener' $others
gone
rm -f "$OBJ/farend.pid"
