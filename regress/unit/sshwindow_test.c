/* SPDX-License-Identifier: ISC */
/* A window grows with a flow that it holds up, and with no other. */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sshwindow.h"

#define BASE	((size_t)1280000)
#define MAX	((size_t)16 * 1024 * 1024)
#define STOCK	((size_t)6 * 1024 * 1024)
#define BUDGET	((size_t)64 * 1024 * 1024)
#define TRIP	100

int64_t __wrap_monotime_ns(void);

static int64_t now;
static struct sshwindows all;
static struct sshwindow window;

int64_t
__wrap_monotime_ns(void)
{
	return now;
}

static int
setup(void **state)
{
	now = 1000;
	memset(&all, 0, sizeof(all));
	all.grow = 1;
	all.budget = BUDGET;
	sshwindow_note_trip(&all, TRIP + 1);
	sshwindow_note_trip(&all, TRIP);
	sshwindow_note_trip(&all, TRIP + 2);
	sshwindow_init(&window);
	return 0;
}

/* A whole window is read in so much time; returns what is announced. */
static size_t
read_window(struct sshwindow *w, int64_t time)
{
	assert_false(sshwindow_consumed(w, &all, 1, 0));
	now += time;
	assert_true(sshwindow_consumed(w, &all, w->size - 1, 0));
	return sshwindow_review(w, &all);
}

/* A stock server's grows less, and is halved when it takes many trips. */
static void
test_stock(void **state)
{
	int i;

	for (i = 0; i < 10; i++)
		read_window(&window, TRIP);
	assert_int_equal(window.size, STOCK);
	assert_int_equal(all.used, STOCK - BASE);
	read_window(&window, 7 * TRIP);
	assert_int_equal(window.size, STOCK / 2);
	assert_int_equal(all.used, STOCK / 2 - BASE);
	/* It stays so. */
	for (i = 0; i < 10; i++)
		read_window(&window, TRIP);
	assert_int_equal(window.size, STOCK / 2);
	sshwindow_clear(&window, &all);
	assert_int_equal(all.used, 0);
}

static void
test_doubles(void **state)
{
	size_t announced;

	all.eager = 1;
	assert_int_equal(read_window(&window, 2 * TRIP), 2 * BASE);
	assert_int_equal(all.used, BASE);
	assert_int_equal(window.charge, BASE);
	while (window.size < MAX) {
		announced = read_window(&window, TRIP);
		assert_int_equal(announced, window.size);
	}
	assert_int_equal(window.size, MAX);
	assert_int_equal(all.used, MAX - BASE);
	assert_int_equal(read_window(&window, TRIP), MAX);
	assert_int_equal(all.used, MAX - BASE);
	sshwindow_clear(&window, &all);
	assert_int_equal(all.used, 0);
}

/* Not held up: it is libssh that raises the window. */
static void
test_unhurried(void **state)
{
	assert_int_equal(read_window(&window, 2 * TRIP + 1), 0);
	assert_int_equal(window.size, BASE);
	assert_int_equal(all.used, 0);
}

/* A larger window is announced anew as it is used up. */
static void
test_raised_in_steps(void **state)
{
	size_t step;

	read_window(&window, TRIP);
	step = window.size / 8;
	assert_false(sshwindow_consumed(&window, &all, step - 1, 0));
	assert_true(sshwindow_consumed(&window, &all, 1, 0));
	assert_int_equal(sshwindow_review(&window, &all), 2 * BASE);
	assert_false(sshwindow_consumed(&window, &all, 1, 0));
}

/* A reader that falls behind gets no more, and gives back what it had. */
static void
test_slow_reader(void **state)
{
	read_window(&window, TRIP);
	assert_true(sshwindow_consumed(&window, &all, window.size / 8,
	    window.size / 8 + 1));
	assert_int_equal(sshwindow_review(&window, &all), 0);
	assert_int_equal(window.size, 2 * BASE);
	assert_true(sshwindow_consumed(&window, &all, window.size, 0));
	assert_int_equal(sshwindow_review(&window, &all), 0);
	assert_int_equal(window.size, BASE);
	assert_int_equal(all.used, 0);
	assert_int_equal(read_window(&window, TRIP), 2 * BASE);
}

/* Windows of one session grow within one budget. */
static void
test_budget(void **state)
{
	struct sshwindow other;

	sshwindow_init(&other);
	all.budget = 2 * BASE;
	assert_int_equal(read_window(&window, TRIP), 2 * BASE);
	assert_int_equal(read_window(&other, TRIP), 2 * BASE);
	assert_int_equal(all.used, all.budget);
	assert_int_equal(read_window(&window, TRIP), 2 * BASE);
	sshwindow_clear(&other, &all);
	assert_int_equal(all.used, BASE);
}

/* Without a round trip to go by, it is the peer that decides. */
static void
test_no_trip(void **state)
{
	all.trip = 0;
	assert_int_equal(read_window(&window, TRIP), 0);
	all.eager = 1;
	assert_int_equal(read_window(&window, 1000 * TRIP), 2 * BASE);
}

/* A libssh whose window is fixed is left alone. */
static void
test_fixed(void **state)
{
	all.grow = 0;
	assert_false(sshwindow_consumed(&window, &all, 100 * BASE, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_stock, setup),
		cmocka_unit_test_setup(test_doubles, setup),
		cmocka_unit_test_setup(test_unhurried, setup),
		cmocka_unit_test_setup(test_raised_in_steps, setup),
		cmocka_unit_test_setup(test_slow_reader, setup),
		cmocka_unit_test_setup(test_budget, setup),
		cmocka_unit_test_setup(test_no_trip, setup),
		cmocka_unit_test_setup(test_fixed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
