/* SPDX-License-Identifier: ISC */
/*
 * The bound on the queue, on a path that is computed: a rate, a delay, a queue
 * that drops what does not fit, another who uses it, and a sender that always
 * has something.
 */
#include <sys/types.h>
#include <sys/param.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monotime.h"
#include "sshqueue.h"
#include "tcppath.h"

#define MS		MONOTIME_MILLISECOND
#define MEGA		1000000.0
#define SEGMENT		1448
#define BOUND		(10 * MS)
#define QUEUE_MAX	(0.5 * MEGA)
#define STEPS_MAX	200	/* ms that the path can be long */

/* The path; what is delivered now was sent a trip before. */
static struct {
	double		 rate;		/* bytes a second */
	int		 trip;		/* ms, without a queue */
	double		 tcp;		/* the most that TCP would send */
	double		 rival;		/* bytes that another keeps queued */
	double		 queue;		/* bytes of ours */
	double		 sent[STEPS_MAX];	/* in each of the last ms */
	double		 delivered;	/* bytes, in all */
	double		 asked;		/* what the bound allows; 0: any */
	int64_t		 now;
} wire;
static struct sshqueue q;

static int
set_up(void **state)
{
	memset(&wire, 0, sizeof(wire));
	wire.rate = 12 * MEGA;
	wire.tcp = 100 * MEGA;
	wire.trip = 40;
	wire.now = 1000 * MONOTIME_SECOND;
	sshqueue_init(&q, BOUND);
	return 0;
}

/* One ms: the rival has its share of the queue, and so of the rate. */
static void
step(void)
{
	double share = wire.queue + wire.rival > 0 ?
	    wire.queue / (wire.queue + wire.rival) : 1;
	double sent = wire.asked > 0 ? MIN(wire.asked, wire.tcp) : wire.tcp;
	int i = (int)(wire.now / MS) % wire.trip;
	double out;

	wire.queue = MIN(wire.queue + wire.sent[i], QUEUE_MAX);
	out = MIN(wire.queue, MAX(share, 0.1) * wire.rate / 1000);
	wire.queue -= out;
	wire.delivered += out;
	wire.sent[i] = sent / 1000;
	wire.now += MS;
}

/* How long a byte waits in the queue, in ms. */
static double
waits(void)
{
	return (wire.queue + wire.rival) / wire.rate * 1000;
}

static void
look(void)
{
	struct tcppath path = {
		.trip = (int64_t)((wire.trip + waits()) * (double)MS),
		.least_trip = 40 * MS,
		.segment = SEGMENT,
		.delivered = (uint32_t)(wire.delivered / SEGMENT),
		.rate = wire.rate
	};

	wire.asked = sshqueue_look(&q, &path, wire.now);
}

static void
run(int ms)
{
	while (ms-- > 0) {
		step();
		if (ms % 20 == 0)
			look();
	}
}

/* The same; returns the bytes a second that arrived. */
static double
rate_of(int ms)
{
	double before = wire.delivered;

	run(ms);
	return (wire.delivered - before) * 1000 / ms;
}

/* The longest that a byte waited, in ms. */
static double
longest(int ms)
{
	double most = 0;

	while (ms-- > 0) {
		step();
		if (ms % 20 == 0)
			look();
		most = MAX(most, waits());
	}
	return most;
}

static void
test_settles(void **state)
{
	run(1500);
	assert_int_equal(q.state, SSHQUEUE_HELD);
	assert_true(longest(5000) < 10);
	assert_true(rate_of(5000) > 0.97 * wire.rate);
}

/* TCP sends less than the path can: it is let be. */
static void
test_no_queue(void **state)
{
	wire.tcp = 3 * MEGA;
	run(5000);
	assert_int_equal(q.state, SSHQUEUE_FREE);
	assert_true(wire.asked <= 0);
}

static void
test_no_bound(void **state)
{
	sshqueue_init(&q, 0);
	run(2000);
	assert_true(wire.asked <= 0);
}

static void
test_follows(void **state)
{
	run(1500);
	wire.rate *= 2;
	run(1200);
	assert_true(rate_of(1000) > 0.95 * wire.rate);
	wire.rate /= 2;
	run(1000);
	assert_true(longest(1000) < 12);
	assert_true(rate_of(1000) > 0.95 * wire.rate);
}

/* TCP has its own reasons to be slow: they end, and the rate is not stale. */
static void
test_tcp_is_slow(void **state)
{
	run(1500);
	wire.tcp = 1 * MEGA;
	q.stubborn = 4;
	run(5000);
	assert_true(wire.asked > 6 * MEGA);
	assert_int_equal(q.stubborn, 0);
	wire.tcp = 100 * MEGA;
	run(1000);
	assert_true(rate_of(1000) > 0.95 * wire.rate);
}

/* Another keeps the queue filled: we do not give all to it. */
static void
test_rival(void **state)
{
	run(1500);
	wire.rival = 0.06 * wire.rate;
	run(2000);
	assert_int_equal(q.state, SSHQUEUE_RIVAL);
	assert_true(wire.asked <= 0);
	wire.rival = 0;
	/* TCP has seen a loss. */
	wire.tcp = 8 * MEGA;
	run(500);
	wire.tcp = 100 * MEGA;
	run(6000);
	assert_int_equal(q.state, SSHQUEUE_HELD);
	assert_true(longest(1000) < 10);
}

static void
test_longer_path(void **state)
{
	run(1500);
	memset(wire.sent, 0, sizeof(wire.sent));
	wire.trip = 90;
	run(12000);
	assert_int_equal(q.state, SSHQUEUE_HELD);
	assert_true(longest(1000) < 12);
	assert_true(rate_of(1000) > 0.95 * wire.rate);
}

/* A packet takes longer than the bound there. */
static void
test_slow_path(void **state)
{
	wire.rate = 0.1 * MEGA;
	wire.tcp = 0.2 * MEGA;
	run(5000);
	assert_int_equal(q.state, SSHQUEUE_HELD);
	assert_true(rate_of(5000) > 0.9 * wire.rate);
	assert_true(longest(5000) < 150);
}

/* Nothing arrives for a while, and the count of segments begins anew. */
static void
test_outage(void **state)
{
	double rate = wire.rate;

	wire.delivered = 4294967000.0 * SEGMENT;
	run(1500);
	wire.rate = 1;
	wire.tcp = 0;
	memset(wire.sent, 0, sizeof(wire.sent));
	wire.queue = 0;
	run(5000);
	wire.rate = rate;
	wire.tcp = 100 * MEGA;
	run(2000);
	assert_true(rate_of(1000) > 0.95 * wire.rate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_settles, set_up),
		cmocka_unit_test_setup(test_no_queue, set_up),
		cmocka_unit_test_setup(test_no_bound, set_up),
		cmocka_unit_test_setup(test_follows, set_up),
		cmocka_unit_test_setup(test_tcp_is_slow, set_up),
		cmocka_unit_test_setup(test_rival, set_up),
		cmocka_unit_test_setup(test_longer_path, set_up),
		cmocka_unit_test_setup(test_slow_path, set_up),
		cmocka_unit_test_setup(test_outage, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
