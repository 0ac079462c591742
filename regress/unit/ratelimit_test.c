/* SPDX-License-Identifier: ISC */
/* So many a second, and a count of the others. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monotime.h"
#include "ratelimit.h"

#define START	(100 * MONOTIME_SECOND)

/* So many of n tries at one moment pass. */
static void
check(struct ratelimit *r, int64_t now, int n, int pass)
{
	int i;

	for (i = 0; i < n; i++)
		assert_int_equal(ratelimit_pass(r, now), i < pass);
}

static void
test_rate(void **state)
{
	struct ratelimit r;

	ratelimit_init(&r, 3);
	check(&r, START, 10, 3);
	check(&r, START + MONOTIME_SECOND - 1, 5, 0);
	assert_int_equal(ratelimit_take(&r), 12);
	assert_int_equal(ratelimit_take(&r), 0);
	check(&r, START + MONOTIME_SECOND, 2, 2);
	check(&r, START + MONOTIME_SECOND + 1, 2, 1);
	check(&r, START + 9 * MONOTIME_SECOND, 5, 3);
	assert_int_equal(ratelimit_take(&r), 3);
}

static void
test_nothing(void **state)
{
	struct ratelimit r;

	ratelimit_init(&r, 0);
	check(&r, START, 3, 0);
	assert_int_equal(ratelimit_take(&r), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
