/* SPDX-License-Identifier: ISC */
/*
 * The sandbox of sockstund-signer: it can use the two pairs that it has, and
 * get memory, time and random numbers.  Nobody of its uid can look into it.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>

#include "confine.h"

#ifndef __has_feature
#define __has_feature(x)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define CONFINE_SANITIZED	1
#else
#define CONFINE_SANITIZED	0
#endif

/* Bytes of memory for the keys and one message. */
#define CONFINE_DATA_MAX	(64UL * 1024 * 1024)

static const int confine_allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64),
	SCMP_SYS(close), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* memory, but for mmap and mprotect */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* time, random numbers, locks */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_nanosleep_time64),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom), SCMP_SYS(futex), SCMP_SYS(futex_time64),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigreturn), SCMP_SYS(restart_syscall)
};

/* Tried by libraries, which can do without: they get EACCES. */
static const int confine_denied[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(stat), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(ioctl)
};

/* Memory that is never executable, and of no file. */
static int
confine_allow_memory(scmp_filter_ctx ctx)
{
	static const int mmaps[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2) };
	struct scmp_arg_cmp cmp[2] = {
		{ 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 },
		{ 3, SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS }
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < sizeof(mmaps) / sizeof(mmaps[0]) && ret == 0; i++)
		ret = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, mmaps[i],
		    2, cmp);
	if (ret != 0)
		return ret;
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
	    1, cmp);
}

static int
confine_add(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < n && ret == 0; i++)
		ret = seccomp_rule_add_array(ctx, action, calls[i], 0, NULL);
	return ret;
}

/*
 * Before there is anything to hide: no other process of this uid can read
 * the memory of this one, and no file ever has it.
 */
void
confine_hide(void)
{
	const struct rlimit none = { 0, 0 };

	/* A leak check traces the process from a task of its own. */
	if (!CONFINE_SANITIZED)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
}

/*
 * Closes the sandbox, for good.  Returns 0, or -1 with errno: then the process
 * must not go on.
 */
int
confine_enter(void)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit data = { CONFINE_DATA_MAX, CONFINE_DATA_MAX };
	scmp_filter_ctx ctx;
	int ret;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	/* The sanitizers read files, map memory and run a task at the end. */
	if (CONFINE_SANITIZED)
		return 0;
	if (setrlimit(RLIMIT_FSIZE, &none) == -1 ||
	    setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_DATA, &data) == -1)
		return -1;
	if ((ctx = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	ret = confine_add(ctx, SCMP_ACT_ALLOW, confine_allowed,
	    sizeof(confine_allowed) / sizeof(confine_allowed[0]));
	if (ret == 0)
		ret = confine_add(ctx, SCMP_ACT_ERRNO(EACCES), confine_denied,
		    sizeof(confine_denied) / sizeof(confine_denied[0]));
	if (ret == 0)
		ret = confine_allow_memory(ctx);
	if (ret == 0)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	if (ret != 0) {
		errno = -ret;
		return -1;
	}
	return 0;
}
