# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# Who is linked with what: the order of the layers, proved by the linker.

need ldd

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

without "$BIN/sockstund" libssh libcrypto
without "$BIN/sockstun-server" libssh libcrypto libresolv
without "$BIN/sockstun" libssh2 libseccomp
without "$BIN/sockstund-net" libssh2
for module in addr buf conf log match ruleset socks; do
	program=$O/regress/unit/${module}_test
	[ -x "$program" ] || { fail "no unit test of $module"; continue; }
	without "$program" libevent libssh
done

# No header of another layer either.
grep -lE '<(event2|libssh)/' common/addr.c common/buf.c common/conf.c \
    common/log.c common/match.c common/ruleset.c common/socks.c \
    common/xmalloc.c && fail "base names libevent or libssh"
grep -l '<libssh/' common/*.c server/*.c |
    grep -vE 'common/ssh|server/net' && fail "libssh outside its layer"
grep -lE '#include "(\.\./)?server/' client/*.[ch] &&
    fail "client includes server"
grep -lE '#include "(\.\./)?client/' server/*.[ch] &&
    fail "server includes client"

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
