/* SPDX-License-Identifier: ISC */
/* Each wait ends at its time, if it was not stopped, whatever others do. */
#include <sys/types.h>
#include <sys/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <event2/event.h>

#include "clock.h"
#include "deadlines.h"

static struct event_base *base;
static struct deadlines all;
static struct deadline wait[4];
static int late[4];

static void
late_cb(void *arg)
{
	struct deadline *w = arg;

	assert_null(w->all);
	late[w - wait]++;
	if (w == &wait[3])
		deadline_stop(&wait[2]);
}

static void
pass(int seconds)
{
	clock_move(seconds * CLOCK_SECOND);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
set(int i)
{
	deadline_set(&wait[i], &all, &wait[i]);
}

static void
test_times(void **state)
{
	base = event_base_new();
	assert_int_equal(deadlines_init(&all, base, 10, late_cb), 0);
	set(0);
	pass(4);
	set(1);
	set(2);
	pass(4);
	assert_int_equal(late[0], 0);
	pass(3);
	assert_int_equal(late[0], 1);
	assert_int_equal(late[1], 0);
	set(2);
	pass(4);
	assert_int_equal(late[1], 1);
	assert_int_equal(late[2], 0);
	deadline_stop(&wait[2]);
	deadline_stop(&wait[2]);
	pass(20);
	assert_int_equal(late[2], 0);
	/* One may stop another. */
	set(3);
	set(2);
	pass(11);
	assert_int_equal(late[3], 1);
	assert_int_equal(late[2], 0);
	set(1);
	deadlines_clear(&all);
	deadlines_clear(&all);
	assert_null(wait[1].all);
	event_base_free(base);
}

static void
test_never(void **state)
{
	base = event_base_new();
	assert_int_equal(deadlines_init(&all, base, 0, late_cb), 0);
	late[0] = 0;
	set(0);
	pass(1000000);
	assert_int_equal(late[0], 0);
	deadlines_clear(&all);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
