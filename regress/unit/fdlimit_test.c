/* SPDX-License-Identifier: ISC */
/* The limit of descriptors rises to what the system allows. */
#include <sys/types.h>
#include <sys/resource.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fdlimit.h"

static void
test_raise(void **state)
{
	struct rlimit saved, rl;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	rl = saved;
	rl.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_int_equal(fdlimit_raise(), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &rl), 0);
	assert_int_equal(rl.rlim_cur, saved.rlim_max);
	assert_int_equal(rl.rlim_max, saved.rlim_max);
	assert_int_equal(fdlimit_raise(), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
}

/* What new connections leave, of few descriptors and of many. */
static void
test_for_new(void **state)
{
	static const struct {
		rlim_t	limit;
		int	for_new;
	} cases[] = {
		{ 4, 0 }, { 16, 8 }, { 64, 56 }, { 256, 224 }, { 1024, 896 }
	};
	struct rlimit saved, rl;
	size_t i;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rl = saved;
		rl.rlim_cur = cases[i].limit;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
		assert_int_equal(fdlimit_for_new(), cases[i].for_new);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raise),
		cmocka_unit_test(test_for_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
