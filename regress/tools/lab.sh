# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Three networks, for tests of which side a connection comes from:
#
#	here	127.0.0.1 and nothing else: sockstun and its clients
#	far	10.9.0.1, and 127.0.0.1: the far end
#	target	10.9.0.2 and 10.9.0.3: where the clients' connections go
#
# There is no route from here to the others; ssh runs over a ProxyCommand.
# A test that sources this says "needs: root" and "netns".

in_far()
{
	nsenter -t "$(pidof_test net-far)" -n "$@"
}

in_target()
{
	nsenter -t "$(pidof_test net-target)" -n "$@"
}

# start_in far|target name command ...
start_in()
{
	lab_net=$(pidof_test "net-$1")
	lab_name=$2
	shift 2
	start "$lab_name" nsenter -t "$lab_net" -n "$@"
}

# apart name: checks that it is in a network of its own
apart()
{
	[ "$(readlink "/proc/$(pidof_test "$1")/ns/net")" != \
	    "$(readlink /proc/$$/ns/net)" ]
}

start_lab()
{
	need ip nsenter unshare nc
	for net in net-far net-target; do
		start $net unshare -n sleep 600
		wait_for 5 apart $net || skip "no network namespaces here"
	done
	in_far ip link add one type veth peer name two \
	    netns "$(pidof_test net-target)" || skip "no veth interfaces here"
	in_far sh -e <<-'EOT' || fatal "no network for the far end"
	ip link set lo up
	ip address add 10.9.0.1/24 dev one
	ip link set one up
	ip route add default via 10.9.0.2
	EOT
	in_target sh -e <<-'EOT' || fatal "no network for the target"
	ip link set lo up
	ip address add 10.9.0.2/24 dev two
	ip address add 10.9.0.3/24 dev two
	ip link set two up
	EOT
}

# Starts both programs, the far end in its network; arguments are options of
# sockstun.
start_lab_farend()
{
	WRAP="nsenter -t $(pidof_test net-far) -n"
	start_farend "$@"
	WRAP=
}

start_lab_client()
{
	start_client -o "ProxyCommand nsenter -t $(pidof_test net-far) -n \
nc 127.0.0.1 $FARPORT" "$@"
}

# A proxy for libdsocks in $OBJ/dante.conf, which socksify reads.
# lab_socksify 4|5: the version it may speak
lab_socksify()
{
	cat >"$OBJ/dante.conf" <<-EOT
	resolveprotocol: fake
	route {
		from: 0.0.0.0/0 to: 0.0.0.0/0 via: 127.0.0.1 port = ${PROXY##*:}
		proxyprotocol: socks_v$1
		command: connect bind$([ "$1" = 4 ] || echo " udpassociate")
		method: none
	}
	EOT
	SOCKS_CONF=$OBJ/dante.conf
	SOCKS_AUTOADD_LANROUTES=no
	SOCKS_DIRECTROUTE_FALLBACK=no
	export SOCKS_CONF SOCKS_AUTOADD_LANROUTES SOCKS_DIRECTROUTE_FALLBACK
}
