/* SPDX-License-Identifier: ISC */
/* Both sets of rules, names and their addresses, hosts without a port. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "conf.h"
#include "destrules.h"
#include "log.h"

#define CONF	"not permitted by rules (PermitOpen)"
#define KEY	"not permitted by rules (permitopen of the key)"
#define OFF	"not permitted by rules (AllowTcpForwarding)"

static struct destrules rules;
static struct destverdict verdict;

static int
setup(void **state)
{
	destrules_init(&rules, 0);
	return 0;
}

static int
teardown(void **state)
{
	destrules_clear(&rules);
	return 0;
}

static void
load(enum destrules_set which, const char *a, const char *b)
{
	char one[64], two[64], *words[] = { one, two };
	struct conf_list list = { words, (a != NULL) + (b != NULL) };

	strlcpy(one, a != NULL ? a : "", sizeof(one));
	strlcpy(two, b != NULL ? b : "", sizeof(two));
	destrules_load(&rules, which, &list);
}

static struct addr
address(const char *host, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host, port), 0);
	return a;
}

static const char *
check(const char *host, uint16_t port)
{
	struct addr a = address(host, port);

	return destrules_check(&rules, &a, 0, &verdict);
}

static const char *
check_host(const char *host)
{
	struct addr a = address(host, 9);

	return destrules_check(&rules, &a, 1, &verdict);
}

static const char *
then_addr(const char *host, uint16_t port)
{
	struct addr a = address(host, port);

	return destrules_check_addr(&rules, &verdict, &a);
}

static void
test_none(void **state)
{
	struct addr any = { .type = ADDR_NONE };

	assert_null(check("name.example", 1));
	assert_null(then_addr("192.0.2.1", 1));
	assert_null(check_host("192.0.2.1"));
	assert_null(destrules_check(&rules, &any, 1, &verdict));
	assert_null(destrules_none(&rules));
	/* An empty list is none. */
	load(DESTRULES_CONF, NULL, NULL);
	assert_null(check("name.example", 1));
	assert_null(destrules_check(&rules, &any, 1, &verdict));
}

static void
test_off(void **state)
{
	destrules_init(&rules, 1);
	assert_string_equal(check("name.example", 1), OFF);
	assert_string_equal(check_host("192.0.2.1"), OFF);
	assert_string_equal(destrules_none(&rules), OFF);
}

static void
test_names(void **state)
{
	load(DESTRULES_CONF, "*.example:80", "192.0.2.0/24:443");
	assert_null(check("a.example", 80));
	assert_null(then_addr("198.51.100.1", 80));
	assert_string_equal(check("a.net", 80), CONF);
	assert_null(check("a.net", 443));
	assert_null(then_addr("192.0.2.9", 443));
	assert_string_equal(then_addr("198.51.100.1", 443), CONF);
	assert_string_equal(check("192.0.2.9", 80), CONF);
	assert_null(check("::ffff:192.0.2.9", 443));
}

static void
test_hosts(void **state)
{
	struct addr any = { .type = ADDR_NONE };

	load(DESTRULES_CONF, "*.example:80", "192.0.2.0/24:443");
	assert_null(check_host("a.example"));
	assert_null(check_host("192.0.2.9"));
	assert_string_equal(check_host("198.51.100.1"), CONF);
	assert_null(check_host("a.net"));
	assert_null(then_addr("192.0.2.9", 1));
	assert_string_equal(then_addr("198.51.100.1", 443), CONF);
	assert_string_equal(destrules_check(&rules, &any, 1, &verdict), CONF);
	load(DESTRULES_CONF, "*:80", NULL);
	assert_null(destrules_check(&rules, &any, 1, &verdict));
	load(DESTRULES_CONF, "*.*:80", "0.0.0.0/0:80");
	assert_string_equal(destrules_check(&rules, &any, 1, &verdict), CONF);
}

static void
test_both(void **state)
{
	load(DESTRULES_CONF, "a.example:80", NULL);
	load(DESTRULES_KEY, "b.example:80", NULL);
	assert_string_equal(check("a.example", 80), KEY);
	assert_string_equal(check("b.example", 80), CONF);
	load(DESTRULES_KEY, "192.0.2.1:80", NULL);
	assert_null(check("a.example", 80));
	assert_null(then_addr("192.0.2.1", 80));
	assert_string_equal(then_addr("192.0.2.2", 80), KEY);
	assert_null(destrules_none(&rules));
	load(DESTRULES_KEY, "none", NULL);
	assert_string_equal(check("a.example", 80), KEY);
	assert_string_equal(check_host("a.example"), KEY);
	assert_string_equal(destrules_none(&rules), KEY);
	load(DESTRULES_KEY, "any", NULL);
	assert_null(check("a.example", 80));
}

/* The answers for datagrams are those of destrules_check, kept or not. */
static void
test_pass(void **state)
{
	char host[32];
	struct addr a;
	int i, round, fresh, nfresh = 0;

	a = address("192.0.2.1", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 1);
	load(DESTRULES_CONF, "192.0.2.0/25:53", "[2001:db8::1]:53");
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 256; i++) {
			snprintf(host, sizeof(host), "192.0.2.%d", i);
			a = address(host, 53);
			assert_int_equal(destrules_pass(&rules, &a, &fresh),
			    i < 128);
			nfresh += fresh;
			a.port = 54;
			assert_int_equal(destrules_pass(&rules, &a, &fresh),
			    0);
		}
	}
	assert_in_range(nfresh, 256, 400);
	a = address("2001:db8::1", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 1);
	a = address("2001:db8::2", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	assert_int_equal(fresh, 1);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	assert_int_equal(fresh, 0);
	/* Other rules, other answers. */
	load(DESTRULES_CONF, "none", NULL);
	a = address("192.0.2.1", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	destrules_clear(&rules);
	destrules_init(&rules, 1);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_none), T(test_off), T(test_names), T(test_hosts),
		T(test_both), T(test_pass)
	};

	log_init("destrules_test", LOG_LEVEL_QUIET, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
