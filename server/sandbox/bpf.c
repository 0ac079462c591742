/* SPDX-License-Identifier: ISC */
/*
 * Rules for system calls, turned into the program that seccomp(2) takes.  No
 * memory is allocated and nothing is asked of the system: the same rules give
 * the same program, always.  (libseccomp, when an allocation fails, may return
 * success and another filter.)  The rules are tried in their order; the first
 * that fits says what becomes of the call.
 *
 * For each rule the accumulator holds the number of the call, again after a
 * condition was looked at.
 */
#include <sys/types.h>
#include <sys/syscall.h>
#include <linux/audit.h>

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "bpf.h"

/*
 * What the kernel calls this architecture.  Not here: those whose C library
 * has socketcall(2), since no filter sees the arguments of that.
 */
#if defined(__x86_64__) && defined(__LP64__)
#define BPF_ARCH	AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && BYTE_ORDER == LITTLE_ENDIAN
#define BPF_ARCH	AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARM_EABI__) && BYTE_ORDER == LITTLE_ENDIAN
#define BPF_ARCH	AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define BPF_ARCH	AUDIT_ARCH_RISCV64
#elif defined(__loongarch__) && defined(__LP64__)
#define BPF_ARCH	AUDIT_ARCH_LOONGARCH64
#elif defined(__powerpc64__) && BYTE_ORDER == LITTLE_ENDIAN
#define BPF_ARCH	AUDIT_ARCH_PPC64LE
#elif defined(__powerpc64__)
#define BPF_ARCH	AUDIT_ARCH_PPC64
#elif defined(__mips64) && defined(__LP64__) && BYTE_ORDER == LITTLE_ENDIAN
#define BPF_ARCH	AUDIT_ARCH_MIPSEL64
#else
_Static_assert(0, "no filter of system calls is known for this architecture");
#endif

/* On x86-64 a call with this bit is one of x32, with numbers of its own. */
#define BPF_X32		0x40000000

/* A rule has at most a jump, so many for each condition, an end, a load. */
#define BPF_ARG_INSNS	6
#define BPF_RULE_INSNS	(3 + BPF_ARGS_MAX * BPF_ARG_INSNS)

static void
bpf_put(struct bpf *p, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	const struct sock_filter insn = { code, jt, jf, k };

	p->insn[p->n++] = insn;
}

static void
bpf_put_load(struct bpf *p, size_t offset)
{
	bpf_put(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void
bpf_put_return(struct bpf *p, uint32_t action)
{
	bpf_put(p, BPF_RET | BPF_K, 0, 0, action);
}

/*
 * Goes on if of the mask's bits in the word at this offset these are set.
 * Where it goes otherwise is filled in later, by bpf_add().
 */
static void
bpf_put_word(struct bpf *p, size_t offset, uint32_t mask, uint32_t bits)
{
	if (mask == 0)
		return;
	bpf_put_load(p, offset);
	if (mask != UINT32_MAX)
		bpf_put(p, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
	bpf_put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, bits);
}

/* The kernel's arguments have 64 bits, a filter's words 32. */
static void
bpf_put_arg(struct bpf *p, const struct bpf_arg *arg)
{
	size_t at = offsetof(struct seccomp_data, args) +
	    arg->number * sizeof(uint64_t);
	size_t low = BYTE_ORDER == LITTLE_ENDIAN ? 0 : sizeof(uint32_t);

	bpf_put_word(p, at + low, (uint32_t)arg->mask, (uint32_t)arg->bits);
	bpf_put_word(p, at + sizeof(uint32_t) - low,
	    (uint32_t)(arg->mask >> 32), (uint32_t)(arg->bits >> 32));
}

/*
 * Begins a filter; otherwise is what becomes of a call that no rule is for.
 * Calls of another architecture end the process.
 */
void
bpf_init(struct bpf *p, uint32_t otherwise)
{
	p->otherwise = otherwise;
	p->n = 0;
	p->full = 0;
	bpf_put_load(p, offsetof(struct seccomp_data, arch));
	bpf_put(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, BPF_ARCH);
	bpf_put_return(p, SECCOMP_RET_KILL_PROCESS);
	bpf_put_load(p, offsetof(struct seccomp_data, nr));
	if (BPF_ARCH == AUDIT_ARCH_X86_64) {
		bpf_put(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, BPF_X32);
		bpf_put_return(p, SECCOMP_RET_KILL_PROCESS);
	}
}

/*
 * The action for a call whose arguments meet all n conditions.  A negative
 * number is of a call that this architecture has not.
 */
void
bpf_add(struct bpf *p, uint32_t action, int call, const struct bpf_arg *args,
    size_t n)
{
	size_t first = p->n, last, i;

	if (call < 0)
		return;
	if (n > BPF_ARGS_MAX || first + BPF_RULE_INSNS > BPF_INSNS_MAX - 1) {
		p->full = 1;
		return;
	}
	bpf_put(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, (uint32_t)call);
	for (i = 0; i < n; i++)
		bpf_put_arg(p, &args[i]);
	bpf_put_return(p, action);
	last = p->n;
	if (n > 0)
		bpf_put_load(p, offsetof(struct seccomp_data, nr));
	/* Another call needs no load, one that fails a condition does. */
	p->insn[first].jf = (uint8_t)(p->n - first - 1);
	for (i = first + 1; i < last; i++) {
		if (BPF_CLASS(p->insn[i].code) == BPF_JMP)
			p->insn[i].jf = (uint8_t)(last - i - 1);
	}
}

/* Ends the filter.  Returns 0, or -1 with errno if not all rules had room. */
int
bpf_finish(struct bpf *p)
{
	if (p->full) {
		errno = E2BIG;
		return -1;
	}
	bpf_put_return(p, p->otherwise);
	return 0;
}

/*
 * Ends the filter and puts it around the process for good; no_new_privs is set
 * already.  Returns 0, or -1 with errno: then the process must not go on.
 */
int
bpf_load(struct bpf *p)
{
	struct sock_fprog prog;

	if (bpf_finish(p) == -1)
		return -1;
	prog.len = (unsigned short)p->n;
	prog.filter = p->insn;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}
