# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What the user is told when something is not as it should be.
# farend: sshd

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
