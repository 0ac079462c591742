/* SPDX-License-Identifier: ISC */
/* The filter of sockstund-signer is the one that its tables say. */
#include "oracle.h"
#include "confine.h"

static int
enter(void)
{
	return confine_enter(-1);
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
