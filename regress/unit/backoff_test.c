/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backoff.h"

/* From half a second to half a minute, a quarter more or less. */
static void
test_doubles(void **state)
{
	struct backoff b;
	int i, ms, due = 500;

	backoff_reset(&b);
	for (i = 0; i < 12; i++) {
		ms = backoff_next(&b);
		assert_in_range(ms, due * 3 / 4, due * 5 / 4);
		due = due * 2 < 30000 ? due * 2 : 30000;
	}
	backoff_reset(&b);
	assert_in_range(backoff_next(&b), 375, 625);
}

/* Two clients that begin together do not stay together. */
static void
test_varies(void **state)
{
	struct backoff b;
	int i, first, same = 0;

	backoff_reset(&b);
	first = backoff_next(&b);
	for (i = 0; i < 20; i++) {
		backoff_reset(&b);
		same += backoff_next(&b) == first;
	}
	assert_in_range(same, 0, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_varies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
