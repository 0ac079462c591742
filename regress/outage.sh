# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2086,SC2154
# Cuts of the path between both ends: packets swallowed, connections reset, the
# address of the near end changed, the far end killed or rebooted.  New requests
# work soon after, what was asked meanwhile is answered, and flows in the middle
# go on or are reset, but never end as if they were whole.  This is a sample;
# "make cuts" makes hundreds.
# farend: sockstund sshd
# needs: root

. regress/tools/path.sh
: "${CUTS:=7}" "${SEED:=8}" "${LONGEST:=10}"
start_path -r 20M -d 10
[ "$FAREND" = sshd ] || FARLINE="ClientTimeout 15"
start_path_pair
# What this network sends for dead processes ends soon, as when it is rebooted,
# and a stock server learns soon that a client has vanished.
$FAR sh -c 'cd /proc/sys/net/ipv4; echo 1 >tcp_orphan_retries
    echo 6 >tcp_retries2'
start target $FAR python3 "$TOOLS/outage.py" target
wait_for 10 test -s "$OBJ/target.out" || fatal "no target"

case $FAREND in
sockstund)	set -- "$BIN/sockstund" ;;
sshd)		set -- "$SSHD" ;;
esac
trace "$CUTS cuts of seed $SEED"
STATE=$OBJ TARGET=$(cat "$OBJ/target.out") \
    $NEAR python3 "$TOOLS/outage.py" "$CUTS" "$SEED" "$LONGEST" \
    $FAR "$@" -D -e -f "$OBJ/farend.conf" || fail "see above"
grep -q "address has changed" "$OBJ/sockstun.log" ||
    fail "that the address has changed was not noticed"

# Nobody told the far end of those who are gone.
stop sockstun
kill_session
