/* SPDX-License-Identifier: ISC */
/*
 * The sandbox of the logger: it can read what it is sent, write the log that
 * it has, and connect to the system's log again when that was restarted.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <stddef.h>

#include "bpf.h"
#include "filter.h"
#include "logfilter.h"

/* Bytes of memory, for all connections. */
#define LOGFILTER_DATA_MAX	(64UL * 1024 * 1024)

static const int logfilter_allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvmsg),
	SCMP_SYS(sendto), SCMP_SYS(send), SCMP_SYS(sendmsg),
	SCMP_SYS(connect), SCMP_SYS(close), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* the loop */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(ppoll_time64),
	/* memory, but for mmap and mprotect */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* time, locks, itself */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(futex),
	SCMP_SYS(futex_time64), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	SCMP_SYS(gettid), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn),
	SCMP_SYS(setitimer), SCMP_SYS(restart_syscall)
};

/* Tried by libraries, which can do without: they get EACCES. */
static const int logfilter_denied[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(stat), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(ioctl),
	SCMP_SYS(fcntl), SCMP_SYS(fcntl64)
};

static void
logfilter_add_all(struct bpf *p)
{
	const struct bpf_arg family = filter_bits(0, UINT32_MAX, AF_UNIX);

	filter_add_calls(p, SECCOMP_RET_ALLOW, logfilter_allowed,
	    FILTER_NELEM(logfilter_allowed));
	filter_add_calls(p, SECCOMP_RET_ERRNO | EACCES, logfilter_denied,
	    FILTER_NELEM(logfilter_denied));
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(socket), &family, 1);
	filter_allow_memory(p);
}

/*
 * Closes the sandbox, for good.  Returns 0, or -1 with errno: then the process
 * must not go on.
 */
int
logfilter_enter(void)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit data = { LOGFILTER_DATA_MAX, LOGFILTER_DATA_MAX };
	struct bpf p;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	if (FILTER_SANITIZED)
		return 0;
	if (setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_DATA, &data) == -1)
		return -1;
	bpf_init(&p, SECCOMP_RET_KILL_PROCESS);
	logfilter_add_all(&p);
	return bpf_load(&p);
}
