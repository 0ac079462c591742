/* SPDX-License-Identifier: ISC */
/*
 * The sandbox of the dialer.  It has the rights of a user, who must not gain
 * anything else by it: no program, process or file, nor a look at another
 * process.  It opens sockets of the Internet and what getaddrinfo(3) needs,
 * whatever nsswitch.conf(5) says: files to read, libraries, threads, local
 * sockets (nscd, systemd-resolved, avahi), the routing socket.  As the modules
 * of that are not known here, a call that is not in the tables fails (EPERM);
 * what only an attacker does ends the process.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <linux/netlink.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include "bpf.h"
#include "dialfilter.h"
#include "filter.h"

static const int dialfilter_allowed[] = {
	/* descriptors */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(_llseek),
	SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(fcntl), SCMP_SYS(fcntl64),
	SCMP_SYS(ioctl), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(eventfd2),
	/* sockets, but for socket */
	SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(shutdown),
	SCMP_SYS(send), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(recv), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(recvmmsg_time64),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* files, but for open */
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(lstat), SCMP_SYS(lstat64),
	SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(statfs),
	SCMP_SYS(statfs64), SCMP_SYS(fstatfs), SCMP_SYS(fstatfs64),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents),
	SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(fadvise64),
	/* the loop */
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64),
	SCMP_SYS(select), SCMP_SYS(_newselect), SCMP_SYS(pselect6),
	SCMP_SYS(pselect6_time64), SCMP_SYS(epoll_create),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_settime64),
	/* memory, but for mmap and mprotect */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* threads, but for clone */
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address),
	SCMP_SYS(futex), SCMP_SYS(futex_time64), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(exit), SCMP_SYS(exit_group),
	/* time, random numbers, signals */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres), SCMP_SYS(clock_getres_time64),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_nanosleep_time64),
	SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(getrandom), SCMP_SYS(alarm), SCMP_SYS(setitimer),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	/* itself, and this host */
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid),
	SCMP_SYS(getuid), SCMP_SYS(getuid32), SCMP_SYS(geteuid),
	SCMP_SYS(geteuid32), SCMP_SYS(getgid), SCMP_SYS(getgid32),
	SCMP_SYS(getegid), SCMP_SYS(getegid32), SCMP_SYS(getresuid),
	SCMP_SYS(getresgid), SCMP_SYS(getrlimit), SCMP_SYS(umask),
	SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getcpu)
};

/* What nothing that resolves a name tries. */
static const int dialfilter_killed[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork),
	SCMP_SYS(vfork), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_send_signal), SCMP_SYS(process_madvise),
	SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp),
#if !FILTER_SANITIZED
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
#endif
	SCMP_SYS(memfd_create), SCMP_SYS(userfaultfd), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open), SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
	SCMP_SYS(mount), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(open_by_handle_at)
};

#if FILTER_SANITIZED
/* For the leak check: a task that stops the process and reads its memory. */
static const int dialfilter_sanitizer[] = {
	SCMP_SYS(clone), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(wait4), SCMP_SYS(prctl), SCMP_SYS(tgkill), SCMP_SYS(kill)
};
#endif

/* Families and types of sockets. */
static const struct {
	int	family;
	int	type;
} dialfilter_sockets[] = {
	{ AF_INET, SOCK_STREAM },
	{ AF_INET, SOCK_DGRAM },
	{ AF_INET6, SOCK_STREAM },
	{ AF_INET6, SOCK_DGRAM },
	{ AF_UNIX, SOCK_STREAM },
	{ AF_UNIX, SOCK_DGRAM }
};

/* Bits of the type of a socket that are no flags. */
#define DIALFILTER_TYPE		0xf

static void
dialfilter_add_sockets(struct bpf *p)
{
	const struct bpf_arg pair = filter_bits(0, UINT32_MAX, AF_UNIX);
	struct bpf_arg args[2];
	size_t i;

	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(socketpair), &pair, 1);
	for (i = 0; i < FILTER_NELEM(dialfilter_sockets); i++) {
		args[0] = filter_bits(0, UINT32_MAX,
		    (uint64_t)dialfilter_sockets[i].family);
		args[1] = filter_bits(1, DIALFILTER_TYPE,
		    (uint64_t)dialfilter_sockets[i].type);
		bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(socket), args, 2);
	}
	args[0] = filter_bits(0, UINT32_MAX, AF_NETLINK);
	args[1] = filter_bits(2, UINT32_MAX, NETLINK_ROUTE);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(socket), args, 2);
}

/* Opens without a flag that writes or makes a file. */
static void
dialfilter_add_open(struct bpf *p)
{
	static const uint64_t write = O_ACCMODE | O_CREAT | O_TRUNC |
	    (O_TMPFILE & ~O_DIRECTORY);
	const struct bpf_arg at = filter_bits(2, write, O_RDONLY);
	const struct bpf_arg plain = filter_bits(1, write, O_RDONLY);

	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(openat), &at, 1);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(open), &plain, 1);
}

/* Beside memory without a file, files to read and libraries. */
static void
dialfilter_add_memory(struct bpf *p)
{
	static const int mmaps[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2) };
	const struct bpf_arg library[] = {
		filter_bits(2, PROT_WRITE | PROT_EXEC, PROT_EXEC),
		filter_bits(3, MAP_ANONYMOUS, 0)
	};
	const struct bpf_arg file = filter_bits(2, PROT_EXEC, 0);
	size_t i;

	filter_allow_memory(p);
	for (i = 0; i < FILTER_NELEM(mmaps); i++) {
		bpf_add(p, SECCOMP_RET_ALLOW, mmaps[i], library, 2);
		bpf_add(p, SECCOMP_RET_ALLOW, mmaps[i], &file, 1);
	}
}

/* Threads, abort(), and a look at its own limits. */
static void
dialfilter_add_self(struct bpf *p)
{
	/* Where flags are not the first argument no thread can start. */
	const struct bpf_arg thread = filter_bits(0, CLONE_VM | CLONE_THREAD,
	    CLONE_VM | CLONE_THREAD);
	const struct bpf_arg self = filter_bits(0, UINT32_MAX,
	    (uint64_t)getpid());
	const struct bpf_arg get = filter_bits(2, UINT64_MAX, 0);

	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(clone), &thread, 1);
	/* Its flags are out of a filter's sight; glibc falls back to clone. */
	bpf_add(p, SECCOMP_RET_ERRNO | ENOSYS, SCMP_SYS(clone3), NULL, 0);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(tgkill), &self, 1);
	bpf_add(p, SECCOMP_RET_ALLOW, SCMP_SYS(prlimit64), &get, 1);
}

static void
dialfilter_add_all(struct bpf *p)
{
#if FILTER_SANITIZED
	filter_add_calls(p, SECCOMP_RET_ALLOW, dialfilter_sanitizer,
	    FILTER_NELEM(dialfilter_sanitizer));
#endif
	filter_add_calls(p, SECCOMP_RET_ALLOW, dialfilter_allowed,
	    FILTER_NELEM(dialfilter_allowed));
	filter_add_calls(p, SECCOMP_RET_KILL_PROCESS, dialfilter_killed,
	    FILTER_NELEM(dialfilter_killed));
	dialfilter_add_sockets(p);
	dialfilter_add_open(p);
	dialfilter_add_memory(p);
	dialfilter_add_self(p);
}

/*
 * Closes the sandbox, for good, around this thread and those that it starts.
 * Returns 0, or -1 with errno: then the process must not go on.
 */
int
dialfilter_enter(void)
{
	const struct rlimit none = { 0, 0 };
	struct bpf p;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		return -1;
	if (!FILTER_SANITIZED && setrlimit(RLIMIT_FSIZE, &none) == -1)
		return -1;
	bpf_init(&p, SECCOMP_RET_ERRNO | EPERM);
	dialfilter_add_all(&p);
	return bpf_load(&p);
}
