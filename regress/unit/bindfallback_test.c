/* SPDX-License-Identifier: ISC */
/*
 * BIND at a server that only forwards ports, which the test plays: where it is
 * asked to listen, who may come, how long, and what is made of its refusals.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "addr.h"
#include "bindfallback.h"
#include "clock.h"
#include "log.h"
#include "socks.h"
#include "sshchan.h"
#include "sshforward.h"
#include "sshloop.h"
#include "starve.h"

static struct event_base *base;
static struct sshloop loop;
static struct bindfallback *b;
static struct farend_answer got;
static int answers;

/* The server's side. */
static const struct sshforward_ops *ops;
static void *ops_arg;
static char where[64];
static int port, ports[8], listens, closes, full;

struct sshforward *
sshforward_listen(struct sshforwards *all, const char *host, int at,
    const struct sshforward_ops *o, void *arg)
{
	if (full)
		return NULL;
	strlcpy(where, host, sizeof(where));
	ports[listens++ % 8] = port = at;
	ops = o;
	ops_arg = arg;
	return (struct sshforward *)&port;
}

void
sshforward_close(struct sshforward *f)
{
	closes++;
}

static void
answer_cb(const struct farend_answer *answer, void *arg)
{
	got = *answer;
	answers++;
}

static int
setup(void **state)
{
	log_init("bindfallback_test", LOG_LEVEL_QUIET, 1);
	base = event_base_new();
	answers = listens = closes = full = 0;
	return 0;
}

static int
teardown(void **state)
{
	event_base_free(base);
	return 0;
}

static struct addr
address(const char *host)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host, 80), 0);
	return a;
}

static void
start(const char *peer)
{
	struct addr a = address(peer);

	answers = 0;
	b = bindfallback_start(base, &loop, &a, answer_cb, NULL);
	assert_non_null(b);
}

static void
assert_bound_at(const char *peer, const char *asked, const char *told)
{
	struct addr a = address(told);

	start(peer);
	assert_string_equal(where, asked);
	assert_in_range(port, 61000, 65535);
	ops->listening(ops_arg);
	assert_int_equal(got.result, FAREND_BOUND);
	a.port = (uint16_t)port;
	assert_true(addr_equal(&got.bnd, &a));
	bindfallback_cancel(b);
}

static void
test_where(void **state)
{
	assert_bound_at("127.0.0.1", "127.0.0.1", "127.0.0.1");
	assert_bound_at("::ffff:127.0.0.2", "127.0.0.1", "127.0.0.1");
	assert_bound_at("::1", "::1", "::1");
	assert_bound_at("192.0.2.1", "", "127.0.0.1");
	assert_bound_at("0.0.0.0", "", "127.0.0.1");
	assert_int_equal(closes, listens);
}

static void
test_who(void **state)
{
	start("192.0.2.1");
	assert_true(ops->permit("192.0.2.1", 5, ops_arg));
	assert_true(ops->permit("::ffff:192.0.2.1", 5, ops_arg));
	assert_false(ops->permit("192.0.2.2", 5, ops_arg));
	assert_false(ops->permit("", 5, ops_arg));
	bindfallback_cancel(b);
	start("0.0.0.0");
	assert_true(ops->permit("192.0.2.2", 5, ops_arg));
	bindfallback_cancel(b);
}

static void
test_connected(void **state)
{
	struct addr a = address("192.0.2.1");
	static struct sshchan chan;

	start("192.0.2.1");
	ops->listening(ops_arg);
	ops->connected(&chan, "::ffff:192.0.2.1", 80, ops_arg);
	assert_int_equal(got.result, FAREND_GRANTED);
	assert_ptr_equal(got.stream, &chan.stream);
	assert_true(addr_equal(&got.bnd, &a));
	bindfallback_cancel(b);
	/* A server that does not tell an address. */
	start("0.0.0.0");
	ops->connected(&chan, "", 80, ops_arg);
	assert_int_equal(got.result, FAREND_GRANTED);
	assert_int_equal(got.bnd.type, ADDR_NONE);
	bindfallback_cancel(b);
}

/* Another port is tried a few times; a session that is lost has none. */
static void
test_refused(void **state)
{
	int i;

	start("192.0.2.1");
	for (i = 1; i < 4; i++) {
		ops->failed(SSHCONN_REFUSED, ops_arg);
		assert_int_equal(answers, 0);
		assert_int_equal(listens, i + 1);
	}
	assert_true(ports[0] != ports[1] || ports[1] != ports[2]);
	ops->failed(SSHCONN_REFUSED, ops_arg);
	assert_int_equal(got.result, FAREND_REFUSED);
	assert_int_equal(got.rep, SOCKS_REP_RULESET);
	bindfallback_cancel(b);
	start("192.0.2.1");
	ops->failed(SSHCONN_LOST, ops_arg);
	assert_int_equal(got.result, FAREND_LOST);
	bindfallback_cancel(b);
	start("192.0.2.1");
	full = 1;
	ops->failed(SSHCONN_REFUSED, ops_arg);
	assert_int_equal(got.result, FAREND_REFUSED);
	bindfallback_cancel(b);
	assert_int_equal(closes, listens);
}

static void
test_nobody_comes(void **state)
{
	start("192.0.2.1");
	ops->listening(ops_arg);
	clock_move(119 * CLOCK_SECOND);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(answers, 1);
	clock_move(2 * CLOCK_SECOND);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(answers, 2);
	assert_int_equal(got.result, FAREND_REFUSED);
	assert_int_equal(got.rep, SOCKS_REP_TTL);
	bindfallback_cancel(b);
}

static void
test_starved(void **state)
{
	struct addr a = address("192.0.2.1");
	int n;

	for (n = 1; n == 1 || starved(); n++) {
		starve(n);
		b = bindfallback_start(base, &loop, &a, answer_cb, NULL);
		starve(0);
		assert_int_equal(b == NULL, starved());
		if (b != NULL)
			bindfallback_cancel(b);
		assert_int_equal(closes, listens);
	}
	full = 1;
	assert_null(bindfallback_start(base, &loop, &a, answer_cb, NULL));
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_where), TEST(test_who), TEST(test_connected),
		TEST(test_refused), TEST(test_nobody_comes),
		TEST(test_starved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
