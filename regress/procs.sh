# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Which process runs as whom: none with root's rights links libssh, the one that
# speaks SSH is sandboxed, and the one that dials runs as the user.
# needs: root

need setpriv pgrep ldd python3
[ "$FAREND" = sockstund ] || skip "for sockstund"
user=games
FARUSER=$user
uid=$(id -u $user)
groups_want=$(id -G $user | tr ' ' '\n' | sort -n | xargs)
start_peer
cp "$OBJ/authorized_keys" "$OBJ/keys.games"
chmod 644 "$OBJ/keys.games"

field()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' '
}

uses_libssh()
{
	grep -q 'libssh[.-]' "/proc/$1/maps"
}

# look user sessions strangers: at all processes of a far end of that user
look()
{
	net=0
	dialer=0
	: >"$OBJ/dialers"
	for p in $(family "$(pidof_test farend)"); do
		name=$(tr '\0' ' ' <"/proc/$p/cmdline")
		u=$(field "$p" Uid)
		trace "$p uid $u seccomp $(field "$p" Seccomp): $name"
		if uses_libssh "$p"; then
			net=$((net + 1))
			[ "$(field "$p" Seccomp)" = 2 ] ||
			    fail "libssh without a seccomp filter"
			[ "$(field "$p" NoNewPrivs)" = 1 ] ||
			    fail "libssh without no_new_privs"
			[ "${u%% *}" != 0 ] || fail "libssh as root"
			[ "$(field "$p" CapEff)" = 0000000000000000 ] ||
			    fail "libssh with capabilities"
			[ "$1" = root ] || [ "$u" = "$uid $uid $uid $uid" ] ||
			    fail "as a user, libssh runs as $u"
		elif [ "$u" = "$uid $uid $uid $uid" ]; then
			dialer=$((dialer + 1))
			case $name in
			*'[dialer]'*) echo "$p" >>"$OBJ/dialers" ;;
			esac
			groups=$(field "$p" Groups)
			[ "$1" != root ] || [ "${groups% }" = "$groups_want" ] ||
			    fail "the dialer has the groups $groups"
		fi
	done
	[ $net -eq $(($2 + $3)) ] || fail "$net processes with libssh"
	[ "$dialer" -ge "$2" ] || fail "$dialer processes of $user"
}

# Who has the signer's own ids, or those of a sockstund-net or a dialer, can
# neither read its memory nor trace it; and no two processes have one uid.
signer_is_out_of_reach()
{
	: >"$OBJ/uids"
	for p in $(family "$(pidof_test farend)"); do
		case $(tr '\0' ' ' <"/proc/$p/cmdline") in
		sockstund-signer*)	signer=$p ;;
		sockstund-net*)	;;
		*)		continue ;;
		esac
		field "$p" Uid | cut -d ' ' -f 1 >>"$OBJ/uids"
	done
	trace "signer $signer; uids $(xargs <"$OBJ/uids")"
	[ "$(wc -l <"$OBJ/uids")" -ge 2 ] || fail "no signer and no net"
	[ "$(sort "$OBJ/uids" | uniq -d | wc -l)" -eq 0 ] ||
	    fail "two processes share a uid"
	gid=$(field "$signer" Gid | cut -d ' ' -f 1)
	for u in $(cat "$OBJ/uids") "$uid"; do
		python3 "$TOOLS/reach.py" "$signer" "$u" "$gid" ||
		    fail "uid $u reaches the signer"
	done
}

# dialer_is_out_of_reach daemon: its user can have nothing of the dialer's, and
# whoever has the dialer no right that the user has not
dialer_is_out_of_reach()
{
	[ "$(wc -w <"$OBJ/dialers")" -ge 1 ] || fail "no dialer"
	for p in $(cat "$OBJ/dialers"); do
		[ "${O%-san}" != "$O" ] || python3 "$TOOLS/reach.py" "$p" \
		    "$uid" "$(id -g $user)" || fail "its user reaches the dialer"
		for set in Inh Prm Eff Bnd Amb; do
			# Only root could have emptied that one.
			[ "$1" != root ] && [ $set = Bnd ] && continue
			[ "$(field "$p" Cap$set)" = 0000000000000000 ] ||
			    fail "the dialer has Cap$set $(field "$p" Cap$set)"
		done
		[ "$(field "$p" Seccomp)" = 2 ] || fail "a dialer without a filter"
		[ "$(field "$p" NoNewPrivs)" = 1 ] ||
		    fail "a dialer without no_new_privs"
		for fd in 0 1 2; do
			[ "$(readlink "/proc/$p/fd/$fd")" = /dev/null ] ||
			    [ "${O%-san}" != "$O" ] ||
			    fail "the dialer has $(ls -l "/proc/$p/fd/$fd")"
		done
		find "/proc/$p/fd" -lname "$OBJ/*" | grep . &&
		    [ "${O%-san}" = "$O" ] && fail "the dialer has our files"
	done
}

for p in sockstund sockstund-net sockstund-signer sockstun; do
	[ ! -u "$BIN/$p" ] || fail "$p is set-uid"
done
! ldd "$BIN/sockstund" | grep -q libssh || fail "sockstund links libssh"
ldd "$BIN/sockstund-net" | grep -q libssh || fail "sockstund-net without libssh"

start_sockstund "AuthorizedKeysFile $OBJ/keys.%u"
start_client
look root 1 0
dialer_is_out_of_reach root
first=$(for p in $(family "$(pidof_test farend)"); do
	grep -m 1 sockstund "/proc/$p/maps" | cut -d - -f 1; done)
[ "$(echo "$first" | sort | uniq -d | wc -l)" -eq 0 ] ||
    fail "two processes share an address-space layout"
# Nobody has proved anything: the monitor is root, but does not know libssh.
start silent nc 127.0.0.1 "$FARPORT"
wait_for 5 has_children 2 "$(pidof_test farend)" || fail "no second monitor"
sleep 0.3
look root 1 1
# What is built with sanitizers can be traced, since their leak check does so.
[ "${O%-san}" != "$O" ] || signer_is_out_of_reach
stop silent
stop sockstun
stop farend

# For root nobody dials.
start_sockstund
FARUSER=root
start_client
for p in $(family "$(pidof_test farend)"); do
	case $(tr '\0' ' ' <"/proc/$p/cmdline") in
	*'root [dialer]'*)
		found=$p
		[ "$(field "$p" Uid | cut -d ' ' -f 1)" -gt 65536 ] ||
		    fail "root's dialer has the uids $(field "$p" Uid)"
		[ "$(field "$p" CapBnd)" = 0000000000000000 ] ||
		    fail "root's dialer could have capabilities" ;;
	esac
done
[ -n "${found:-}" ] || fail "root has no dialer"
stop sockstun
stop farend
FARUSER=$user

chown $user "$OBJ/host_key"
AS=$user
start_sockstund "AuthorizedKeysFile $OBJ/keys.%u"
start_client
look $user 1 0
dialer_is_out_of_reach $user
AS=
"$BIN/sockstun" -F "$OBJ/ssh_config" -D 0 -p "$FARPORT" root@127.0.0.1 \
    -- true 2>"$OBJ/root.log" && fail "root was let in by a user's daemon"
