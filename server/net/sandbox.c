/* SPDX-License-Identifier: ISC */
/*
 * What sockstund-net may still ask of the kernel once its keys are loaded and
 * its loop is made: to use the descriptors it has or is sent, memory, time and
 * random numbers.  It can open, connect, run and signal nothing.  A call that
 * is not in these tables ends the process (SIGSYS); some that libraries only
 * try fail instead.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <linux/sockios.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "bpf.h"
#include "enclose.h"
#include "filter.h"
#include "sandbox.h"

/* Bytes of memory that a login, and that one client's channels may cost. */
#define SANDBOX_LOGIN_MAX	(64UL * 1024 * 1024)
#define SANDBOX_DATA_MAX	(2048UL * 1024 * 1024)

/* Permitted whatever the arguments. */
static const int sandbox_allowed[] = {
	/* descriptors */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(recv),
	SCMP_SYS(send), SCMP_SYS(close), SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	/* the loop */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_settime64), SCMP_SYS(select), SCMP_SYS(_newselect),
	SCMP_SYS(pselect6), SCMP_SYS(pselect6_time64),
	/* memory, but for mmap and mprotect */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* time, random numbers, locks */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres), SCMP_SYS(clock_getres_time64),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_nanosleep_time64),
	SCMP_SYS(alarm), SCMP_SYS(setitimer),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom), SCMP_SYS(futex), SCMP_SYS(futex_time64),
	SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	/* itself */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid),
	SCMP_SYS(getuid32), SCMP_SYS(geteuid), SCMP_SYS(geteuid32),
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction), SCMP_SYS(sigaltstack),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sysinfo), SCMP_SYS(uname)
};

#if !FILTER_SANITIZED
/* Tried by libraries, which can do without: they get EACCES. */
static const int sandbox_denied[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(statfs),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(prctl), SCMP_SYS(shmget)
};
#else
/*
 * What the sanitizers need: they read /proc/self, look at the stack of every
 * thread and, for the leak check at exit, start a task that stops the process.
 */
static const int sandbox_sanitizer[] = {
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(access), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
	SCMP_SYS(statx), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(lseek), SCMP_SYS(getdents), SCMP_SYS(getdents64),
	SCMP_SYS(prctl),
	SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(wait4), SCMP_SYS(kill),
	SCMP_SYS(tgkill), SCMP_SYS(getppid), SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit), SCMP_SYS(process_vm_readv), SCMP_SYS(pipe),
	SCMP_SYS(dup), SCMP_SYS(getcwd), SCMP_SYS(ioctl),
	SCMP_SYS(fcntl)
};
#endif

/* Permitted if one argument has one of these values. */
struct sandbox_value {
	int		 call;
	unsigned int	 arg;
	uint32_t	 value;
};

static const struct sandbox_value sandbox_values[] = {
	{ SCMP_SYS(fcntl), 1, F_GETFL },
	{ SCMP_SYS(fcntl), 1, F_SETFL },
	{ SCMP_SYS(fcntl), 1, F_GETFD },
	{ SCMP_SYS(fcntl), 1, F_SETFD },
	{ SCMP_SYS(fcntl), 1, F_DUPFD_CLOEXEC },
	{ SCMP_SYS(fcntl64), 1, F_GETFL },
	{ SCMP_SYS(fcntl64), 1, F_SETFL },
	{ SCMP_SYS(fcntl64), 1, F_GETFD },
	{ SCMP_SYS(fcntl64), 1, F_SETFD },
	{ SCMP_SYS(ioctl), 1, FIONREAD },
	{ SCMP_SYS(ioctl), 1, FIONBIO },
	{ SCMP_SYS(ioctl), 1, SIOCOUTQ },
	{ SCMP_SYS(ioctl), 1, SIOCOUTQNSD }
};

/* The socket options that libssh and we set. */
static const struct {
	int	level;
	int	option;
} sandbox_options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE },
	{ SOL_SOCKET, SO_LINGER },
	{ SOL_SOCKET, SO_MAX_PACING_RATE },
	{ SOL_SOCKET, SO_PRIORITY },
	{ SOL_SOCKET, SO_RCVBUF },
	{ SOL_SOCKET, SO_RCVLOWAT },
	{ SOL_SOCKET, SO_SNDBUF },
	{ IPPROTO_IP, IP_TOS },
	{ IPPROTO_IPV6, IPV6_TCLASS },
	{ IPPROTO_TCP, TCP_CORK },
	{ IPPROTO_TCP, TCP_KEEPCNT },
	{ IPPROTO_TCP, TCP_KEEPIDLE },
	{ IPPROTO_TCP, TCP_KEEPINTVL },
	{ IPPROTO_TCP, TCP_NODELAY },
	{ IPPROTO_TCP, TCP_NOTSENT_LOWAT },
	{ IPPROTO_TCP, TCP_QUICKACK },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT }
};

static void
sandbox_add_values(struct bpf *p)
{
	const struct sandbox_value *v;
	struct bpf_arg arg;
	size_t i;

	for (i = 0; i < FILTER_NELEM(sandbox_values); i++) {
		v = &sandbox_values[i];
		arg = filter_bits(v->arg, UINT32_MAX, v->value);
		bpf_add(p, SECCOMP_RET_ALLOW, v->call, &arg, 1);
	}
}

static void
sandbox_add_options(struct bpf *p)
{
	struct bpf_arg args[2];
	size_t i;

	for (i = 0; i < FILTER_NELEM(sandbox_options); i++) {
		args[0] = filter_bits(1, UINT32_MAX,
		    (uint64_t)sandbox_options[i].level);
		args[1] = filter_bits(2, UINT32_MAX,
		    (uint64_t)sandbox_options[i].option);
		bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(setsockopt), args, 2);
	}
}

/* Sending, but not MSG_FASTOPEN, which connects, and not to an address. */
static void
sandbox_add_send(struct bpf *p)
{
	const struct bpf_arg msg = filter_bits(2, MSG_FASTOPEN, 0);
	const struct bpf_arg to[] = {
		filter_bits(3, MSG_FASTOPEN, 0),
		filter_bits(4, UINT64_MAX, 0)
	};

	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(sendmsg), &msg, 1);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(sendto), to, 2);
}

/*
 * What it may do to itself: abort(), read its limits, and set the one of its
 * memory, below what it began with.  isatty() of stdio learns that nothing is a
 * terminal.
 */
static void
sandbox_add_self(struct bpf *p)
{
	const struct bpf_arg self = filter_bits(0, UINT32_MAX,
	    (uint64_t)getpid());
	const struct bpf_arg tty = filter_bits(1, UINT32_MAX, TCGETS);

	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(tgkill), &self, 1);
	filter_allow_limit(p, RLIMIT_DATA);
	bpf_add(p, SECCOMP_RET_ERRNO | ENOTTY, SCMP_SYS(ioctl), &tty, 1);
}

/* What each byte that is sent needs comes first. */
static void
sandbox_add_all(struct bpf *p)
{
	sandbox_add_send(p);
	filter_add_calls(p, SECCOMP_RET_ALLOW, sandbox_allowed,
	    FILTER_NELEM(sandbox_allowed));
	sandbox_add_values(p);
	sandbox_add_options(p);
	filter_allow_memory(p);
	sandbox_add_self(p);
#if FILTER_SANITIZED
	filter_add_calls(p, SECCOMP_RET_ALLOW, sandbox_sanitizer,
	    FILTER_NELEM(sandbox_sanitizer));
#else
	filter_add_calls(p, SECCOMP_RET_ERRNO | EACCES, sandbox_denied,
	    FILTER_NELEM(sandbox_denied));
#endif
}

/*
 * Closes the sandbox around the process, for good, with the empty folder root
 * (or -1), which it closes.  The loop must exist already; descriptors that come
 * later can be used.  What enclose_enter() had not goes to *missing.  Returns
 * 0, or -1 with errno: then the process must not go on.
 */
int
sandbox_net_enter(int root, int *missing)
{
	struct bpf p;

	if (filter_limit(SANDBOX_LOGIN_MAX, SANDBOX_DATA_MAX) == -1 ||
	    enclose_enter(root, missing) == -1)
		return -1;
	bpf_init(&p, SECCOMP_RET_KILL_PROCESS);
	sandbox_add_all(&p);
	return bpf_load(&p);
}

/* A user has logged in, and may have channels. */
int
sandbox_net_grow(void)
{
	return filter_raise_memory();
}
