# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# A client that shares no code with ours: what it may have, what it must not
# have, and what comes before authentication; with keys of every type.
# farend: sockstund

. regress/tools/keys.sh
client=$O/regress/interop/libssh2_client
[ -x "$client" ] || skip "libssh2_client is not built"
start_peer

# use [-l | -u]: sets $status
use()
{
	before=$(children "$(pidof_test farend)")
	# The library itself leaks the halves of an ECDSA signature.
	env ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" "$client" "$@" \
	    127.0.0.1 "$FARPORT" "$FARUSER" "$OBJ/id" "$OBJ/known_hosts" \
	    "$PEER" >"$OBJ/ssh2.out" 2>&1
	status=$?
	cat "$OBJ/ssh2.out"
	wait_for 10 has_children "$before" "$(pidof_test farend)" ||
	    fail "$kind: processes are left behind"
}

# Before 1.11 the library signs and checks with SHA-1 alone if the key is of
# RSA: that must be refused.
use_key()
{
	use -l
	case $kind in
	rsa*)	pkg-config --atleast-version=1.11 libssh2 ||
		    status=$((status - 3)) ;;
	esac
	[ "$status" -eq 0 ] || fail "$kind: $status"
}

each_key use_key
start_farend
use
[ "$status" -eq 0 ] || fail "$kind: $status"
use -u
[ "$status" -eq 0 ] || fail "before authentication: $status"
stranger_host "[127.0.0.1]:$FARPORT" >"$OBJ/known_hosts"
use
[ "$status" -eq 3 ] || fail "another host: $status"
