/* SPDX-License-Identifier: ISC */
/*
 * What sandboxes are made of: hiding a process from others of its uid, limits
 * on its resources, and the filter of its system calls.  Which calls a process
 * may make is said by a table of its own.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <seccomp.h>
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

/* A filter whose default is this action, or NULL with errno. */
scmp_filter_ctx
filter_new(uint32_t action)
{
	scmp_filter_ctx ctx = seccomp_init(action);

	if (ctx != NULL && seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS) != 0) {
		seccomp_release(ctx);
		ctx = NULL;
	}
	if (ctx == NULL)
		errno = ENOMEM;
	return ctx;
}

/* The same action for n calls.  Returns 0, or a negative errno. */
int
filter_add_calls(scmp_filter_ctx ctx, uint32_t action, const int *calls,
    size_t n)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++)
		ret = seccomp_rule_add_array(ctx, action, calls[i], 0, NULL);
	return ret;
}

/* A condition: of the mask's bits, the argument has exactly these set. */
struct scmp_arg_cmp
filter_bits(unsigned int arg, uint64_t mask, uint64_t bits)
{
	struct scmp_arg_cmp cmp = { arg, SCMP_CMP_MASKED_EQ, mask, bits };

	return cmp;
}

/*
 * Permits mmap and mprotect of anonymous memory that is not executable.
 * Returns 0, or a negative errno.
 */
int
filter_allow_memory(scmp_filter_ctx ctx)
{
	static const int mmaps[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2) };
	struct scmp_arg_cmp cmp[2];
	size_t i;
	int ret = 0;

	cmp[0] = filter_bits(2, PROT_EXEC, 0);
	cmp[1] = filter_bits(3, MAP_ANONYMOUS, MAP_ANONYMOUS);
	for (i = 0; i < FILTER_NELEM(mmaps) && ret == 0; i++)
		ret = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, mmaps[i],
		    2, cmp);
	if (ret != 0)
		return ret;
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
	    SCMP_SYS(mprotect), 1, cmp);
}

/*
 * Permits to read the limits of the process itself, and to set this one.
 * Returns 0, or a negative errno.
 */
int
filter_allow_limit(scmp_filter_ctx ctx, int resource)
{
	struct scmp_arg_cmp cmp[3];
	int ret;

	cmp[0] = filter_bits(0, UINT32_MAX, 0);
	cmp[1] = filter_bits(2, UINT64_MAX, 0);
	ret = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
	    SCMP_SYS(prlimit64), 2, cmp);
	if (ret != 0)
		return ret;
	cmp[1] = filter_bits(1, UINT32_MAX, resource);
	cmp[2] = filter_bits(3, UINT64_MAX, 0);
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
	    SCMP_SYS(prlimit64), 3, cmp);
}

/*
 * Puts the filter around the process for good, unless making it had failed
 * (ret, a negative errno), and frees it.  Returns 0, or -1 with errno.
 */
int
filter_load(scmp_filter_ctx ctx, int ret)
{
	if (ret == 0)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	if (ret == 0)
		return 0;
	errno = -ret;
	return -1;
}
