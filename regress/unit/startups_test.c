/* SPDX-License-Identifier: ISC */
/* The chance to be turned away, and how connections and sources count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "epolltest.h"
#include "log.h"
#include "servlimits.h"
#include "startups.h"

struct fixture {
	struct event_base	*base;
	struct startups		*s;
	int			 told;		/* the last count */
	int			 calls;
	int			 lines;
	char			 line[128];	/* the last of the log */
};

static void
count_cb(int count, void *arg)
{
	struct fixture *f = arg;

	f->told = count;
	f->calls++;
}

static void
sink(enum log_level level, const char *text, void *arg)
{
	struct fixture *f = arg;

	strlcpy(f->line, text, sizeof(f->line));
	f->lines++;
}

static const struct servlimits total = { .startups = { 2, 100, 3 } };
static const struct servlimits sources = {
	.startups = { 100, 100, 100 }, .per_source = 2, .bits = { 24, 64 }
};

static int
setup_limits(void **state, const struct servlimits *limits)
{
	static struct fixture f;

	f = (struct fixture){ .told = -1 };
	f.base = event_base_new();
	f.s = startups_new(f.base, limits, count_cb, &f);
	log_init("startups_test", LOG_LEVEL_VERBOSE, 1);
	log_set_sink(sink, &f);
	*state = &f;
	return 0;
}

static int
setup(void **state)
{
	return setup_limits(state, &total);
}

static int
setup_sources(void **state)
{
	return setup_limits(state, &sources);
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	log_set_sink(NULL, NULL);
	startups_free(f->s);
	event_base_free(f->base);
	return 0;
}

static struct addr
peer(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	struct addr a;
	uint16_t port;

	strlcpy(host, text, (size_t)(colon - text) + 1);
	assert_int_equal(addr_parse_port(&port, colon + 1), 0);
	assert_int_equal(addr_parse_host(&a, host, port), 0);
	return a;
}

static int
admit(struct fixture *f, const char *text)
{
	struct addr a = peer(text);

	return startups_admit(f->s, &a);
}

/* Adds a connection; returns the end that its process would hold. */
static int
add(struct fixture *f, const char *text)
{
	struct addr a = peer(text);
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(startups_add(f->s, p[0], &a), 0);
	return p[1];
}

static void
test_chance(void **state)
{
	assert_int_equal(startups_drop_chance(0, 10, 30, 100), 0);
	assert_int_equal(startups_drop_chance(9, 10, 30, 100), 0);
	assert_int_equal(startups_drop_chance(10, 10, 30, 100), 30);
	assert_int_equal(startups_drop_chance(55, 10, 30, 100), 65);
	assert_int_equal(startups_drop_chance(99, 10, 30, 100), 99);
	assert_int_equal(startups_drop_chance(100, 10, 30, 100), 100);
	assert_int_equal(startups_drop_chance(5000, 10, 30, 100), 100);
}

static void
test_chance_edges(void **state)
{
	assert_int_equal(startups_drop_chance(4, 5, 100, 5), 0);
	assert_int_equal(startups_drop_chance(5, 5, 100, 5), 100);
	assert_int_equal(startups_drop_chance(5, 5, 1, 5), 100);
	assert_int_equal(startups_drop_chance(1, 1, 100, 10), 100);
	assert_int_equal(startups_drop_chance(INT32_MAX - 1, 1, 1, INT32_MAX),
	    99);
}

static void
test_count(void **state)
{
	struct fixture *f = *state;
	int a = add(f, "192.0.2.1:1"), b = add(f, "192.0.2.1:2");

	assert_int_equal(startups_count(f->s), 2);
	assert_int_equal(f->told, 2);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(startups_count(f->s), 2);
	close(a);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(startups_count(f->s), 1);
	assert_int_equal(f->told, 1);
	close(b);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->told, 0);
	assert_int_equal(f->calls, 4);
}

/* A byte in the pipe is no end of it. */
static void
test_stray_byte(void **state)
{
	struct fixture *f = *state;
	int a = add(f, "192.0.2.1:1");

	assert_int_equal(write(a, "x", 1), 1);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(startups_count(f->s), 1);
	close(a);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(startups_count(f->s), 0);
}

static void
test_admit(void **state)
{
	struct fixture *f = *state;
	int a, b;

	assert_int_equal(admit(f, "192.0.2.1:5"), 1);
	a = add(f, "192.0.2.1:5");
	assert_int_equal(admit(f, "192.0.2.1:6"), 1);
	assert_string_equal(f->line, "");
	b = add(f, "192.0.2.1:6");
	assert_int_equal(admit(f, "192.0.2.1:7"), 0);
	assert_string_equal(f->line,
	    "drop connection #2 from 192.0.2.1:7 past MaxStartups");
	close(a);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_non_null(strstr(f->line, "exited MaxStartups throttling"));
	assert_non_null(strstr(f->line, ", 1 connections dropped"));
	assert_int_equal(admit(f, "192.0.2.1:8"), 1);
	close(b);
}

/* A network that has its share gets no more, and others do. */
static void
test_sources(void **state)
{
	struct fixture *f = *state;
	int a = add(f, "192.0.2.1:1"), b, c, d;

	assert_true(admit(f, "192.0.2.200:1"));
	b = add(f, "192.0.2.200:2");
	assert_false(admit(f, "192.0.2.1:3"));
	assert_string_equal(f->line, "drop connection #2 from 192.0.2.1:3 "
	    "past PerSourceMaxStartups");
	assert_false(admit(f, "192.0.2.77:3"));
	assert_true(admit(f, "192.0.3.1:3"));
	assert_true(admit(f, "[c000:201::]:3"));
	c = add(f, "[2001:db8:0:1::1]:1");
	d = add(f, "[2001:db8:0:1:ffff::1]:1");
	assert_false(admit(f, "[2001:db8:0:1:8000::]:1"));
	assert_true(admit(f, "[2001:db8:0:2::1]:1"));
	close(a);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_true(admit(f, "192.0.2.1:4"));
	close(b);
	close(c);
	close(d);
}

/* At most some lines a second, and the rest is counted. */
static void
test_source_lines(void **state)
{
	struct fixture *f = *state;
	int a = add(f, "192.0.2.1:1"), b = add(f, "192.0.2.1:2"), i;

	for (i = 0; i < 1000; i++)
		assert_false(admit(f, "192.0.2.1:3"));
	assert_in_range(f->lines, 5, 11);
	close(a);
	close(b);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_non_null(strstr(f->line, "lines were left out"));
}

/* What is still counted is closed, nobody is told. */
static void
test_forget(void **state)
{
	struct fixture *f = *state;
	struct addr a = peer("192.0.2.1:1");
	struct startups *s;
	int calls, p[2];

	s = startups_new(f->base, &total, count_cb, f);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(startups_add(s, p[0], &a), 0);
	calls = f->calls;
	startups_free(s);
	assert_int_equal(f->calls, calls);
	assert_int_equal(fcntl(p[0], F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	close(p[1]);
}

/* A pipe that cannot be watched stays the caller's, and is not counted. */
static void
test_no_watch(void **state)
{
	struct fixture *f = *state;
	struct addr a = peer("192.0.2.1:1");
	int p[2];

	assert_int_equal(pipe(p), 0);
	epoll_failures = 1;
	assert_int_equal(startups_add(f->s, p[0], &a), -1);
	assert_int_equal(startups_count(f->s), 0);
	close(p[0]);
	close(p[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chance),
		cmocka_unit_test(test_chance_edges),
		cmocka_unit_test_setup_teardown(test_count, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stray_byte, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_admit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sources, setup_sources,
		    teardown),
		cmocka_unit_test_setup_teardown(test_source_lines,
		    setup_sources, teardown),
		cmocka_unit_test_setup_teardown(test_forget, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_watch, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
