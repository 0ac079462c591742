/* SPDX-License-Identifier: ISC */
/*
 * Connecting: loopback addresses that answer, refuse, or (a listener whose
 * backlog is full) stay silent.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "connect.h"
#include "epolltest.h"
#include "starve.h"

#define PENDING	4		/* connections that fill a backlog of 0 */

/* A listening socket, or one that used to listen and refuses now. */
struct target {
	int			 fd;
	int			 pending[PENDING];
	struct sockaddr_storage	 ss;
	socklen_t		 len;
};

struct outcome {
	int	 calls;
	int	 fd;
	int	 error;
	int	 ms;
	struct timespec start;
};

int	__real_connect(int, const struct sockaddr *, socklen_t);
int	__wrap_connect(int, const struct sockaddr *, socklen_t);

static struct event_base *base;
static struct target answers, refuses, silent, answers6;
static int have6;
static struct target *from;	/* the port that is chosen, or NULL */
static int interrupted;		/* by a signal, whenever one connects */

/* The kernel chooses a free port to connect from: it may be any. */
int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	int r;

	/* The second call for a socket finds it bound. */
	if (from != NULL && memcmp(sa, &from->ss, len) == 0)
		(void)bind(fd, sa, len);
	r = __real_connect(fd, sa, len);
	if (r == -1 && interrupted)
		errno = EINTR;
	return r;
}

static void
target_open(struct target *t, const char *host, int backlog)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
	    .ai_socktype = SOCK_STREAM }, *res;

	assert_int_equal(getaddrinfo(host, "0", &hints, &res), 0);
	t->fd = socket(res->ai_family, SOCK_STREAM, 0);
	assert_int_not_equal(t->fd, -1);
	assert_int_equal(bind(t->fd, res->ai_addr, res->ai_addrlen), 0);
	assert_int_equal(listen(t->fd, backlog), 0);
	t->len = sizeof(t->ss);
	getsockname(t->fd, (struct sockaddr *)&t->ss, &t->len);
	freeaddrinfo(res);
}

static void
target_fill(struct target *t)
{
	int i;

	for (i = 0; i < PENDING; i++) {
		t->pending[i] = socket(t->ss.ss_family,
		    SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(t->pending[i], (struct sockaddr *)&t->ss, t->len);
	}
	usleep(20000);
}

static int
group_setup(void **state)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd;

	target_open(&answers, "127.0.0.1", 128);
	target_open(&refuses, "127.0.0.1", 1);
	close(refuses.fd);
	target_open(&silent, "127.0.0.1", 0);
	target_fill(&silent);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	have6 = fd != -1 && bind(fd, (struct sockaddr *)&sin6,
	    sizeof(sin6)) == 0;
	if (fd != -1)
		close(fd);
	if (have6)
		target_open(&answers6, "::1", 128);
	return 0;
}

static int
group_teardown(void **state)
{
	int i;

	for (i = 0; i < PENDING; i++)
		close(silent.pending[i]);
	close(silent.fd);
	close(answers.fd);
	if (have6)
		close(answers6.fd);
	return 0;
}

static int
setup(void **state)
{
	base = event_base_new();
	return base == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	event_base_free(base);
	return 0;
}

/* The lowest free descriptor: the same before and after if nothing leaked. */
static int
lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

/* Strings targets together; the array must have room for one a target. */
static struct addrinfo *
list(struct addrinfo *ai, struct target *const *t, size_t n)
{
	size_t i;

	memset(ai, 0, n * sizeof(*ai));
	for (i = 0; i < n; i++) {
		ai[i].ai_family = t[i]->ss.ss_family;
		ai[i].ai_socktype = SOCK_STREAM;
		ai[i].ai_addr = (struct sockaddr *)&t[i]->ss;
		ai[i].ai_addrlen = t[i]->len;
		ai[i].ai_next = i + 1 < n ? &ai[i + 1] : NULL;
	}
	return ai;
}

static void
outcome_cb(int fd, int error, void *arg)
{
	struct outcome *o = arg;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	o->calls++;
	o->fd = fd;
	o->error = error;
	o->ms = (now.tv_sec - o->start.tv_sec) * 1000 +
	    (now.tv_nsec - o->start.tv_nsec) / 1000000;
	event_base_loopbreak(base);
}

/* Connects to the targets in this order and tells how that went. */
static struct outcome
try(struct target *const *t, size_t n, int timeout_ms, connect_filter *filter)
{
	struct addrinfo ai[100];
	struct timeval tv = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	struct outcome o;

	memset(&o, 0, sizeof(o));
	clock_gettime(CLOCK_MONOTONIC, &o.start);
	assert_non_null(connect_start(base, n > 0 ? list(ai, t, n) : NULL,
	    timeout_ms > 0 ? &tv : NULL, filter, outcome_cb, &o));
	/* Neither called back yet, nor does it need the list any more. */
	assert_int_equal(o.calls, 0);
	memset(ai, 0xff, sizeof(ai));
	event_base_dispatch(base);
	assert_int_equal(o.calls, 1);
	if (o.fd != -1) {
		assert_int_equal(o.error, 0);
		return o;
	}
	assert_int_not_equal(o.error, 0);
	return o;
}

static uint16_t
peer_port(int fd)
{
	struct sockaddr_in6 ss;
	socklen_t len = sizeof(ss);

	assert_int_equal(getpeername(fd, (struct sockaddr *)&ss, &len), 0);
	return ss.sin6_port;
}

static uint16_t
target_port(const struct target *t)
{
	return ((const struct sockaddr_in6 *)&t->ss)->sin6_port;
}

static void
test_connects(void **state)
{
	struct target *const t[] = { &answers };
	struct outcome o;
	socklen_t len = sizeof(int);
	int on = 0;

	o = try(t, 1, 5000, NULL);
	assert_int_not_equal(o.fd, -1);
	assert_int_equal(peer_port(o.fd), target_port(&answers));
	assert_int_not_equal(fcntl(o.fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(o.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(getsockopt(o.fd, IPPROTO_TCP, TCP_NODELAY, &on,
	    &len), 0);
	assert_int_equal(on, 1);
	close(o.fd);
}

static void
test_failures(void **state)
{
	struct target *const refused[] = { &refuses, &refuses };
	struct target *const mute[] = { &silent };
	struct target *const both[] = { &silent, &refuses };
	struct outcome o;
	int before = lowest_free();

	assert_int_equal(try(refused, 2, 5000, NULL).error, ECONNREFUSED);
	o = try(mute, 1, 400, NULL);
	assert_int_equal(o.error, ETIMEDOUT);
	assert_in_range(o.ms, 390, 900);
	/* The silent one costs 250 ms, then all the rest of the time. */
	o = try(both, 2, 600, NULL);
	assert_int_equal(o.error, ECONNREFUSED);
	assert_in_range(o.ms, 590, 1100);
	assert_int_equal(try(NULL, 0, 0, NULL).error, EADDRNOTAVAIL);
	assert_int_equal(lowest_free(), before);
}

static void
test_next_address(void **state)
{
	struct target *const quick[] = { &refuses, &refuses, &answers };
	struct target *const slow[] = { &silent, &answers };
	struct target *const slower[] = { &silent, &silent, &answers };
	struct outcome o;
	int before = lowest_free();

	o = try(quick, 3, 5000, NULL);
	assert_int_not_equal(o.fd, -1);
	assert_in_range(o.ms, 0, 200);
	close(o.fd);
	o = try(slow, 2, 5000, NULL);
	assert_int_not_equal(o.fd, -1);
	assert_int_equal(peer_port(o.fd), target_port(&answers));
	assert_in_range(o.ms, 245, 490);
	close(o.fd);
	o = try(slower, 3, 5000, NULL);
	assert_int_not_equal(o.fd, -1);
	assert_in_range(o.ms, 495, 900);
	close(o.fd);
	assert_int_equal(lowest_free(), before);
}

static void
test_families_take_turns(void **state)
{
	struct target *const t[] = { &silent, &silent, &silent, &answers6 };
	struct outcome o;

	if (!have6)
		skip();
	o = try(t, 4, 5000, NULL);
	assert_int_not_equal(o.fd, -1);
	assert_int_equal(peer_port(o.fd), target_port(&answers6));
	assert_in_range(o.ms, 245, 490);
	close(o.fd);
}

/* Without memory it is not begun, or fails, and leaves no descriptor. */
static void
test_starved(void **state)
{
	struct target *const t[] = { &refuses, &answers };
	struct addrinfo ai[2];
	struct timeval tv = { 5, 0 };
	struct outcome o;
	int n, before = lowest_free();

	for (n = 1; n == 1 || starved(); n++) {
		memset(&o, 0, sizeof(o));
		starve(n);
		if (connect_start(base, list(ai, t, 2), &tv, NULL,
		    outcome_cb, &o) != NULL)
			event_base_dispatch(base);
		starve(0);
		if (o.calls > 0 && o.fd != -1)
			close(o.fd);
		else
			assert_true(starved());
		assert_int_equal(lowest_free(), before);
	}
	assert_true(n > 3);
}

static int filter_calls;

static int
refuse_answers(const struct addrinfo *ai, void *arg)
{
	const struct sockaddr_in *sin = (const void *)ai->ai_addr;

	filter_calls++;
	return sin->sin_port == target_port(&answers) ? EACCES : 0;
}

static void
test_filter(void **state)
{
	struct target *const one[] = { &answers, &answers };
	struct target *const two[] = { &answers, &refuses };

	filter_calls = 0;
	assert_int_equal(try(one, 2, 5000, refuse_answers).error, EACCES);
	assert_int_equal(filter_calls, 2);
	assert_int_equal(try(two, 2, 5000, refuse_answers).error,
	    ECONNREFUSED);
}

/* TCP lets a socket connect to itself; nobody is there all the same. */
static void
test_itself(void **state)
{
	struct target empty;
	struct target *const one[] = { &empty }, *const two[] = { &empty,
	    &answers };
	struct outcome o;
	int before = lowest_free();

	from = &empty;
	target_open(&empty, "127.0.0.1", 1);
	close(empty.fd);
	o = try(one, 1, 5000, NULL);
	assert_int_equal(o.error, ECONNREFUSED);
	target_open(&empty, "127.0.0.1", 1);
	close(empty.fd);
	o = try(two, 2, 5000, NULL);
	from = NULL;
	assert_int_not_equal(o.fd, -1);
	assert_int_equal(peer_port(o.fd), target_port(&answers));
	close(o.fd);
	assert_int_equal(lowest_free(), before);
}

static void
test_interrupted(void **state)
{
	struct target *const t[] = { &refuses, &answers };
	struct outcome o;

	interrupted = 1;
	o = try(t, 2, 5000, NULL);
	interrupted = 0;
	assert_int_not_equal(o.fd, -1);
	close(o.fd);
}

/* Whatever else a name stands for is passed over. */
static void
test_other_families(void **state)
{
	struct target *const t[] = { &answers, &answers, &answers };
	struct addrinfo ai[3];
	struct outcome o;

	memset(&o, 0, sizeof(o));
	list(ai, t, 3);
	ai[0].ai_family = AF_UNIX;
	ai[1].ai_addrlen = sizeof(struct sockaddr_storage) + 1;
	assert_non_null(connect_start(base, ai, NULL, NULL, outcome_cb, &o));
	event_base_dispatch(base);
	assert_int_not_equal(o.fd, -1);
	close(o.fd);
	memset(&o, 0, sizeof(o));
	ai[2].ai_family = AF_UNIX;
	assert_non_null(connect_start(base, ai, NULL, NULL, outcome_cb, &o));
	event_base_dispatch(base);
	assert_int_equal(o.error, EADDRNOTAVAIL);
}

static void
test_many_addresses(void **state)
{
	struct target *t[100];
	struct outcome o;
	int i;

	for (i = 0; i < 100; i++)
		t[i] = i == 63 ? &answers : &refuses;
	o = try(t, 100, 5000, NULL);
	assert_int_not_equal(o.fd, -1);
	close(o.fd);
	t[63] = &refuses;
	t[64] = &answers;
	assert_int_equal(try(t, 100, 5000, NULL).error, ECONNREFUSED);
}

static void
test_cancel(void **state)
{
	struct target *const t[] = { &silent, &answers };
	struct addrinfo ai[2];
	struct outcome o;
	struct connect *c;
	struct timeval tv = { 0, 400000 };
	int before = lowest_free();

	memset(&o, 0, sizeof(o));
	c = connect_start(base, list(ai, t, 2), NULL, NULL, outcome_cb, &o);
	connect_cancel(c);
	c = connect_start(base, list(ai, t, 2), NULL, NULL, outcome_cb, &o);
	event_base_loop(base, EVLOOP_NONBLOCK);
	connect_cancel(c);
	connect_cancel(NULL);
	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
	assert_int_equal(o.calls, 0);
	assert_int_equal(lowest_free(), before);
}

static void
test_no_descriptors(void **state)
{
	struct target *const t[] = { &answers, &refuses };
	struct rlimit saved, rl;
	int error;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	rl = saved;
	rl.rlim_cur = lowest_free();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	error = try(t, 2, 5000, NULL).error;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	assert_int_equal(error, EMFILE);
}

static void
test_no_watch(void **state)
{
	struct target *const t[] = { &silent };

	epoll_failures = 1;
	assert_int_equal(try(t, 1, 5000, NULL).error, ENOMEM);
	assert_int_equal(epoll_failures, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_connects, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_next_address, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_families_take_turns,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interrupted, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_other_families, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_many_addresses, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_starved, setup, teardown)
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
