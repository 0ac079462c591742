/* SPDX-License-Identifier: ISC */
/*
 * The sandbox of sockstund-signer: it can use the two pairs that it has, and
 * get memory, time and random numbers.
 */
#include <sys/types.h>

#include <errno.h>
#include <stddef.h>

#include "bpf.h"
#include "confine.h"
#include "enclose.h"
#include "filter.h"

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

/*
 * Closes the sandbox, for good, with the empty folder root (or -1), which it
 * closes.  Returns 0, or -1 with errno: then the process must not go on.
 */
int
confine_enter(int root)
{
	struct bpf p;
	int missing;

	if (filter_limit(CONFINE_DATA_MAX, CONFINE_DATA_MAX) == -1 ||
	    enclose_enter(root, &missing) == -1)
		return -1;
	if (FILTER_SANITIZED)
		return 0;
	bpf_init(&p, SECCOMP_RET_KILL_PROCESS);
	filter_add_calls(&p, SECCOMP_RET_ALLOW, confine_allowed,
	    FILTER_NELEM(confine_allowed));
	filter_add_calls(&p, SECCOMP_RET_ERRNO | EACCES, confine_denied,
	    FILTER_NELEM(confine_denied));
	filter_allow_memory(&p);
	return bpf_load(&p);
}
