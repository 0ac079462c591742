/* SPDX-License-Identifier: ISC */
/*
 * The dialer's sandbox, from inside: each case runs in a child that enters it
 * and then tries one thing.  The child's end says what happened: exit status 0
 * is "worked", or "failed as expected", SIGSYS "ended by the filter".
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <linux/netlink.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <grp.h>
#include <unistd.h>

#include <cmocka.h>

#include "dialfilter.h"
#include "filter.h"
#include "oracle.h"

#define CANNOT_ENTER	100
#define NOT_AS_EXPECTED	101

/* The wait status of a child that did this in the sandbox. */
static int
inside(int (*what)(void))
{
	pid_t pid;
	int status;

	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (dialfilter_enter() == -1)
			_exit(CANNOT_ENTER);
		_exit(what() ? 0 : NOT_AS_EXPECTED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Of what failed: by the filter? */
static int
refused(long ret)
{
	return ret == -1 && errno == EPERM;
}

static int
do_read_file(void)
{
	char c;
	int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

	return fd != -1 && read(fd, &c, 1) == 1 && close(fd) == 0;
}

/* What the modules of nsswitch.conf are. */
static int
do_library(void)
{
	return dlopen("libresolv.so.2", RTLD_NOW) != NULL &&
	    dlopen("libutil.so.1", RTLD_NOW) != NULL;
}

static int
do_resolve(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *res;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	char host[NI_MAXHOST];

	if (getaddrinfo("localhost", "80", &hints, &res) != 0)
		return 0;
	freeaddrinfo(res);
	/* Without an answer, but not because of the sandbox. */
	if (getaddrinfo("nosuch.invalid", "80", &hints, &res) == 0)
		return 0;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return getnameinfo((struct sockaddr *)&sin, sizeof(sin), host,
	    sizeof(host), NULL, 0, 0) == 0;
}

static void *
thread_main(void *arg)
{
	return do_resolve() ? arg : NULL;
}

static int
do_thread(void)
{
	pthread_t t[4];
	void *ret;
	int i;

	for (i = 0; i < 4; i++) {
		if (pthread_create(&t[i], NULL, thread_main, t) != 0)
			return 0;
	}
	for (i = 0; i < 4; i++) {
		if (pthread_join(t[i], &ret) != 0 || ret == NULL)
			return 0;
	}
	return 1;
}

static int
do_connect(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int a, b, on = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	b = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
	if (setsockopt(a, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(a, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(a, 1) == -1 ||
	    getsockname(a, (struct sockaddr *)&sin, &len) == -1 ||
	    (connect(b, (struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    errno != EINPROGRESS))
		return 0;
	return accept4(a, NULL, NULL, SOCK_NONBLOCK) != -1;
}

static int
do_sockets(void)
{
	int fd[2];

	return socket(AF_INET, SOCK_DGRAM, 0) != -1 &&
	    (socket(AF_INET6, SOCK_STREAM, 0) != -1 ||
	    errno == EAFNOSUPPORT) &&
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) != -1 &&
	    socket(AF_UNIX, SOCK_DGRAM, 0) != -1 &&
	    socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) != -1 &&
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0;
}

static int
do_other_sockets(void)
{
	return refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)) &&
	    refused(socket(AF_NETLINK, SOCK_DGRAM, NETLINK_AUDIT)) &&
	    refused(socket(AF_PACKET, SOCK_RAW, 0)) &&
	    refused(socket(AF_ALG, SOCK_SEQPACKET, 0)) &&
	    refused(socket(AF_VSOCK, SOCK_STREAM, 0)) &&
	    refused(socket(AF_BLUETOOTH, SOCK_RAW, 0)) &&
	    refused(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)) &&
	    refused(socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP));
}

static int
do_write_file(void)
{
	return refused(open("/dev/null", O_WRONLY)) &&
	    refused(open("/dev/null", O_RDWR)) &&
	    refused(open("/tmp/dialfilter_test", O_CREAT, 0600)) &&
	    refused(open("/tmp", O_TMPFILE | O_RDWR, 0600)) &&
	    refused(open("/dev/null", O_TRUNC)) &&
	    refused(openat(AT_FDCWD, "/dev/null", O_WRONLY)) &&
	    refused(syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0));
}

static int
do_change_files(void)
{
	return refused(unlink("/nonexistent")) &&
	    refused(rename("/nonexistent", "/nonexistent")) &&
	    refused(mkdir("/nonexistent", 0700)) &&
	    refused(chmod("/nonexistent", 0)) &&
	    refused(symlink("/", "/nonexistent")) &&
	    refused(chdir("/"));
}

static int
do_executable_memory(void)
{
	size_t size = 4096;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED &&
	    refused(mprotect(p, size, PROT_READ | PROT_EXEC)) &&
	    mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	    mmap(NULL, size, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
do_rights(void)
{
	return refused(setuid(0)) && refused(setgroups(0, NULL)) &&
	    refused(syscall(SYS_capset, NULL, NULL)) &&
	    refused(syscall(SYS_chroot, "/"));
}

static int
do_others(void)
{
	return refused(kill(getppid(), 0)) && refused(fork()) &&
	    refused(syscall(SYS_tgkill, 1, 1, 0)) &&
	    refused(syscall(SYS_tkill, 1, 0)) &&
	    refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)) &&
	    refused(syscall(SYS_clone, SIGCHLD | CLONE_VM, 0, 0, 0, 0)) &&
	    syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS;
}

static int
do_abort(void)
{
	abort();
}

static int
do_execve(void)
{
	char *const argv[] = { NULL };

	return execve("/bin/true", argv, argv);
}

static int
do_vfork(void)
{
	return syscall(SYS_vfork);
}

static int
do_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int
do_vm_readv(void)
{
	return process_vm_readv(getppid(), NULL, 0, NULL, 0, 0);
}

static int
do_vm_writev(void)
{
	return process_vm_writev(getppid(), NULL, 0, NULL, 0, 0);
}

static int
do_pidfd_open(void)
{
	return syscall(SYS_pidfd_open, getppid(), 0);
}

static int
do_pidfd_getfd(void)
{
	return syscall(SYS_pidfd_getfd, 0, 0, 0);
}

static int
do_memfd(void)
{
	return memfd_create("x", 0);
}

static int
do_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static int
do_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

#define CASE(what)	{ #what, do_##what }

struct dialfilter_case {
	const char	*name;
	int		(*what)(void);
};

static void
test_works(void **state)
{
	static const struct dialfilter_case cases[] = {
		CASE(read_file), CASE(library), CASE(resolve), CASE(thread),
		CASE(connect), CASE(sockets), CASE(other_sockets),
		CASE(write_file), CASE(change_files), CASE(rights),
		CASE(executable_memory), CASE(others)
	};
	size_t i, n = sizeof(cases) / sizeof(cases[0]);
	int status;

	/* The last is permitted to the sanitizers. */
	for (i = 0; i < n - FILTER_SANITIZED; i++) {
		status = inside(cases[i].what);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s: wait status %#x", cases[i].name, status);
	}
}

static void
test_killed(void **state)
{
	static const struct dialfilter_case cases[] = {
		CASE(execve), CASE(vfork), CASE(vm_writev), CASE(pidfd_open),
		CASE(pidfd_getfd), CASE(memfd), CASE(unshare), CASE(io_uring),
		CASE(ptrace), CASE(vm_readv)
	};
	size_t i, n = sizeof(cases) / sizeof(cases[0]);
	int status;

	/* So are the last two. */
	for (i = 0; i < n - 2 * FILTER_SANITIZED; i++) {
		status = inside(cases[i].what);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: wait status %#x", cases[i].name, status);
	}
}

static void
test_abort(void **state)
{
	int status = inside(do_abort);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void
test_filter(void **state)
{
	oracle_check(dialfilter_enter);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_filter)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
