# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2046,SC2086,SC2154
# The path of packets that other tests and the benchmark use does what it is
# told to do.  On a busy machine packets come late, never early.
# needs: root

. regress/tools/path.sh
start_path -d 20,10 -S 7
start echo $FAR python3 "$TOOLS/packets.py" echo
wait_for 10 grep -q up "$OBJ/echo.out" || fatal "no echo"

# probe count size: sets $came, $late, $up, $down and $span
probe()
{
	set -- "$@" $($NEAR python3 "$TOOLS/packets.py" "$@")
	came=$3 late=$4 up=$5 down=$6 span=$7
	trace "$1 of $2 bytes: $came came, $late late, $up us up, $down us" \
	    "down, over $span us"
}

# within what value least most
within()
{
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ] ||
	    fail "$1: $2, not $3 to $4"
}

# Delay, each way by itself; and what changes while it is in use.
probe 10 100
within packets "$came" 10 10
within "us up" "$up" 19900 30000
within "us down" "$down" 9900 19000
path_do delay 20,60
probe 10 100
within "us down, later" "$down" 59900 75000
path_do delay 5

# A rate: 200 packets of 1000 bytes take 160 ms at 10 Mbit/s, the first apart.
path_do rate 10M,0
probe 200 1000
within "packets at a rate" "$came" 200 200
within "us of 200 packets" "$span" 155000 400000
path_do rate 20M,0
probe 200 1000
within "us at twice the rate" "$span" 76000 150000

# A queue of 20 packets before a link that takes 8 ms for each.
path_do queue 20000
path_do rate 1M,0
before=$(path_count up full)
probe 100 1000
full=$(($(path_count up full) - before))
within "dropped by the queue" "$full" 40 80
within "what is left" "$came" $((100 - full)) $((100 - full))
path_do rate 0

# Loss: the same seed drops the same packets, of one direction only.
path_do loss 0.1,0
before=$(path_count up lost)
probe 1000 100
lost=$(($(path_count up lost) - before))
within "lost of 1000" "$lost" 70 130
within "what is left" "$came" $((1000 - lost)) $((1000 - lost))
within "lost down" "$(path_count down lost)" 0 0
path_do loss 0

# Packets that come after later ones.
path_do late 3
path_do reorder 0,0.1
probe 500 100
within "in the wrong order" "$late" 1 80
within "held back" "$(path_count down late)" 30 80
within "packets" "$came" 500 500
path_do reorder 0

# A cut, of one direction, then of both, and for a time.
path_do cut down
before=$(path_count up packets)
probe 5 100
within "packets over a cut" "$came" 0 0
within "packets up" $(($(path_count up packets) - before)) 5 5
within "swallowed down" "$(path_count down swallowed)" 5 5
path_do join
probe 5 100
within "packets when joined" "$came" 5 5
path_do cut
probe 5 100
within "swallowed up" "$(path_count up swallowed)" 5 5
path_do cut 0.3
wait_for 5 eval 'probe 5 100; [ "$came" -eq 5 ]' || fail "the cut stays"
within "own drops" "$(path_count up own)" 0 0

# TCP, which the kernel hands over in pieces of 64 KB: it arrives as it was
# sent, through loss, another order and a cut.
path_do reorder 0.01
path_do loss 0.01
path_do rate 200M
WRAP=$FAR
start_peer 10.7.0.2
WRAP=
start tcp $NEAR python3 "$TOOLS/packets.py" tcp 20000000
sleep 0.3
path_do cut 0.5
wait_end tcp 30 || fatal "TCP hangs"
[ "$status" -eq 0 ] || fail "TCP: $(cat "$OBJ/tcp.out" "$OBJ/tcp.log")"
within "TCP lost" "$(path_count down lost)" 50 1000

# Resets: who sends is told that the connection is gone, or that there is none.
reset()
{
	wait_end tcp 10 || fatal "$1: TCP hangs"
	grep -q "$1" "$OBJ/tcp.log" || fail "no $1: $(cat "$OBJ/tcp.log")"
}
before=$(path_count down packets)
start tcp $NEAR python3 "$TOOLS/packets.py" tcp 100000000
wait_for 10 eval '[ "$(path_count down packets)" -gt $((before + 99)) ]'
path_do reset up
reset ConnectionResetError
start tcp $NEAR python3 "$TOOLS/packets.py" tcp 10
reset ConnectionRefusedError
path_do join
$NEAR python3 "$TOOLS/packets.py" tcp 10 || fail "the resets stay"
