# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# RekeyLimit: keys are exchanged anew while data flows, and none of it is lost.
# farend: sockstund sshd

[ "$CLIENT" = sockstun ] || skip "for sockstun only"
start_peer
start_farend

# rekeyed option ...: sets n to how often new keys took the place of others,
# of both directions, while bulk went both ways
rekeyed()
{
	start_client -vvv "$@"
	python3 "$TOOLS/bulk.py" $((24 << 20)) || fail "$*: see above"
	stop sockstun
	n=$(grep -c 'ssh_packet_set_newkeys' "$OBJ/sockstun.log")
}

rekeyed
[ "$n" -eq 0 ] || fail "without a limit: $n"
rekeyed -o 'RekeyLimit 1M'
[ "$n" -gt 20 ] || fail "every 1 MB of 48 each way: $n"
