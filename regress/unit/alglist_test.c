/* SPDX-License-Identifier: ISC */
/* Lists of algorithms: what + - ^ and patterns make of a default list. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alglist.h"

#define DEFAULT	"a1,a2,b"
#define KNOWN	"a1,a2,b,c1,c2,a1-long"

static void
check(const char *spec, const char *known, const char *want)
{
	char unknown[16] = "none", *list;

	list = alglist_resolve(spec, DEFAULT, known, unknown,
	    sizeof(unknown));
	assert_non_null(list);
	assert_string_equal(list, want);
	assert_string_equal(unknown, "none");
	free(list);
}

static void
test_prefixes(void **state)
{
	const char *known[] = { NULL, KNOWN };
	size_t i;

	for (i = 0; i < 2; i++) {
		check("c1,b", known[i], "c1,b");
		check("b,b,a1", known[i], "b,a1");
		check("+c2,c1", known[i], "a1,a2,b,c2,c1");
		check("+a1,c1,c1", known[i], "a1,a2,b,c1");
		check("-a1", known[i], "a2,b");
		check("-a1,b", known[i], "a2");
		check("-a?", known[i], "b");
		check("-*", known[i], "");
		check("-c1", known[i], "a1,a2,b");
		check("^b,c1", known[i], "b,c1,a1,a2");
	}
	check("", NULL, "");
	check("+", NULL, DEFAULT);
	check("-", NULL, DEFAULT);
	check("c3,,c3,", NULL, "c3");
}

/* Patterns add known names only; without those they are names. */
static void
test_patterns(void **state)
{
	check("+c*", KNOWN, "a1,a2,b,c1,c2");
	check("^c*", KNOWN, "c1,c2,a1,a2,b");
	check("*", KNOWN, KNOWN);
	check("c*,a?", KNOWN, "c1,c2,a1,a2");
	check("+c*", NULL, "a1,a2,b,c*");
}

static void
check_unknown(const char *spec, const char *want)
{
	char unknown[4];

	assert_null(alglist_resolve(spec, DEFAULT, KNOWN, unknown,
	    sizeof(unknown)));
	assert_string_equal(unknown, want);
}

static void
test_unknown(void **state)
{
	check_unknown("x", "x");
	check_unknown("a1,x,y", "x");
	check_unknown("+x", "x");
	check_unknown("-a1,x", "x");
	check_unknown("^a1,toolong", "too");
	check_unknown("-x*", "x*");
	check_unknown("A1", "A1");
	check_unknown("a", "a");
}

static void
test_contains(void **state)
{
	assert_true(alglist_contains("a,bc,d", "bc"));
	assert_true(alglist_contains("a", "a"));
	assert_true(alglist_contains("a,", "a"));
	assert_false(alglist_contains("", "a"));
	assert_false(alglist_contains("ab,bc", "b"));
	assert_false(alglist_contains("a-etm", "a"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_contains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
