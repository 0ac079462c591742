# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# How many round trips a login takes, after that of TCP: identification, key
# exchange, and authentication by what is needed and no more.
# farend: sockstund sshd

need python3 ssh-agent ssh-add
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_farend
start flights python3 -u "$TOOLS/flights.py" "$FARPORT"
wait_for 10 test -s "$OBJ/flights.out" || fatal "flights.py does not start"
FARPORT=$(head -n 1 "$OBJ/flights.out")
known_host "$FARPORT" >>"$OBJ/known_hosts"
before=0

is_up()
{
	[ "$(grep -c 'Authenticated to' "$OBJ/sockstun.log")" -ge "$1" ]
}

# trips n: so many were needed for the next connection's login
trips()
{
	before=$((before + 1))
	got=$(grep -c "^$before " "$OBJ/flights.out")
	[ "$got" -eq "$1" ] || fail "$what: $got trips, wanted $1"
}

# login first again option ...: trips of the first login, and of one later
login()
{
	first=$1 again=$2
	shift 2
	start_client "$@"
	wait_for 20 is_up 1 || fatal "$what: not up"
	trips "$first"
	stop_sessions
	wait_for 20 is_up 2 || fatal "$what: not up again"
	what="$what, again" trips "$again"
	stop sockstun
}

stop_sessions()
{
	# shellcheck disable=SC2046
	kill -KILL $(family "$(pidof_test farend)" | tail -n +2) 2>/dev/null
}

what="a key"
login 5 3
