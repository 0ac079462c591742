# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154
# What compiler and linker do against attacks on memory, read from the programs
# that were built; and that the reading notices where it was not done.

need nm objdump readelf
case $O in
*-san | *-cov) skip "a build that is to be looked into is not hardened" ;;
esac
CC=$(cut -d ' ' -f 1 "$O/flags")
need "$CC"

# missing program: a word for each protection that it has not
missing()
{
	readelf -hldW "$1" >"$OBJ/elf"
	nm "$1" >"$OBJ/names"
	nm -D "$1" >>"$OBJ/names" 2>/dev/null
	grep -q 'Type: *DYN' "$OBJ/elf" || echo pie
	grep -q 'GNU_RELRO' "$OBJ/elf" || echo relro
	grep -q 'FLAGS_1.* NOW' "$OBJ/elf" || echo now
	grep -q 'GNU_STACK.* RW ' "$OBJ/elf" || echo stack
	grep 'LOAD' "$OBJ/elf" | grep -q 'RWE' && echo segments
	grep -qE '\((RPATH|RUNPATH|TEXTREL)\)' "$OBJ/elf" && echo path
	grep -q ' U __stack_chk_fail@' "$OBJ/names" || echo protector
	grep -v '__stack_chk' "$OBJ/names" | grep -q ' U __.*_chk@' ||
	    echo fortify
	[ -z "$landing" ] || objdump -d --disassemble=main "$1" |
	    grep -A 1 '<main>:' | grep -q "$landing" || echo landing
}

# has flag: does the compiler take it?
has()
{
	"$CC" -Werror "$1" -fsyntax-only -x c /dev/null 2>/dev/null
}

# Where a call of a pointer may land, which the processor checks.
landing=
has -fcf-protection && landing=endbr
has -mbranch-protection=standard && landing='bti\|pac'

for program in sockstun sockstund sockstund-net sockstund-signer \
    sockstun-server; do
	m=$(missing "$BIN/$program" | xargs)
	verbose "$program: missing: ${m:-nothing}"
	[ -z "$m" ] || fail "$program has no protection: $m"
done

# Each file of ours must be made for it, or the processor does not check.
if has -fcf-protection; then
	for file in common/*/*.c client/*/*.c server/*/*.c; do
		readelf -n "$O/${file%.c}.o" | grep -q 'IBT, SHSTK' ||
		    fail "$file is not compiled for landing pads"
	done
fi

# A large frame is probed page by page: it cannot jump over the stack's guard.
! has -fstack-clash-protection ||
    objdump -d --disassemble=msg_recv "$BIN/sockstund-net" |
    grep -q 'sub .*$0x1000,%rsp\|str.*xzr, \[sp' ||
    fail "a large frame is not probed"

# These leave no mark in a program.
for flag in -ftrivial-auto-var-init=zero -D_FORTIFY_SOURCE=3; do
	! has $flag || grep -q -- " $flag " "$O/flags" ||
	    fail "compiled without $flag"
done

# Two programs that have none of it.
cat >"$OBJ/weak.c" <<'EOF'
#include <string.h>
int
main(int argc, char **argv)
{
	char text[64];

	strcpy(text, argv[0]);
	return text[argc];
}
EOF
echo 'void _start(void) { }' >"$OBJ/open.c"
plain="-O1 -fno-stack-protector -U_FORTIFY_SOURCE -fno-pie -no-pie"
case $landing in
endbr)	plain="$plain -fcf-protection=none" ;;
bti*)	plain="$plain -mbranch-protection=none" ;;
esac
# shellcheck disable=SC2086
"$CC" $plain -Wl,-z,norelro,-z,lazy,-z,execstack,-rpath,/nowhere \
    -o "$OBJ/weak" "$OBJ/weak.c" || fatal "$CC"
# shellcheck disable=SC2086
"$CC" $plain -nostdlib -static -Wl,--omagic -o "$OBJ/open" "$OBJ/open.c" \
    2>/dev/null || fatal "$CC"
m=$({ missing "$OBJ/weak"; missing "$OBJ/open"; } | sort -u | xargs)
want="fortify ${landing:+landing }now path pie protector relro segments stack"
[ "$m" = "$want" ] || fail "of weak programs is seen: $m; wanted: $want"
