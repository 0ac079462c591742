/* SPDX-License-Identifier: ISC */
/* When a refusal comes, by a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "authdelay.h"
#include "monotime.h"

#define MS	INT64_C(1000000)

int64_t	__wrap_monotime_ns(void);
int	__wrap_nanosleep(const struct timespec *, struct timespec *);

static int64_t	 now;
static int	 ninterrupted;

int64_t
__wrap_monotime_ns(void)
{
	return now;
}

int
__wrap_nanosleep(const struct timespec *ts, struct timespec *left)
{
	assert_in_range(ts->tv_nsec, 0, MONOTIME_SECOND - 1);
	if (ninterrupted > 0) {
		ninterrupted--;
		now += ts->tv_nsec / 2;
		left->tv_sec = ts->tv_sec;
		left->tv_nsec = ts->tv_nsec - ts->tv_nsec / 2;
		errno = EINTR;
		return -1;
	}
	now += ts->tv_sec * MONOTIME_SECOND + ts->tv_nsec;
	return 0;
}

/* When the answer comes after so much work. */
static int64_t
refuse(const struct authdelay *d, const char *user, int64_t work)
{
	int64_t since = now;

	now += work;
	authdelay_wait(d, user, since);
	return now - since;
}

static void
test_same_for_all_work(void **state)
{
	struct authdelay d;
	int64_t first;
	char user[16];
	int i;

	authdelay_init(&d, "secret", 6);
	for (i = 0; i < 100; i++) {
		snprintf(user, sizeof(user), "user%d", i);
		first = refuse(&d, user, 0);
		assert_in_range(first, 5 * MS, 9300000);
		assert_int_equal(refuse(&d, user, 253000), first);
		assert_int_equal(refuse(&d, user, 4 * MS), first);
		ninterrupted = 3;
		assert_int_equal(refuse(&d, user, 531000), first);
		assert_int_equal(ninterrupted, 0);
	}
}

static void
test_doubles(void **state)
{
	struct authdelay d;
	int64_t first;

	authdelay_init(&d, "secret", 6);
	first = refuse(&d, "u", 0);
	assert_int_equal(refuse(&d, "u", first), first);
	assert_int_equal(refuse(&d, "u", first + 1), 2 * first);
	assert_int_equal(refuse(&d, "u", 3 * first), 4 * first);
	assert_int_equal(refuse(&d, "u", 4999 * MS) % first, 0);
	assert_int_equal(refuse(&d, "u", 5000 * MS), 5000 * MS);
}

/* Neither the name nor the secret alone say how long it is. */
static void
test_secret(void **state)
{
	struct authdelay d, other;

	authdelay_init(&d, "secret", 6);
	authdelay_init(&other, "secreu", 6);
	assert_int_not_equal(refuse(&d, "u", 0), refuse(&other, "u", 0));
	assert_int_not_equal(refuse(&d, "u", 0), refuse(&d, "v", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_for_all_work),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_secret)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
