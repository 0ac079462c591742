/* SPDX-License-Identifier: ISC */
/*
 * What a filter of system calls must be, told by libseccomp: from the rules
 * that a sandbox gives to bpf_add() it makes a filter, too, and both have to
 * decide alike about every call, with many arguments.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <sys/types.h>
#include <sys/wait.h>
#include <errno.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf.h"
#include "filter.h"

#define ORACLE_CALLS	600	/* numbers that are asked about */
#define ORACLE_SAMPLES	256	/* arguments for each */
#define ORACLE_RULES	512

void	 __real_bpf_init(struct bpf *, uint32_t);
void	 __real_bpf_add(struct bpf *, uint32_t, int, const struct bpf_arg *,
	    size_t);
int	 __real_bpf_load(struct bpf *);
void	 __wrap_bpf_init(struct bpf *, uint32_t);
void	 __wrap_bpf_add(struct bpf *, uint32_t, int, const struct bpf_arg *,
	    size_t);
int	 __wrap_bpf_load(struct bpf *);
void	*__libc_malloc(size_t);
void	*__libc_calloc(size_t, size_t);
void	*__libc_realloc(void *, size_t);

static struct {
	int		 on;		/* nothing is loaded */
	int		 no_memory;	/* no allocation succeeds */
	int		 failed;	/* so many did not */
	scmp_filter_ctx	 ctx;
	struct bpf	 got;
	struct sock_filter want[BPF_INSNS_MAX * 4];
	size_t		 nwant;
	struct {
		int		call;
		size_t		n;
		struct bpf_arg	args[BPF_ARGS_MAX];
	}		 rules[ORACLE_RULES];
	size_t		 nrules;
} oracle;

#if !FILTER_SANITIZED
static int
oracle_fails(void)
{
	if (!oracle.no_memory)
		return 0;
	oracle.failed++;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t n)
{
	return oracle_fails() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	return oracle_fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	return oracle_fails() ? NULL : __libc_realloc(p, n);
}
#endif

void
__wrap_bpf_init(struct bpf *p, uint32_t otherwise)
{
	__real_bpf_init(p, otherwise);
	if (!oracle.on || oracle.no_memory)
		return;
	oracle.nrules = 0;
	if ((oracle.ctx = seccomp_init(otherwise)) == NULL ||
	    seccomp_attr_set(oracle.ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS) != 0)
		_exit(2);
}

void
__wrap_bpf_add(struct bpf *p, uint32_t action, int call,
    const struct bpf_arg *args, size_t n)
{
	struct scmp_arg_cmp cmp[BPF_ARGS_MAX];
	size_t i;

	__real_bpf_add(p, action, call, args, n);
	if (!oracle.on || oracle.no_memory)
		return;
	for (i = 0; i < n; i++) {
		cmp[i].arg = args[i].number;
		cmp[i].op = SCMP_CMP_MASKED_EQ;
		cmp[i].datum_a = args[i].mask;
		cmp[i].datum_b = args[i].bits;
	}
	if (oracle.nrules == ORACLE_RULES)
		_exit(14);
	oracle.rules[oracle.nrules].call = call;
	oracle.rules[oracle.nrules].n = n;
	if (n > 0)
		memcpy(oracle.rules[oracle.nrules].args, args,
		    n * sizeof(*args));
	oracle.nrules++;
	if (seccomp_rule_add_array(oracle.ctx, action, call, n, cmp) != 0)
		_exit(3);
}

/* Through a pipe: no file may grow any more. */
static void
oracle_export(void)
{
	int fds[2];
	ssize_t n;

	if (pipe(fds) == -1 || seccomp_export_bpf(oracle.ctx, fds[1]) != 0 ||
	    (n = read(fds[0], oracle.want, sizeof(oracle.want))) <= 0)
		_exit(4);
	oracle.nwant = (size_t)n / sizeof(oracle.want[0]);
	seccomp_release(oracle.ctx);
	close(fds[0]);
	close(fds[1]);
}

int
__wrap_bpf_load(struct bpf *p)
{
	if (!oracle.on)
		return __real_bpf_load(p);
	if (!oracle.no_memory)
		oracle_export();
	if (bpf_finish(p) == -1)
		_exit(5);
	oracle.got = *p;
	return 0;
}

/* What the kernel would do: the instructions that filters have. */
static uint32_t
oracle_run(const struct sock_filter *f, size_t n, const struct seccomp_data *d)
{
	const u_char *data = (const u_char *)d;
	uint32_t a = 0;
	size_t i;
	int yes;

	for (i = 0; i < n; i++) {
		switch (f[i].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (f[i].k > sizeof(*d) - sizeof(a))
				_exit(6);
			memcpy(&a, data + f[i].k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f[i].k;
			continue;
		case BPF_JMP | BPF_JA:
			i += f[i].k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == f[i].k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= f[i].k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > f[i].k;
			break;
		case BPF_RET | BPF_K:
			return f[i].k;
		default:
			_exit(7);
		}
		i += yes ? f[i].jt : f[i].jf;
	}
	_exit(8);
}

static uint64_t
oracle_random(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^
	    (uint64_t)random();
}

/* Arguments that meet a rule for this call, if there is one, or just not. */
static void
oracle_choose(struct seccomp_data *d, int call)
{
	size_t i, k, r, from = (size_t)random() % oracle.nrules;
	const struct bpf_arg *arg;

	for (k = 0; k < 6; k++)
		d->args[k] = random() % 2 ? 0 : oracle_random();
	for (i = 0; i < oracle.nrules; i++) {
		r = (from + i) % oracle.nrules;
		if (oracle.rules[r].call == call)
			break;
	}
	for (k = 0; i < oracle.nrules && k < oracle.rules[r].n; k++) {
		arg = &oracle.rules[r].args[k];
		d->args[arg->number] &= ~arg->mask;
		d->args[arg->number] |= arg->bits;
		if (random() % 4 == 0)
			d->args[arg->number] ^= 1ULL << random() % 64;
	}
}

static int
oracle_same(const struct seccomp_data *d)
{
	uint32_t got, want;

	got = oracle_run(oracle.got.insn, oracle.got.n, d);
	want = oracle_run(oracle.want, oracle.nwant, d);
	if (got == want)
		return 1;
	dprintf(2, "call %d of %#x (%#llx, %#llx, %#llx): %#x, not %#x\n",
	    d->nr, d->arch, (unsigned long long)d->args[0],
	    (unsigned long long)d->args[1], (unsigned long long)d->args[2],
	    got, want);
	return 0;
}

static int
oracle_compare(void)
{
	const uint32_t arch = oracle.got.insn[1].k;
	struct seccomp_data d;
	int i, nr;

	srandom(1);
	for (nr = 0; nr < ORACLE_CALLS; nr++) {
		for (i = 0; i < ORACLE_SAMPLES; i++) {
			memset(&d, 0, sizeof(d));
			d.nr = i % 64 == 62 ? nr | 0x40000000 : nr;
			d.arch = i % 64 == 63 ? arch ^ 2 : arch;
			oracle_choose(&d, nr);
			if (!oracle_same(&d))
				return 9;
		}
	}
	return 0;
}

/* In a process of its own, as it is limited now: 0 if all is as it should. */
static int
oracle_child(int (*enter)(void))
{
	static struct bpf first;
	int status;

	oracle.on = 1;
	if (enter() == -1)
		return 10;
	if ((status = oracle_compare()) != 0)
		return status;
	first = oracle.got;
	memset(&oracle.got, 0, sizeof(oracle.got));
	/* Without memory it is the same, to the byte. */
	oracle.no_memory = 1;
	if (enter() == -1 || first.n != oracle.got.n ||
	    memcmp(first.insn, oracle.got.insn,
	    first.n * sizeof(first.insn[0])) != 0)
		return 11;
	oracle.on = 0;
	if (enter() == -1)
		return 12;
	return oracle.failed == 0 ? 0 : 13;
}

/* Checks the filter that a sandbox closes. */
static void
oracle_check(int (*enter)(void))
{
	int status;
	pid_t pid;

	if (FILTER_SANITIZED)
		skip();
	if ((pid = fork()) == 0)
		_exit(oracle_child(enter));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("wait status %#x", status);
}

#endif
