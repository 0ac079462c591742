# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC1091,SC2034,SC2154
# Questions over UDP: kdig and drill under Dante's socksify, asking unbound.
# (dig has used sendmmsg() since BIND 9.18, which socksify lets pass.)
# farend: sockstund sshd
# needs: root
# netns

need socksify kdig drill unbound
[ "$CLIENT" = sockstun ] || skip "ssh -D knows no UDP"
. regress/tools/lab.sh
start_lab
long=$(printf '%0240d' 7)
cat >"$OBJ/unbound.conf" <<EOT
server:
	interface: 10.9.0.2
	access-control: 0.0.0.0/0 allow
	do-daemonize: no
	chroot: ""
	username: ""
	directory: "$OBJ"
	pidfile: ""
	use-syslog: no
	local-zone: "test." static
	local-data: "host.test. A 192.0.2.33"
	local-data: "host.test. AAAA 2001:db8::33"
	local-data: 'big.test. TXT "1$long" "2$long" "3$long" "4$long"'
	max-udp-size: 4096
EOT
start_in target unbound unbound -c "$OBJ/unbound.conf"
answers()
{
	[ "$(in_target kdig +short +time=1 +retry=0 @10.9.0.2 host.test A)" = \
	    192.0.2.33 ]
}
wait_for 10 answers || fatal "unbound does not answer"
start_lab_farend
start_lab_client
lab_socksify 5

# ask answer program question ...
ask()
{
	want=$1
	shift
	got=$(timeout 20 socksify "$@" 2>&1)
	case $got in
	*"$want"*) ;;
	*)	fail "$*: $got" ;;
	esac
}

kdig +short +time=1 +retry=0 @10.9.0.2 host.test A >"$OBJ/direct" 2>&1 &&
    grep -q 192.0.2.33 "$OBJ/direct" && fatal "there is another way"
for n in 1 2 3; do
	ask 192.0.2.33 kdig @10.9.0.2 host.test A
	ask 2001:db8::33 kdig @10.9.0.2 host.test AAAA
	ask 192.0.2.33 drill @10.9.0.2 host.test A
done
ask "4$long" kdig +ignore +bufsize=4096 @10.9.0.2 big.test TXT
ask "4$long" drill -b 4096 @10.9.0.2 big.test TXT
