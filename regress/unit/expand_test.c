/* SPDX-License-Identifier: ISC */
/* Which names of hosts and users may reach a shell. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expand.h"

static void
test_valid_host(void **state)
{
	assert_true(expand_safe_host("host.example.com"));
	assert_true(expand_safe_host("2001:db8::1"));
	assert_true(expand_safe_host("fe80::1%eth0"));
	assert_false(expand_safe_host(""));
	assert_false(expand_safe_host("-oProxyCommand=x"));
	assert_false(expand_safe_host("a b"));
	assert_false(expand_safe_host("a;b"));
	assert_false(expand_safe_host("$(id)"));
	assert_false(expand_safe_host("`id`"));
	assert_false(expand_safe_host("a\nb"));
	assert_false(expand_safe_host("a'b"));
	assert_false(expand_safe_host("a|b"));
	assert_false(expand_safe_host("a,b"));
}

static void
test_valid_user(void **state)
{
	assert_true(expand_safe_user("alice"));
	assert_true(expand_safe_user("DOM\\alice"));
	assert_true(expand_safe_user("a b@realm"));
	assert_false(expand_safe_user(""));
	assert_false(expand_safe_user("-l"));
	assert_false(expand_safe_user("a -o"));
	assert_false(expand_safe_user("a\\"));
	assert_false(expand_safe_user("a'b"));
	assert_false(expand_safe_user("a`b"));
	assert_false(expand_safe_user("$(id)"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_host),
		cmocka_unit_test(test_valid_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
