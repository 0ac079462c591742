# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# The walls between the rooms.  The compiler sees to it that a source includes
# what its room may (SEES in the Makefile); here is what it may not in any case,
# and which room may know which library.

need ldd nm

# headers room ...: their names, as one pattern
headers()
{
	for r; do
		case $r in common/*) r=include/${r#*/} ;; esac
		for h in "$r"/*.h; do basename "$h"; done
	done | sed 's/\./\\./' | paste -s -d '|'
}

# no_include room rooms ...: the first includes no header of the others
no_include()
{
	room=$1
	shift
	grep -HnE "^#include \"([^\"]*/)?($(headers "$@"))\"" \
	    "$room"/*.[ch] && fail "$room includes what it may not"
}

# no_name pattern room ...: no line of theirs has it
no_name()
{
	pattern=$1
	shift
	for room; do
		case $room in
		common/*)
			grep -HnE "$pattern" "$room"/*.c "include/${room#*/}"/*.h ;;
		*)
			grep -HnE "$pattern" "$room"/*.[ch] ;;
		esac && fail "$room names $pattern"
	done
}

# no_symbol pattern room ...: what is built from it needs none
no_symbol()
{
	pattern=$1
	shift
	for room; do
		nm -u "$O/$room.a" 2>/dev/null | grep -E "^ +U $pattern" &&
		    fail "$room needs $pattern"
	done
}

# without program library ...
without()
{
	program=$1
	shift
	for l; do
		! ldd "$program" | grep -q "$l\\." ||
		    fail "$(basename "$program") links $l"
	done
}

# No process knows another, nor one end the other.
processes="server/listener server/monitor server/net server/dialer \
    server/sockstun-server"
for p in $processes; do
	others=
	for o in $processes; do
		[ "$o" = "$p" ] || others="$others $o"
	done
	# shellcheck disable=SC2086
	no_include "$p" $others client/*
done
no_include server/net server/handover server/services
for room in client/*; do
	no_include "$room" server/*
done
for room in server/services server/handover server/privsep; do
	# shellcheck disable=SC2086
	no_include "$room" $processes client/*
done
for room in client/config client/login client/farend; do
	no_include "$room" client/sockstun
done
no_include client/config client/login client/farend client/front

# Services are given: what runs them knows none of them.
grep -HnE '^#include "[a-z]+serv\.h"' server/services/services.[ch] &&
    fail "services names a kind of service"

# Layers.
no_name '<(event2|libssh)/' common/base client/config
no_name '<libssh/' common/flow client/front client/sockstun \
    server/listener server/monitor server/dialer server/services \
    server/handover server/privsep server/sockstun-server server/sockstund
no_name '<event2/' server/monitor server/handover server/privsep
no_name '<seccomp' common/* client/*
make -s O="$O" "$O/common/base.a" "$O/common/flow.a" "$O/common/ssh.a" \
    "$O/client/config.a" "$O/client/front.a" "$O/client/sockstun.a" \
    >/dev/null ||
    fail "no archives"
no_symbol '(ssh|event|evtimer|evutil|evbuffer|bufferevent)_' common/base \
    client/config
no_symbol 'ssh_' common/flow client/front client/sockstun

# Layers of common/ssh, the top first: none includes a header of those before.
above=none
for module in sshloop sshprogram sshforward sshopen sshchan sshconn sshwindow \
    sshpace sshwire; do
	grep -HnE "^#include \"($above)\.h\"" "common/ssh/$module.c" \
	    "include/ssh/$module.h" && fail "$module includes what is above it"
	above="$above|$module"
done

# Who is linked with what.
without "$BIN/sockstund" libssh libcrypto
without "$BIN/sockstun-server" libssh libcrypto libresolv
without "$BIN/sockstun" libssh2 libseccomp
without "$BIN/sockstund-net" libssh2
for module in addr buf conf log match ruleset socks; do
	program=$O/regress/unit/${module}_test
	[ -x "$program" ] || { fail "no unit test of $module"; continue; }
	without "$program" libevent libssh
done

# Hardened: position independent, no lazy binding, no executable stack.
for program in sockstun sockstund sockstund-net sockstun-server; do
	readelf -hld "$BIN/$program" >"$OBJ/elf"
	grep -q 'DYN' "$OBJ/elf" || fail "$program is no PIE"
	grep -q 'GNU_RELRO' "$OBJ/elf" || [ "${O%-san}" != "$O" ] ||
	    fail "$program has no RELRO"
	case $program in
	sockstun | sockstund-net)
		readelf -W --dyn-syms "$BIN/$program" >"$OBJ/symbols"
		n=$(grep -cE ' DEFAULT +[0-9]+ (poll|recv|send)$' "$OBJ/symbols")
		[ "$n" = 3 ] || fail "libssh does not find ours in $program" ;;
	esac
	grep -A 1 'GNU_STACK' "$OBJ/elf" | grep -q 'RWE' &&
	    fail "$program has an executable stack"
done
true
