/* SPDX-License-Identifier: ISC */
/*
 * Listeners: what they bind, under which name, and that they live through a
 * lack of descriptors and through being stopped or freed by their callback.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "epolltest.h"
#include "fdlimit.h"
#include "listener.h"
#include "log.h"

static struct event_base *base;
static int accepted;
static int pauses, resumes;

static void
sink(enum log_level level, const char *text, void *arg)
{
	if (strstr(text, ", pausing") != NULL)
		pauses++;
	if (strstr(text, "accepting again") != NULL)
		resumes++;
}

static int
setup(void **state)
{
	base = event_base_new();
	accepted = pauses = resumes = 0;
	log_set_sink(sink, NULL);
	return base == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	event_base_free(base);
	return 0;
}

static void
count_cb(struct listener *l, int fd, const struct sockaddr *sa, socklen_t len,
    void *arg)
{
	assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	accepted++;
	close(fd);
}

static void
stop_cb(struct listener *l, int fd, const struct sockaddr *sa, socklen_t len,
    void *arg)
{
	accepted++;
	close(fd);
	listener_stop(l);
}

static void
free_cb(struct listener *l, int fd, const struct sockaddr *sa, socklen_t len,
    void *arg)
{
	accepted++;
	close(fd);
	listener_free(l);
}

static int kept[64];

static void
keep_cb(struct listener *l, int fd, const struct sockaddr *sa, socklen_t len,
    void *arg)
{
	kept[accepted++] = fd;
}

/* A client of the socket that fd listens on. */
static int
dial(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int s;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
	s = socket(ss.ss_family, SOCK_STREAM, 0);
	assert_int_not_equal(s, -1);
	assert_int_equal(connect(s, (struct sockaddr *)&ss, len), 0);
	return s;
}

static void
run_for(int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
}

static int
bind_one(const char *host)
{
	const char *errtext = NULL;
	int fd;

	assert_int_equal(listener_bind_tcp(host, "0", AF_UNSPEC, &fd, 1,
	    &errtext), 1);
	assert_null(errtext);
	return fd;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	getsockname(fd, (struct sockaddr *)&ss, &len);
	if (ss.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
	return ntohs(((struct sockaddr_in *)&ss)->sin_port);
}

static void
test_bind_tcp(void **state)
{
	const char *errtext = NULL;
	char port[8];
	int fds[8], n, more;

	n = listener_bind_tcp(NULL, "0", AF_UNSPEC, fds, 8, &errtext);
	assert_in_range(n, 1, 2);
	assert_int_not_equal(port_of(fds[0]), 0);
	if (n == 2) {
		assert_int_equal(port_of(fds[0]), port_of(fds[1]));
		close(fds[1]);
	}
	close(fds[0]);

	n = listener_bind_tcp("localhost", "0", AF_INET, fds, 8, &errtext);
	assert_int_equal(n, 1);
	snprintf(port, sizeof(port), "%u", port_of(fds[0]));
	more = listener_bind_tcp("127.0.0.1", port, AF_UNSPEC, fds + 1, 1,
	    &errtext);
	assert_int_equal(more, -1);
	assert_string_equal(errtext, "Address already in use");
	close(fds[0]);
}

static void
test_bind_tcp_bad(void **state)
{
	static const char *const ports[] = { "", "-1", "65536", "http",
	    "1080x", " 1", "99999999999" };
	const char *errtext;
	int fd;
	size_t i;

	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		errtext = NULL;
		assert_int_equal(listener_bind_tcp("127.0.0.1", ports[i],
		    AF_UNSPEC, &fd, 1, &errtext), -1);
		assert_string_equal(errtext, "bad port number");
	}
	errtext = NULL;
	assert_int_equal(listener_bind_tcp("192.0.2.1", "0", AF_UNSPEC, &fd, 1,
	    &errtext), -1);
	assert_string_equal(errtext, "Cannot assign requested address");
	assert_int_equal(listener_bind_tcp("::1", "0", AF_INET, &fd, 1,
	    &errtext), -1);
	assert_non_null(errtext);
}

static void
test_bind_unix(void **state)
{
	char dir[] = "/tmp/listener_test.XXXXXX", path[64], longer[200];
	const char *errtext = NULL;
	struct listener *l;
	struct stat st;
	mode_t before;
	int fd, s;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	before = umask(022);
	fd = listener_bind_unix(path, 0177, &errtext);
	assert_int_equal(umask(before), 022);
	assert_int_not_equal(fd, -1);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);

	assert_int_equal(listener_bind_unix(path, 0177, &errtext), -1);
	assert_string_equal(errtext, "Address already in use");
	l = listener_new(base, fd, count_cb, NULL);
	assert_string_equal(listener_name(l), path);
	s = dial(fd);
	run_for(20);
	assert_int_equal(accepted, 1);
	close(s);
	listener_free(l);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);

	assert_int_equal(listener_bind_unix(path, 0177, &errtext), -1);
	assert_string_equal(errtext, "No such file or directory");
	assert_int_equal(listener_bind_unix("", 0177, &errtext), -1);
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(listener_bind_unix(longer, 0177, &errtext), -1);
	assert_string_equal(errtext, "File name too long");
}

static void
test_accept(void **state)
{
	struct listener *l;
	char name[32];
	int fd = bind_one("127.0.0.1"), s[200], i;

	l = listener_new(base, fd, count_cb, NULL);
	snprintf(name, sizeof(name), "127.0.0.1:%u", port_of(fd));
	assert_string_equal(listener_name(l), name);
	for (i = 0; i < 200; i++)
		s[i] = dial(fd);
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(accepted, 64);
	run_for(50);
	assert_int_equal(accepted, 200);

	listener_stop(l);
	close(s[0]);
	s[0] = dial(fd);
	run_for(20);
	assert_int_equal(accepted, 200);
	listener_start(l);
	listener_start(l);
	run_for(20);
	assert_int_equal(accepted, 201);
	for (i = 0; i < 200; i++)
		close(s[i]);
	listener_free(l);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void
test_stop_and_free_inside(void **state)
{
	struct listener *l;
	int fd = bind_one("127.0.0.1"), s[3];

	l = listener_new(base, fd, stop_cb, NULL);
	s[0] = dial(fd);
	s[1] = dial(fd);
	run_for(20);
	assert_int_equal(accepted, 1);
	listener_free(l);
	close(s[0]);
	close(s[1]);

	fd = bind_one("127.0.0.1");
	listener_new(base, fd, free_cb, NULL);
	s[0] = dial(fd);
	s[1] = dial(fd);
	run_for(20);
	assert_int_equal(accepted, 2);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	close(s[0]);
	close(s[1]);
}

static void
test_out_of_descriptors(void **state)
{
	struct rlimit saved, rl;
	struct listener *l;
	struct timespec t0, t1;
	int fd = bind_one("127.0.0.1"), s;

	l = listener_new(base, fd, count_cb, NULL);
	s = dial(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	rl = saved;
	rl.rlim_cur = dup(0);
	close(rl.rlim_cur);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0);
	run_for(1200);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	assert_int_equal(accepted, 0);
	assert_int_equal(pauses, 1);
	assert_int_equal(resumes, 0);
	/* It slept, it did not spin. */
	assert_true((t1.tv_sec - t0.tv_sec) * 1000 +
	    (t1.tv_nsec - t0.tv_nsec) / 1000000 < 300);
	run_for(1200);
	assert_int_equal(accepted, 1);
	assert_int_equal(pauses, 1);
	assert_int_equal(resumes, 1);
	close(s);
	listener_free(l);
}

/*
 * Connections leave descriptors to others, and go on when one is closed, each
 * time within milliseconds; the log is told of that once.
 */
static void
test_reserve(void **state)
{
	struct rlimit saved, rl;
	struct listener *l;
	struct timespec t0, t1;
	int fd = bind_one("127.0.0.1"), s[60], spare[8], i, n;

	for (i = 0; i < 60; i++)
		s[i] = dial(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	rl = saved;
	rl.rlim_cur = (rlim_t)s[59] + 21;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	l = listener_new(base, fd, keep_cb, NULL);
	run_for(50);
	n = accepted;
	assert_in_range(n, 8, 13);
	for (i = 0; i < 7; i++)
		assert_int_not_equal(spare[i] = dup(0), -1);
	while (i-- > 0)
		close(spare[i]);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	while (n < 60 - 13) {
		close(kept[n - 8]);
		n++;
		while (accepted < n)
			event_base_loop(base, EVLOOP_ONCE);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	assert_true((t1.tv_sec - t0.tv_sec) * 1000 +
	    (t1.tv_nsec - t0.tv_nsec) / 1000000 < 1000);
	assert_int_equal(pauses, 1);
	assert_int_equal(resumes, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	for (i = n - 8; i < accepted; i++)
		close(kept[i]);
	for (i = 0; i < 60; i++)
		close(s[i]);
	listener_free(l);
}

/* A listener that cannot be watched tries again. */
static void
test_no_watch(void **state)
{
	struct listener *l;
	int fd = bind_one("127.0.0.1"), s;

	epoll_failures = 3;
	l = listener_new(base, fd, count_cb, NULL);
	s = dial(fd);
	run_for(100);
	assert_int_equal(accepted, 1);
	assert_int_equal(epoll_failures, 0);
	close(s);
	listener_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bind_tcp, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_bind_tcp_bad, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_bind_unix, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_accept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_and_free_inside,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_descriptors,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_reserve, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_watch, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
