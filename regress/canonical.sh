# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# CanonicalizeHostname: what -G says is what "ssh -G" says.
# needs: root

need unshare mount ssh
[ "$CLIENT" = sockstun ] || skip "for sockstun only"
# Not where the root is no mount, as in a chroot.
unshare -m true 2>"$OBJ/unshare.log" ||
    skip "no mounts of its own: $(cat "$OBJ/unshare.log")"

# A name with a dot at its end is looked up as it is; the first name of a line
# is the one for which the others are aliases.
cat >"$OBJ/hosts" <<'EOT'
127.0.0.1	localhost
192.0.2.1	short.corp.test.
192.0.2.2	real.other.test	alias.corp.test.
192.0.2.3	real.other.test	bare.elsewhere.test
192.0.2.4	second.net.test.
EOT
printf 'hosts: files\npasswd: files\ngroup: files\n' >"$OBJ/nsswitch.conf"
cat >"$OBJ/elsewhere" <<EOT
#!/bin/sh -e
mount --bind "$OBJ/hosts" /etc/hosts
mount --bind "$OBJ/nsswitch.conf" /etc/nsswitch.conf
exec "\$@"
EOT
chmod 755 "$OBJ/elsewhere"
inside()
{
	unshare -m "$OBJ/elsewhere" "$@"
}

cat >"$OBJ/config" <<'EOT'
CanonicalDomains corp.test net.test
Host *.corp.test
	Port 1001
Host short
	Port 1002
Host second.net.test
	Port 1003
Match canonical host real.other.test
	Port 1004
Host named
	HostName short
Match final originalhost named
	User final
Match !canonical
	User first
EOT
chmod 600 "$OBJ/config"

# same host option ...: both say the same of it, and of what is asked for, if
# ssh says anything: it ends if it needs a name of which nothing is known
same()
{
	host=$1
	shift
	inside "$BIN/sockstun" -G -F "$OBJ/config" "$@" "$host" \
	    >"$OBJ/ours" 2>&1
	inside ssh -TG -F "$OBJ/config" "$@" "$host" >"$OBJ/theirs" \
	    2>"$OBJ/ssh.log" || return 0
	n=$((n + 1))
	for name in hostname port user canonicalizehostname canonicaldomains \
	    canonicalizemaxdots canonicalizefallbacklocal; do
		a=$(grep "^$name " "$OBJ/ours")
		b=$(grep "^$name " "$OBJ/theirs")
		case $b in
		'canonicalizehostname true')  b='canonicalizehostname yes' ;;
		'canonicalizehostname false') b='canonicalizehostname no' ;;
		esac
		[ "$a" = "$b" ] || fail "$host $*: $a, ssh says $b"
	done
}
yes='-o CanonicalizeHostname=yes'
always='-o CanonicalizeHostname=always'
n=0
rule='-o CanonicalizePermittedCNAMEs=*.corp.test:*.other.test'
same short
# shellcheck disable=SC2086
for host in short SHORT second unknown alias named localhost 192.0.2.1 ::1 \
    two.many.dots short.corp.test bare.elsewhere.test 'fe80::1%lo'; do
	same $host $yes
	same $host $always
	same $host $yes $rule
	same $host $yes -o CanonicalizeMaxDots=0
	same $host $yes -J jump
	same $host $always -J jump
	same $host $yes -o CanonicalDomains=none
done
# shellcheck disable=SC2086
same bare.elsewhere.test $yes \
    -o 'CanonicalizePermittedCNAMEs=*.elsewhere.test:*.other.test'
[ $n -gt 80 ] || fail "ssh answered $n times only"
inside "$BIN/sockstun" -G -F "$OBJ/config" -o CanonicalizeHostname=yes short |
    grep -q '^hostname short.corp.test$' || fail "not canonical"
inside "$BIN/sockstun" -G -F "$OBJ/config" -o CanonicalizeHostname=yes \
    -o CanonicalizeFallbackLocal=no unknown >"$OBJ/ours" 2>&1 &&
    fail "a host in no domain is accepted"
grep -q 'Could not resolve host "unknown"' "$OBJ/ours" ||
    fail "a host in no domain: $(cat "$OBJ/ours")"
