/* SPDX-License-Identifier: ISC */
/*
 * The sandbox, from inside: each case runs in a child that enters it and then
 * tries one thing.  The child's end says what happened: exit status 0 is
 * "worked", 1 "failed with the errno expected", SIGSYS "ended by the filter".
 */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "msg.h"
#include "oracle.h"
#include "sandbox.h"

#ifndef __has_feature
#define __has_feature(x)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SANITIZED	1
#else
#define SANITIZED	0
#endif

#define WORKED		0
#define CANNOT_ENTER	100
#define NOT_AS_EXPECTED	101

/* What the children find, made before they enter. */
static int pair[2];		/* seqpacket; a pipe's end waits in it */
static int sock;		/* TCP, not connected */
static int epfd;

static int
setup(void **state)
{
	struct msg m;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1 ||
	    pipe(fd) == -1)
		return -1;
	sock = socket(AF_INET, SOCK_STREAM, 0);
	epfd = epoll_create1(0);
	msg_init(&m, 1, 1);
	m.fd = fd[1];
	if (write(fd[1], "x", 1) != 1 || msg_send(pair[0], &m) == -1)
		return -1;
	m.fd = fd[0];
	if (msg_send(pair[0], &m) == -1)
		return -1;
	msg_clear(&m);
	close(fd[1]);
	return sock == -1 || epfd == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	close(pair[0]);
	close(pair[1]);
	close(sock);
	close(epfd);
	return 0;
}

/* The wait status of a child that did this in the sandbox. */
static int
inside(int (*what)(void))
{
	pid_t pid;
	int missing, status;

	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (sandbox_net_enter(-1, &missing) == -1)
			_exit(CANNOT_ENTER);
		_exit(what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
assert_works(const char *name, int (*what)(void))
{
	int status = inside(what);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != WORKED)
		fail_msg("%s: wait status %#x", name, status);
}

static void
assert_killed(const char *name, int (*what)(void))
{
	int status = inside(what);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s: wait status %#x", name, status);
}

static int
expect(int ok)
{
	return ok ? WORKED : NOT_AS_EXPECTED;
}

static int
do_open(void)
{
	return expect(open("/etc/passwd", O_RDONLY) == -1 &&
	    errno == EACCES);
}

static int
do_create(void)
{
	return expect(open("/tmp/sandbox_test", O_CREAT | O_RDWR, 0600) ==
	    -1 && errno == EACCES);
}

static int
do_stat(void)
{
	struct stat st;

	return expect(stat("/etc/passwd", &st) == -1 && errno == EACCES &&
	    fstat(sock, &st) == -1 && errno == EACCES &&
	    access("/", F_OK) == -1 && errno == EACCES);
}

static int
do_isatty(void)
{
	return expect(isatty(0) == 0 && errno == ENOTTY);
}

static int
do_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0);
}

static int
do_socketpair(void)
{
	int fd[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
}

static int
do_connect(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	return connect(sock, (struct sockaddr *)&sin, sizeof(sin));
}

static int
do_fastopen(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	return sendto(sock, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&sin,
	    sizeof(sin));
}

static int
do_fastopen_sendmsg(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct msghdr mh = { .msg_name = &sin, .msg_namelen = sizeof(sin) };

	return sendmsg(sock, &mh, MSG_FASTOPEN);
}

static int
do_sendto(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	return sendto(sock, "x", 1, 0, (struct sockaddr *)&sin, sizeof(sin));
}

static int
do_bind(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	return bind(sock, (struct sockaddr *)&sin, sizeof(sin));
}

static int
do_listen(void)
{
	return listen(sock, 1);
}

static int
do_accept(void)
{
	return accept4(sock, NULL, NULL, SOCK_NONBLOCK);
}

static int
do_setsockopt_odd(void)
{
	int on = 1;

	return setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

static int
do_execve(void)
{
	char *const argv[] = { NULL };

	return execve("/bin/true", argv, argv);
}

static int
do_fork(void)
{
	return fork();
}

static int
do_vfork(void)
{
	return syscall(SYS_vfork);
}

static int
do_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0);
}

static int
do_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
do_kill(void)
{
	return kill(getppid(), 0);
}

static int
do_tgkill_parent(void)
{
	/* getppid() is refused too, so the pid is a constant: init's. */
	return syscall(SYS_tgkill, 1, 1, 0);
}

static int
do_dup(void)
{
	return dup(sock);
}

static int
do_dupfd(void)
{
	return fcntl(sock, F_DUPFD, 0);
}

static int
do_mmap_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
do_mprotect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static int
do_setuid(void)
{
	return setuid(0);
}

static int
do_unlink(void)
{
	return unlink("/nonexistent");
}

static int
do_setrlimit(void)
{
	struct rlimit rl = { 1, 1 };

	return setrlimit(RLIMIT_NOFILE, &rl);
}

static int
do_prlimit_other(void)
{
	return prlimit(getppid(), RLIMIT_DATA, NULL,
	    &(struct rlimit){ 0, 0 });
}

static int
do_raise_limit(void)
{
	const struct rlimit rl = { RLIM_INFINITY, RLIM_INFINITY };

	return expect(setrlimit(RLIMIT_DATA, &rl) == -1 && errno == EPERM);
}

static int
do_fds(void)
{
	struct msg m;
	struct pollfd pfd;
	char c = 0;
	int n, fd;

	if (msg_recv(pair[1], &m) != 1 || m.fd == -1)
		return NOT_AS_EXPECTED;
	if (write(m.fd, "y", 1) != 1)
		return NOT_AS_EXPECTED;
	msg_clear(&m);
	if (msg_recv(pair[1], &m) != 1 || (fd = m.fd) == -1)
		return NOT_AS_EXPECTED;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    ioctl(fd, FIONREAD, &n) == -1 || n < 1)
		return NOT_AS_EXPECTED;
	pfd.fd = fd;
	pfd.events = POLLIN;
	n = poll(&pfd, 1, 1000) == 1 && read(fd, &c, 1) == 1;
	msg_clear(&m);
	return expect(n && (c == 'x' || c == 'y'));
}

static int
do_memory(void)
{
	size_t n = 64 * 1024 * 1024;
	char *p, *q;

	/* Before the login there is less. */
	if (!SANITIZED && (p = malloc(n)) != NULL)
		return NOT_AS_EXPECTED;
	if (sandbox_net_grow() == -1 || (p = malloc(n)) == NULL)
		return NOT_AS_EXPECTED;
	memset(p, 1, n);
	if ((q = realloc(p, 2 * n)) == NULL)
		return NOT_AS_EXPECTED;
	n = q[n - 1];
	free(q);
	return expect(n == 1);
}

static int
do_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return expect(epoll_ctl(epfd, EPOLL_CTL_ADD, pair[1], &ev) == 0 &&
	    epoll_wait(epfd, &ev, 1, 1000) == 1 &&
	    epoll_ctl(epfd, EPOLL_CTL_DEL, pair[1], NULL) == 0);
}

static int
do_socket_options(void)
{
	struct sockaddr_storage ss;
	struct linger lg = { 1, 0 };
	socklen_t len = sizeof(ss);
	int on = 1;

	return expect(setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on)) == 0 &&
	    setsockopt(sock, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &on,
	    sizeof(on)) == 0 &&
	    setsockopt(sock, SOL_SOCKET, SO_MAX_PACING_RATE, &on,
	    sizeof(on)) == 0 &&
	    setsockopt(sock, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)) == 0 &&
	    getsockname(sock, (struct sockaddr *)&ss, &len) == 0 &&
	    shutdown(pair[0], SHUT_WR) == 0);
}

static int
do_misc(void)
{
	struct timespec ts = { 0, 1000 };
	char buf[16];

	return expect(getrandom(buf, sizeof(buf), 0) == sizeof(buf) &&
	    clock_gettime(CLOCK_MONOTONIC, &ts) == 0 &&
	    nanosleep(&(struct timespec){ 0, 1000 }, NULL) == 0 &&
	    getpid() > 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR &&
	    send(pair[0], "x", 1, MSG_NOSIGNAL) == 1);
}

static int
do_abort(void)
{
	abort();
}

#define CASE(what)	{ #what, do_##what }

struct sandbox_case {
	const char	*name;
	int		(*what)(void);
};

static const struct sandbox_case killed[] = {
	CASE(socket), CASE(socketpair), CASE(connect), CASE(fastopen),
	CASE(fastopen_sendmsg), CASE(sendto), CASE(bind), CASE(listen),
	CASE(accept), CASE(setsockopt_odd), CASE(execve), CASE(vfork),
	CASE(clone3), CASE(setuid), CASE(unlink), CASE(mmap_exec),
	CASE(mprotect_exec)
};

/* Permitted to the sanitizers. */
static const struct sandbox_case killed_plain[] = {
	CASE(fork), CASE(ptrace), CASE(kill), CASE(tgkill_parent),
	CASE(dup), CASE(dupfd), CASE(setrlimit), CASE(prlimit_other)
};

static const struct sandbox_case fails[] = {
	CASE(open), CASE(create), CASE(stat), CASE(isatty), CASE(raise_limit)
};

static const struct sandbox_case works[] = {
	CASE(fds), CASE(memory), CASE(epoll), CASE(socket_options),
	CASE(misc)
};

#define NELEM(a)	(sizeof(a) / sizeof((a)[0]))

static void
test_killed(void **state)
{
	size_t i;

	for (i = 0; i < NELEM(killed); i++)
		assert_killed(killed[i].name, killed[i].what);
	for (i = 0; i < NELEM(killed_plain) && !SANITIZED; i++)
		assert_killed(killed_plain[i].name, killed_plain[i].what);
}

static void
test_fails(void **state)
{
	size_t i;

	if (SANITIZED)
		skip();
	for (i = 0; i < NELEM(fails); i++)
		assert_works(fails[i].name, fails[i].what);
}

static void
test_works(void **state)
{
	size_t i;

	for (i = 0; i < NELEM(works); i++) {
		assert_works(works[i].name, works[i].what);
		/* What one case took from the pair is there for the next. */
		teardown(NULL);
		assert_int_equal(setup(NULL), 0);
	}
}

static void
test_abort(void **state)
{
	int status = inside(do_abort);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_false(WCOREDUMP(status));
}

static int
enter(void)
{
	int missing;

	return sandbox_net_enter(-1, &missing);
}

static void
test_filter(void **state)
{
	oracle_check(enter);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_fails),
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_filter)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
