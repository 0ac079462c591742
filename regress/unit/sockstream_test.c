/* SPDX-License-Identifier: ISC */
/*
 * A socket as a stream: which events come, at what price in system calls, and
 * that one which cannot be watched is reset.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "epolltest.h"
#include "log.h"
#include "stream.h"

#define NOTHING	-1

static struct event_base *base;
static struct stream *st;
static int peer, came;

static void
sink(enum log_level level, const char *text, void *arg)
{
}

static void
came_cb(struct stream *from, enum stream_event ev, void *arg)
{
	assert_ptr_equal(from, st);
	assert_int_equal(came, NOTHING);
	came = (int)ev;
}

static int
setup(void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	log_set_sink(sink, NULL);
	base = event_base_new();
	assert_non_null(st = sockstream_new(base, fds[0]));
	st->cb = came_cb;
	peer = fds[1];
	epoll_calls = 0;
	return 0;
}

static int
teardown(void **state)
{
	st->ops->close(st, STREAM_CLOSE);
	close(peer);
	event_base_free(base);
	return 0;
}

/* What one turn of the loop brings. */
static int
turn(void)
{
	came = NOTHING;
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	return came;
}

static void
test_wants(void **state)
{
	assert_int_equal(write(peer, "x", 1), 1);
	assert_int_equal(turn(), NOTHING);
	st->ops->want(st, STREAM_WANT_READ);
	assert_int_equal(turn(), STREAM_READABLE);
	assert_int_equal(turn(), STREAM_READABLE);
	st->ops->want(st, STREAM_WANT_WRITE);
	assert_int_equal(turn(), STREAM_WRITABLE);
	assert_int_equal(turn(), NOTHING);
	st->ops->want(st, STREAM_WANT_READ);
	assert_int_equal(turn(), STREAM_READABLE);
}

/* As a flow does whose destination has no room for a moment, each time. */
static void
test_few_calls(void **state)
{
	int i;

	for (i = 0; i < 10; i++) {
		st->ops->want(st, STREAM_WANT_READ);
		assert_int_equal(write(peer, "x", 1), 1);
		assert_int_equal(turn(), STREAM_READABLE);
		st->ops->want(st, 0);
	}
	assert_int_equal(epoll_calls, 1);
	/* It is left alone in the end, and does not keep the loop busy. */
	for (i = 0; i < 10; i++)
		assert_int_equal(turn(), NOTHING);
	assert_int_equal(epoll_calls, 2);
	st->ops->want(st, STREAM_WANT_READ);
	assert_int_equal(turn(), STREAM_READABLE);
	/* The same of a destination that takes little at a time. */
	epoll_calls = 0;
	for (i = 0; i < 10; i++) {
		st->ops->want(st, STREAM_WANT_WRITE);
		assert_int_equal(turn(), STREAM_WRITABLE);
	}
	for (i = 0; i < 10; i++)
		assert_int_equal(turn(), NOTHING);
	assert_in_range(epoll_calls, 1, 3);
}

static void
test_no_watch(void **state)
{
	epoll_failures = 1;
	st->ops->want(st, STREAM_WANT_READ);
	assert_int_equal(turn(), STREAM_RESET);
	st->ops->want(st, STREAM_WANT_READ);
	assert_int_equal(turn(), NOTHING);
	epoll_failures = 1;
	st->ops->want(st, STREAM_WANT_READ | STREAM_WANT_WRITE);
	assert_int_equal(turn(), STREAM_RESET);
	assert_int_equal(epoll_failures, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wants, setup, teardown),
		cmocka_unit_test_setup_teardown(test_few_calls, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_watch, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
