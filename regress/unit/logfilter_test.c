/* SPDX-License-Identifier: ISC */
/* The filter of the logger is the one that its tables say. */
#include "oracle.h"
#include "logfilter.h"

static int
enter(void)
{
	return logfilter_enter();
}

static void
test_filter(void **state)
{
	oracle_check(enter);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
