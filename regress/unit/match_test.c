/* SPDX-License-Identifier: ISC */
/* Patterns, networks, address lists and users. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "addr.h"
#include "match.h"

static struct addr
parse(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, text, 0), 0);
	return a;
}

static void
test_pattern(void **state)
{
	static const struct {
		const char	*s, *pattern;
		int		 want;
	} tests[] = {
		{ "", "", 1 }, { "", "*", 1 }, { "", "?", 0 }, { "", "a", 0 },
		{ "a", "", 0 }, { "abc", "abc", 1 }, { "abc", "abd", 0 },
		{ "abc", "ABC", 0 }, { "abc", "a?c", 1 }, { "ac", "a?c", 0 },
		{ "abc", "a*", 1 }, { "abc", "*c", 1 }, { "abc", "*b", 0 },
		{ "abcabd", "*ab?", 1 }, { "aab", "*ab", 1 },
		{ "mississippi", "m*iss*ip*", 1 },
		{ "mississippi", "m*iss*ipx*", 0 },
		{ "a*b", "a*b", 1 }, { "abc", "***", 1 }, { "abc", "a**?", 1 },
		{ "abc", "abc?", 0 }, { "abc", "abc*", 1 }, { "x", "**?*", 1 }
	};
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (match_pattern(tests[i].s, tests[i].pattern) !=
		    tests[i].want)
			fail_msg("\"%s\" against \"%s\"", tests[i].s,
			    tests[i].pattern);
	}
}

/* A pattern that makes a recursive matcher run for years. */
static void
test_pattern_cost(void **state)
{
	char s[1001], pattern[202];
	time_t start = time(NULL);
	size_t i;

	memset(s, 'a', 1000);
	s[1000] = '\0';
	for (i = 0; i < 200; i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + 200, "b", 2);
	for (i = 0; i < 20; i++)
		assert_int_equal(match_pattern(s, pattern), 0);
	assert_true(time(NULL) - start < 5);
}

static void
test_pattern_list(void **state)
{
	assert_int_equal(match_pattern_list("b", "a,b", 0), 1);
	assert_int_equal(match_pattern_list("c", "a,b", 0), 0);
	assert_int_equal(match_pattern_list("c", "", 0), 0);
	assert_int_equal(match_pattern_list("", "", 0), 0);
	assert_int_equal(match_pattern_list("ab", "*,!a*", 0), -1);
	assert_int_equal(match_pattern_list("ab", "!a*,*", 0), -1);
	assert_int_equal(match_pattern_list("ba", "!a*,*", 0), 1);
	assert_int_equal(match_pattern_list("ba", "!a*", 0), 0);
	assert_int_equal(match_pattern_list("AB", "ab", 0), 0);
	assert_int_equal(match_pattern_list("AB", "ab", 1), 1);
	assert_int_equal(match_pattern_list("a", ",,a,", 0), 1);
	assert_int_equal(match_pattern_list("x", ",,a,!", 0), 0);
	assert_int_equal(match_hostname("WWW.Example.com", "*.EXAMPLE.com"),
	    1);
	assert_int_equal(match_hostname("example.com", "*.example.com"), 0);
	assert_int_equal(match_hostname("a.b", "*.b,!A.*"), -1);
}

static void
test_cidr(void **state)
{
	static const struct {
		const char	*addr, *net;
		int		 want;
	} tests[] = {
		{ "10.1.2.3", "10.0.0.0/8", 1 },
		{ "11.1.2.3", "10.0.0.0/8", 0 },
		{ "10.0.0.1", "10.0.0.1", 1 }, { "10.0.0.1", "10.0.0.1/32", 1 },
		{ "10.0.0.2", "10.0.0.1/32", 0 }, { "1.2.3.4", "0.0.0.0/0", 1 },
		{ "10.0.0.129", "10.0.0.128/25", 1 },
		{ "10.0.0.127", "10.0.0.128/25", 0 },
		{ "::ffff:10.9.9.9", "10.0.0.0/8", 1 },
		{ "10.200.9.9", "::ffff:10.0.0.0/104", 1 },
		{ "11.9.9.9", "::ffff:10.0.0.0/104", 0 },
		{ "10.9.9.9", "::/0", 0 }, { "::1", "0.0.0.0/0", 0 },
		{ "2001:db8::1", "2001:db8::/32", 1 },
		{ "2001:db9::1", "2001:db8::/32", 0 },
		{ "2001:db8::1", "2001:db8::1/128", 1 },
		{ "2001:db8:7fff::", "2001:db8::/33", 1 },
		{ "2001:db8:8000::", "2001:db8::/33", 0 },
		{ "name", "0.0.0.0/0", 0 }, { "name", "::/0", 0 },
		{ "10.0.0.1", "10.0.0.1/8", -1 },
		{ "10.0.0.1", "10.0.0.0/33", -1 }, { "::1", "::/129", -1 },
		{ "10.0.0.1", "10.0.0.0/", -1 },
		{ "10.0.0.1", "10.0.0.0/-1", -1 },
		{ "10.0.0.1", "10.0.0.0/8/8", -1 },
		{ "10.0.0.1", "10.0.0.0/ 8", -1 },
		{ "10.0.0.1", "10.0.0.0/0008", -1 },
		{ "10.0.0.1", "10.0.0/8", -1 }, { "10.0.0.1", "", -1 },
		{ "10.0.0.1", "/8", -1 }, { "10.0.0.1", "name", -1 },
		{ "10.0.0.1", "*", -1 }, { "::1", "[::1]", -1 },
		{ "::1", "::1%lo/128", -1 }
	};
	struct addr a;
	size_t i;
	int r;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		a = parse(tests[i].addr);
		if ((r = match_cidr(&a, tests[i].net)) != tests[i].want)
			fail_msg("%s in %s: %d", tests[i].addr, tests[i].net,
			    r);
	}
}

static void
test_addr_list(void **state)
{
	static const struct {
		const char	*addr, *name, *list;
		int		 want;
	} tests[] = {
		{ "10.0.0.1", NULL, "10.0.0.0/8", 1 },
		{ "10.0.0.1", NULL, "192.0.2.1,10.0.0.1", 1 },
		{ "10.0.0.1", NULL, "10.0.0.0/8,!10.0.0.1", -1 },
		{ "10.0.0.1", NULL, "!10.0.0.1,*", -1 },
		{ "10.0.0.1", NULL, "!10.0.0.2", 0 },
		{ "10.0.0.2", NULL, "!10.0.0.1,*", 1 },
		{ "10.0.0.1", NULL, "10.0.?.*", 1 },
		{ "::ffff:10.0.0.1", NULL, "10.0.0.*", 1 },
		{ "2001:db8::1", NULL, "2001:DB8:0::1", 1 },
		{ "2001:db8::1", NULL, "2001:DB8:*", 1 },
		{ "10.0.0.1", NULL, "*.example.com", 0 },
		{ "10.0.0.1", "a.Example.com", "*.example.com", 1 },
		{ "10.0.0.1", "a.example.com", "10.0.0.1,!a.*", -1 },
		{ "10.0.0.1", NULL, "", -2 },
		{ "10.0.0.1", NULL, "10.0.0.1,", -2 },
		{ "10.0.0.1", NULL, "10.0.0.1,!", -2 },
		{ "10.0.0.1", NULL, "10.0.0.1,10.0.0.1/8", -2 },
		{ "10.0.0.1", NULL, "*,!10.0.0.0/33", -2 },
		{ NULL, NULL, "*,!10.0.0.0/8,name", 0 },
		{ NULL, NULL, "*,10.0.0.0/33", -2 }
	};
	struct addr a;
	size_t i;
	int r;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (tests[i].addr != NULL)
			a = parse(tests[i].addr);
		r = match_addr_list(tests[i].addr == NULL ? NULL : &a,
		    tests[i].name, tests[i].list);
		if (r != tests[i].want)
			fail_msg("%zu: \"%s\": %d", i, tests[i].list, r);
	}
}

static void
test_addr_list_long(void **state)
{
	struct addr a = parse("10.0.0.1");
	char list[2001];

	memset(list, '1', 2000);
	list[2000] = '\0';
	assert_int_equal(match_addr_list(&a, NULL, list), 0);
	memcpy(list + 1000, ",*,", 3);
	assert_int_equal(match_addr_list(&a, NULL, list), 1);
	list[500] = '/';
	assert_int_equal(match_addr_list(&a, NULL, list), -2);
}

static void
test_user(void **state)
{
	struct addr a = parse("10.0.0.1");

	assert_int_equal(match_user("alice", "alice", NULL, &a), 1);
	assert_int_equal(match_user("alice", "Alice", NULL, &a), 0);
	assert_int_equal(match_user("alice", "al*", NULL, &a), 1);
	assert_int_equal(match_user("alice", "bob", NULL, &a), 0);
	assert_int_equal(match_user("alice", "alice@10.0.0.0/8", NULL, &a), 1);
	assert_int_equal(match_user("alice", "bob@10.0.0.0/8", NULL, &a), 0);
	assert_int_equal(match_user("alice", "alice@192.0.2.*", NULL, &a), 0);
	assert_int_equal(match_user("alice", "a*@host", "HOST", &a), 1);
	assert_int_equal(match_user("alice", "a*@*,!10.0.0.1", NULL, &a), 0);
	assert_int_equal(match_user("alice", "alice@", NULL, &a), -1);
	assert_int_equal(match_user("alice", "bob@10.0.0.1/8", NULL, &a), -1);
	assert_int_equal(match_user("a@b", "a@b@10.*", NULL, &a), 1);
	assert_int_equal(match_user("", "@10.0.0.1", NULL, &a), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pattern),
		cmocka_unit_test(test_pattern_cost),
		cmocka_unit_test(test_pattern_list),
		cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_addr_list),
		cmocka_unit_test(test_addr_list_long),
		cmocka_unit_test(test_user)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
