# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What holds sockstund-net and sockstund-signer beside their filters: an empty
# root, empty namespaces, no capability to come back to, and limits.  As root
# and as one user, as far as this host lets either have it.
# needs: root

need setpriv pgrep unshare
[ "$FAREND" = sockstund ] || skip "for sockstund"
user=games
start_peer
cp "$OBJ/authorized_keys" "$OBJ/keys.games"
chmod 644 "$OBJ/keys.games"

field()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# limit pid name: the soft and the hard one
limit()
{
	sed -n "s/^$2  *\([^ ]*\)  *\([^ ]*\).*/\1 \2/p" "/proc/$1/limits"
}

# Sanitized programs read /proc until the end.
is_sanitized()
{
	grep -q libasan "/proc/$1/maps"
}

check_capabilities()
{
	for set in CapInh CapPrm CapEff CapAmb; do
		[ "$(field "$1" $set)" = 0000000000000000 ] ||
		    fail "$what: $set $(field "$1" $set)"
	done
	[ "$spaces" = no ] || [ "$(field "$1" CapBnd)" = 0000000000000000 ] ||
	    fail "$what: bounding set $(field "$1" CapBnd)"
	[ "$(field "$1" NoNewPrivs)" = 1 ] || fail "$what: no no_new_privs"
}

check_namespaces()
{
	for ns in net ipc uts; do
		[ "$(readlink "/proc/$1/ns/$ns")" != \
		    "$(readlink /proc/self/ns/$ns)" ] ||
		    fail "$what: is in our $ns namespace"
	done
	[ "$(grep -c : "/proc/$1/net/dev")" -eq 1 ] ||
	    fail "$what: has a network"
	[ "$(wc -l <"/proc/$1/net/route")" -le 1 ] || fail "$what: has routes"
}

check_root()
{
	case $(readlink "/proc/$1/root") in
	*' (deleted)')	;;
	*)		fail "$what: root is $(readlink "/proc/$1/root")" ;;
	esac
	[ -z "$(ls -A "/proc/$1/root/")" ] || fail "$what: root has files"
	! mkdir "/proc/$1/root/x" 2>/dev/null ||
	    fail "$what: a file can be made in its root"
	[ "$(readlink "/proc/$1/cwd")" = "$(readlink "/proc/$1/root")" ] ||
	    fail "$what: works in $(readlink "/proc/$1/cwd")"
}

check_limits()
{
	[ "$(limit "$1" 'Max processes')" = '0 0' ] ||
	    fail "$what: can have processes"
	[ "$(limit "$1" 'Max file size')" = '0 0' ] ||
	    fail "$what: can write files"
	case $(limit "$1" 'Max data size') in
	"67108864 $2")	;;
	*)	fail "$what: memory $(limit "$1" 'Max data size')" ;;
	esac
}

# look login: at the processes of one connection, before or after the login
look()
{
	n=0
	for p in $(family "$(pidof_test farend)"); do
		case $(tr '\0' ' ' <"/proc/$p/cmdline") in
		sockstund-signer*)	most=67108864 ;;
		sockstund-net*)		most=2147483648 ;;
		*)			continue ;;
		esac
		n=$((n + 1))
		what="$1, $(tr '\0' ' ' <"/proc/$p/cmdline")"
		trace "$what: $(field "$p" Uid | xargs)"
		[ "$(find "/proc/$p/fd" -lname 'net:*' -o -lname 'user:*' \
		    -o -lname '*(deleted)' ! -lname '*memfd:*' | wc -l)" \
		    -eq 0 ] || fail "$what: has descriptors of where it is"
		check_capabilities "$p"
		[ "$spaces" != yes ] || check_namespaces "$p"
		is_sanitized "$p" && continue
		check_limits "$p" "$most"
		[ "$spaces" = no ] || check_root "$p"
	done
	[ $n -eq 2 ] || fail "$1: $n processes"
}

# net_memory: the soft limit of the one sockstund-net
net_memory()
{
	for p in $(family "$(pidof_test farend)"); do
		case $(tr '\0' ' ' <"/proc/$p/cmdline") in
		sockstund-net*)	limit "$p" 'Max data size' ;;
		esac
	done
}

try()
{
	start_sockstund "AuthorizedKeysFile $OBJ/keys.%u"
	start silent nc 127.0.0.1 "$FARPORT"
	wait_for 5 grep -q SSH "$OBJ/silent.out" || fail "no identification"
	look "$1"
	stop silent
	wait_for 5 has_children 0 "$(pidof_test farend)"
	start_client
	case $(net_memory) in
	'2147483648 2147483648' | unlimited*)	;;
	*)	fail "$1: after the login memory is $(net_memory)" ;;
	esac
	stop sockstun
	stop farend
}

FARUSER=$user
spaces=no
unshare -n true 2>/dev/null && spaces=yes
try root

# Root in a container often has no CAP_SYS_ADMIN, but may change its root.
spaces=none
WRAP='setpriv --bounding-set -sys_admin'
try 'root without CAP_SYS_ADMIN'
WRAP=

chown $user "$OBJ/host_key"
AS=$user
spaces=no
setpriv --reuid=$user --regid="$(id -g $user)" --clear-groups \
    unshare -U -n true 2>/dev/null && spaces=yes
try $user
AS=
