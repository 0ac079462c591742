/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "remembered.h"
#include "targets.h"

static struct cliconf confs[4];
static struct targets all;

static const char *
current(void)
{
	return targets_current(&all)->conf->hostname;
}

static int
set_up(void **state)
{
	static char names[][2] = { "a", "b", "c", "d" };
	int i;

	for (i = 0; i < 4; i++) {
		cliconf_init(&confs[i]);
		confs[i].hostname = names[i];
		confs[i].port = 22;
	}
	memset(&all, 0, sizeof(all));
	targets_set(&all, &confs[0], &confs[1], 2);
	return 0;
}

static int
tear_down(void **state)
{
	targets_clear(&all);
	return 0;
}

/* The next one that gets a turn, as an attempt with it begins. */
static const char *
turn(void)
{
	if (!targets_next(&all, 2))
		return "";
	targets_current(&all)->tried = 1;
	return current();
}

static void
test_turns(void **state)
{
	assert_string_equal(turn(), "a");
	assert_string_equal(turn(), "b");
	assert_string_equal(turn(), "c");
	assert_string_equal(turn(), "");
	assert_int_equal(targets_pause(&all, 2), TARGETS_SOME);
	/* Who served last comes first. */
	assert_string_equal(turn(), "c");
	assert_string_equal(turn(), "a");
}

static void
test_out_of_turn(void **state)
{
	turn();
	targets_current(&all)->denials = 2;
	turn();
	targets_current(&all)->other_key = 1;
	assert_int_equal(targets_pause(&all, 2), TARGETS_SOME);
	assert_string_equal(turn(), "c");
	targets_current(&all)->denials = 2;
	assert_string_equal(turn(), "");
	assert_int_equal(targets_pause(&all, 2), TARGETS_OTHER_KEYS);
	targets_forgive(&all);
	assert_string_equal(turn(), "c");
	assert_string_equal(turn(), "a");
}

static void
test_none(void **state)
{
	while (*turn() != '\0')
		targets_current(&all)->denials = 2;
	assert_int_equal(targets_pause(&all, 2), TARGETS_NONE);
	assert_int_equal(targets_pause(&all, 3), TARGETS_SOME);
}

/* Other configurations: what is remembered of the same target stays. */
static void
test_set(void **state)
{
	turn();
	turn();
	remembered_set_agent_key(targets_current(&all)->remembered, "AAAA");
	targets_set(&all, &confs[3], &confs[0], 2);
	assert_string_equal(current(), "b");
	assert_string_equal(remembered_agent_key(
	    targets_current(&all)->remembered), "AAAA");
	assert_null(remembered_agent_key(all.list[0].remembered));
	targets_set(&all, &confs[3], NULL, 0);
	assert_string_equal(current(), "d");
	assert_null(remembered_agent_key(
	    targets_current(&all)->remembered));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_turns, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_out_of_turn, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_set, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
