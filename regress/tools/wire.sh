# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2086,SC2154
# A wire between two networks, whose packets can be lost by giving one side a
# hardware address that nobody has:
#
#	here	10.9.0.2: sockstun and its clients
#	far	10.9.0.1: the far end and the targets
#
# A test that sources this says "needs: root" and "netns".

wire_apart()
{
	[ "$(readlink "/proc/$(pidof_test far)/ns/net")" != \
	    "$(readlink /proc/$$/ns/net)" ]
}

# Sets far to the command that runs others there, and starts the target there.
start_wire()
{
	need ip nsenter unshare
	start far unshare -n sleep 600
	wait_for 5 wire_apart || skip "no network namespaces here"
	far="nsenter -t $(pidof_test far) -n"
	ip link add wire type veth peer name wire netns "$(pidof_test far)" ||
	    skip "no veth interfaces here"
	ip address add 10.9.0.2/24 dev wire && ip link set wire up ||
	    fatal "no network here"
	$far ip link set lo up && $far ip address add 10.9.0.1/24 dev wire &&
	    $far ip link set wire up || fatal "no network for the far end"
	WRAP=$far
	start_peer
	WRAP=
}
