# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2086,SC2154
# A session outlives a network that loses packets and is gone for a while: the
# flows go on where they were, and not a byte is missing.
# farend: sockstund sshd
# needs: root

. regress/tools/path.sh
start_path -r 100M -d 10 -q 300000 -l 0.002 -S 3
start_path_pair
start bulk $NEAR python3 "$TOOLS/bulk.py" 10000000
wait_for 30 eval '[ "$(path_count down bytes)" -gt 3000000 ]' ||
    fatal "no bytes come"
path_do cut 2
wait_end bulk 60 || fatal "the flows hang"
[ "$status" -eq 0 ] || fail "flows: $(cat "$OBJ/bulk.out" "$OBJ/bulk.log")"
verbose "swallowed: $(path_count up swallowed) up, \
$(path_count down swallowed) down"
[ "$(path_count down swallowed)" -gt 0 ] || fail "the cut had no effect"
