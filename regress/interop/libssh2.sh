# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# A client that shares no code with ours: what it may have, what it must not
# have, and what comes before authentication.
# farend: sockstund

client=$O/regress/interop/libssh2_client
[ -x "$client" ] || skip "libssh2_client is not built"
start_peer
start_farend
before=$(children "$(pidof_test farend)")
"$client" 127.0.0.1 "$FARPORT" "$FARUSER" "$OBJ/id" "$PEER" >"$OBJ/ssh2.out" \
    2>&1 || fail "libssh2_client: $?"
cat "$OBJ/ssh2.out"
wait_for 10 has_children "$before" "$(pidof_test farend)" ||
    fail "processes are left behind"
"$client" -u 127.0.0.1 "$FARPORT" "$FARUSER" "$OBJ/id" "$PEER" \
    >"$OBJ/ssh2u.out" 2>&1 || fail "before authentication: $?"
cat "$OBJ/ssh2u.out"
wait_for 10 has_children "$before" "$(pidof_test farend)" ||
    fail "processes are left behind"
