/* SPDX-License-Identifier: ISC */
/*
 * What sandboxes are made of: hiding a process from others of its uid, limits
 * on its resources, and rules that several filters of system calls have.  Which
 * calls a process may make is said by a table of its own.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <stddef.h>
#include <signal.h>
#include <stdint.h>

#include "filter.h"

/*
 * To be called first: no other process of this uid can read the memory of this
 * one, it leaves no core file, and it ends with the process that started it, as
 * long as that may kill it: a dialer of another uid may not, so that what lives
 * beside one must see the end of their pair.
 */
void
filter_hide(void)
{
	const struct rlimit none = { 0, 0 };

	if (!FILTER_SANITIZED)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
}

/*
 * From now on no new rights, no file written, no process started, and at most
 * so many bytes of memory, and the second number of them after
 * filter_raise_memory().  Returns 0, or -1 with errno.
 */
int
filter_limit(size_t memory, size_t most)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit data = { memory, most };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (FILTER_SANITIZED)
		return 0;
	if (setrlimit(RLIMIT_FSIZE, &none) == -1 ||
	    setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_DATA, &data) == -1)
		return -1;
	return 0;
}

/* As much memory as filter_limit() said.  Returns 0, or -1 with errno. */
int
filter_raise_memory(void)
{
	struct rlimit data;

	if (FILTER_SANITIZED)
		return 0;
	if (getrlimit(RLIMIT_DATA, &data) == -1)
		return -1;
	data.rlim_cur = data.rlim_max;
	return setrlimit(RLIMIT_DATA, &data);
}

/* The same action for n calls, whatever their arguments. */
void
filter_add_calls(struct bpf *p, uint32_t action, const int *calls, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		bpf_add(p, action, calls[i], NULL, 0);
}

/* A condition: of the mask's bits, the argument has exactly these set. */
struct bpf_arg
filter_bits(unsigned int number, uint64_t mask, uint64_t bits)
{
	const struct bpf_arg arg = { number, mask, bits };

	return arg;
}

/* Permits mmap and mprotect of anonymous memory that is not executable. */
void
filter_allow_memory(struct bpf *p)
{
	const struct bpf_arg args[] = {
		filter_bits(2, PROT_EXEC, 0),
		filter_bits(3, MAP_ANONYMOUS, MAP_ANONYMOUS)
	};

	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(mmap), args, 2);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(mmap2), args, 2);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(mprotect), args, 1);
}

/* Permits to read the limits of the process itself, and to set this one. */
void
filter_allow_limit(struct bpf *p, int resource)
{
	const struct bpf_arg get[] = {
		filter_bits(0, UINT32_MAX, 0),
		filter_bits(2, UINT64_MAX, 0)
	};
	const struct bpf_arg set[] = {
		filter_bits(0, UINT32_MAX, 0),
		filter_bits(1, UINT32_MAX, (uint64_t)resource),
		filter_bits(3, UINT64_MAX, 0)
	};

	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(prlimit64), get, 2);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(prlimit64), set, 3);
}
