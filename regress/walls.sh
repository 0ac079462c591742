# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# The walls between the rooms.  The compiler sees to it that a source includes
# what its room may (SEES in the Makefile).  Here is what those lists may not
# say, that no source calls what it may not include, and which rooms may know
# which library.

need ldd nm readelf

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

# only library headers symbols room ...: no other room includes or needs it
only()
{
	library=$1 headers=$2 symbols=$3
	shift 3
	for room in $rooms; do
		case " $* " in *" $room "*) continue ;; esac
		grep -HnE "^#include <($headers)" "$room"/*.c "$room"/*.h \
		    "include/${room#*/}"/*.h 2>/dev/null | grep . &&
		    fail "$room includes $library"
		nm -u "$O/$room.a" 2>/dev/null | grep -E "^ +U ($symbols)" &&
		    fail "$room calls $library"
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
processes="server/listener server/logger server/monitor server/net \
    server/signer server/dialer server/sockstun-server"
for p in $processes; do
	others=
	for o in $processes; do
		[ "$o" = "$p" ] || others="$others $o"
	done
	# shellcheck disable=SC2086
	no_include "$p" $others client/*
done
no_include server/net server/handover server/services
no_include server/signer server/handover server/services
no_include server/logger server/handover server/services
for room in client/*; do
	no_include "$room" server/*
done
for room in server/services server/handover server/privsep \
    server/sandbox; do
	# shellcheck disable=SC2086
	no_include "$room" $processes client/*
done
for room in client/config client/login client/farend client/front \
    client/session; do
	no_include "$room" client/sockstun client/control
done
for room in client/config client/login client/farend client/front; do
	no_include "$room" client/session
done
no_include client/control client/sockstun
no_include client/session client/front
no_include client/config client/login client/farend client/front
no_include client/farend client/login client/front
no_include client/front client/login common/ssh

# Services are given: what runs them knows none of them.
grep -HnE '^#include "[a-z]+serv\.h"' server/services/services.[ch] &&
    fail "services names a kind of service"

# Layers of common/ssh, the top first: none includes a header of those before.
above=none
for module in sshloop sshprogram sshforward sshopen sshchan sshconn sshwindow \
    sshpace sshpulse sshwire; do
	grep -HnE "^#include \"($above)\.h\"" "common/ssh/$module.c" \
	    "include/ssh/$module.h" && fail "$module includes what is above it"
	above="$above|$module"
done

grep -HnE '^#include "[^"]*/' common/*/*.c client/*/*.[ch] server/*/*.[ch] \
    include/*/*.h && fail "an include with a path goes round the walls"

# What a room calls is its own, of a room that it sees, or of a library; poll,
# recv and send are libssh's, which common/ssh defines too, and so are three of
# libcrypto's, which server/net does.
rooms=$(echo common/* client/* server/*)
# shellcheck disable=SC2046,SC2086
make -s O="$O" $(printf "$O/%s.a " $rooms) sees >"$OBJ/sees" ||
    fatal "no archives"
for room in $rooms; do
	nm "$O/$room.a" | sed -n "s|^[0-9a-f ]* \([A-Zu]\) |$room \1 |p"
done >"$OBJ/symbols"
awk '
	FILENAME ~ /sees$/ {
		for (i = 2; i <= NF; i++)
			sees[$1, $i] = 1
		sees[$1, $1] = 1
		next
	}
	$3 ~ /^(main|poll|recv|send)$/ { next }
	$3 ~ /^EVP_Digest(Sign|Update|Verify)$/ { next }
	$2 != "U" { of[$3] = $1; next }
	{ needs[$1 " " $3] = 1 }
	END {
		for (n in needs) {
			split(n, a, " ")
			if (a[2] in of && !((a[1], of[a[2]]) in sees))
				print a[1] " calls " a[2] " of " of[a[2]]
		}
	}
' "$OBJ/sees" "$OBJ/symbols" >"$OBJ/calls"
[ ! -s "$OBJ/calls" ] || fail "$(cat "$OBJ/calls")"

# Libraries.
only libssh libssh/ ssh_ common/ssh client/login server/net
only libevent event2/ '(ev|ev(ent|timer|util|buffer)|bufferevent)_' \
    common/flow common/ssh client/login client/farend client/front \
    client/session client/control client/sockstun server/listener \
    server/logger server/dialer server/services server/net \
    server/sockstun-server
# Its header has the numbers of system calls; the library is for tests.
only libseccomp seccomp seccomp_ server/net server/sandbox server/signer \
    server/logger server/dialer
only libcrypto openssl/ '(EVP|BN|BIO|PEM|OSSL|OPENSSL)_' server/net server/signer
only libresolv 'resolv|arpa/nameser' '(__)?(res|ns|b64)_' server/monitor \
    client/login
only jansson jansson json_ client/control
only ncurses n?curses '(newterm|endwin|w(add|attr|clr|erase|get|move)[a-z]*)' \
    client/control
only threads pthread pthread_ common/flow client/login

# Events are added where it is seen that one cannot be.
nm -A -u "$O"/*/*.a | grep -E ' U (event_(add|base_once)|bufferevent_)' |
    grep -v '/flow\.a:eventloop\.o:' && fail "an event goes round the wrapper"

# Who is linked with what.
without "$BIN/sockstund" libssh libcrypto libseccomp
without "$BIN/sockstun-server" libssh libcrypto libresolv
without "$BIN/sockstun" libssh2 libseccomp
without "$BIN/sockstund-net" libssh2 libseccomp
without "$BIN/sockstund-signer" libssh libevent_core libseccomp
for module in addr buf conf log match ruleset socks sshbytes; do
	program=$O/regress/unit/${module}_test
	[ -x "$program" ] || { fail "no unit test of $module"; continue; }
	without "$program" libevent libssh
done

# libssh calls poll, recv and send of ours, and net's signing and checking.
for program in sockstun sockstund-net; do
	readelf -W --dyn-syms "$BIN/$program" >"$OBJ/symbols"
	n=$(grep -cE ' DEFAULT +[0-9]+ (poll|recv|send)$' "$OBJ/symbols")
	[ "$n" = 3 ] || fail "libssh does not find ours in $program"
done
n=$(grep -cE ' DEFAULT +[0-9]+ EVP_Digest(Update|Sign|Verify)$' "$OBJ/symbols")
[ "$n" = 3 ] || fail "libssh signs and checks by itself"
true
