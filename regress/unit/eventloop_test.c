/* SPDX-License-Identifier: ISC */
/* Events that cannot be added: they come at once, and the log says so. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "epolltest.h"
#include "eventloop.h"
#include "log.h"

static struct event_base *base;
static int came, lines, no_memory;

static void
sink(enum log_level level, const char *text, void *arg)
{
	lines += strstr(text, "cannot watch") != NULL;
}

static void *
memory(void *p, size_t size)
{
	return no_memory ? NULL : realloc(p, size);
}

static void
came_cb(evutil_socket_t fd, short what, void *arg)
{
	came |= what;
}

static int
setup(void **state)
{
	base = event_base_new();
	log_set_sink(sink, NULL);
	came = lines = 0;
	return 0;
}

static int
teardown(void **state)
{
	event_base_free(base);
	return 0;
}

static void
test_descriptor(void **state)
{
	struct event *ev;
	int fds[2], i;

	assert_int_equal(pipe(fds), 0);
	ev = event_new(base, fds[0], EV_READ | EV_PERSIST, came_cb, NULL);
	epoll_failures = 3;
	for (i = 0; i < 3; i++) {
		assert_int_equal(eventloop_watch(ev, NULL), i == 0 ? -1 : 0);
		if (i == 0)
			assert_int_equal(errno, ENOSPC);
	}
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(came, EV_TIMEOUT);
	assert_int_equal(eventloop_watch(ev, NULL), -1);
	/* Whoever lets it go at once is not told. */
	event_del(ev);
	came = 0;
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(came, 0);
	assert_int_equal(lines, 1);
	epoll_failures = 0;
	errno = EDOM;
	assert_int_equal(eventloop_watch(ev, NULL), 0);
	assert_int_equal(errno, EDOM);
	assert_int_equal(write(fds[1], "x", 1), 1);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(came, EV_READ);
	event_free(ev);
	close(fds[0]);
	close(fds[1]);
}

/* A timer's place is an allocation of libevent's. */
static void
test_timer(void **state)
{
	static const struct timeval hour = { 3600, 0 };
	struct event *ev = evtimer_new(base, came_cb, NULL);

	no_memory = 1;
	assert_int_equal(eventloop_watch(ev, &hour), -1);
	assert_int_equal(errno, ENOMEM);
	no_memory = 0;
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_int_equal(came, EV_TIMEOUT);
	event_free(ev);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_descriptor, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_timer, setup, teardown)
	};

	event_set_mem_functions(malloc, memory, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
