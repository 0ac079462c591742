/* SPDX-License-Identifier: ISC */
/*
 * The sets of rules, names and their addresses, hosts without a port, and what
 * is refused unless it is named.
 */
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
#define DENY	"not permitted by rules (DenyOpen)"

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

	return destrules_check(&rules, &a, DEST_SEND, &verdict);
}

static const char *
check_host(const char *host)
{
	struct addr a = address(host, 9);

	return destrules_check(&rules, &a, DEST_PEER, &verdict);
}

static const char *
check_anybody(void)
{
	static const struct addr anybody = { .type = ADDR_NONE };

	return destrules_check(&rules, &anybody, DEST_PEER, &verdict);
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
	assert_null(check("name.example", 1));
	assert_null(then_addr("192.0.2.1", 1));
	assert_null(check_host("192.0.2.1"));
	assert_null(check_anybody());
	assert_null(destrules_none(&rules));
	/* An empty list is none. */
	load(DESTRULES_CONF, NULL, NULL);
	assert_null(check("name.example", 1));
	assert_null(check_anybody());
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
	load(DESTRULES_CONF, "*.example:80", "192.0.2.0/24:443");
	assert_null(check_host("a.example"));
	assert_null(check_host("192.0.2.9"));
	assert_string_equal(check_host("198.51.100.1"), CONF);
	assert_null(check_host("a.net"));
	assert_null(then_addr("192.0.2.9", 1));
	assert_string_equal(then_addr("198.51.100.1", 443), CONF);
	assert_string_equal(check_anybody(), CONF);
	load(DESTRULES_CONF, "*:80", NULL);
	assert_null(check_anybody());
	load(DESTRULES_CONF, "*.*:80", "0.0.0.0/0:80");
	assert_string_equal(check_anybody(), CONF);
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
	const char *fresh;
	int i, round, nfresh = 0;

	a = address("192.0.2.1", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 1);
	load(DESTRULES_CONF, "192.0.2.0/25:53", "[2001:db8::1]:53");
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 256; i++) {
			snprintf(host, sizeof(host), "192.0.2.%d", i);
			a = address(host, 53);
			assert_int_equal(destrules_pass(&rules, &a, &fresh),
			    i < 128);
			nfresh += fresh != NULL;
			a.port = 54;
			assert_int_equal(destrules_pass(&rules, &a, &fresh),
			    0);
		}
	}
	assert_in_range(nfresh, 128, 200);
	a = address("2001:db8::1", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 1);
	a = address("2001:db8::2", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	assert_string_equal(fresh, CONF);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	assert_null(fresh);
	/* Other rules, other answers. */
	load(DESTRULES_CONF, "none", NULL);
	a = address("192.0.2.1", 53);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	destrules_clear(&rules);
	destrules_init(&rules, 1);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
}

/* DenyOpen comes first, and speaks of the addresses of all names. */
static void
test_deny(void **state)
{
	load(DESTRULES_DENY, "*.bad.example:*", "10.0.0.0/8:1-1023");
	load(DESTRULES_CONF, "a.bad.example:80", "10.0.0.1:*");
	assert_string_equal(check("a.bad.example", 80), DENY);
	assert_string_equal(check("A.BAD.example.", 80), DENY);
	assert_null(check("b.example", 80));
	assert_string_equal(then_addr("10.0.0.1", 80), DENY);
	assert_null(check("10.0.0.1", 1024));
	assert_null(then_addr("10.0.0.1", 1024));
	assert_string_equal(check("10.0.0.1", 80), DENY);
	assert_string_equal(check("::ffff:10.0.0.1", 80), DENY);
	load(DESTRULES_CONF, NULL, NULL);
	assert_null(check("64:ff9b::10.0.0.1", 80));
	assert_string_equal(then_addr("64:ff9b::10.0.0.1", 80), DENY);
	assert_null(then_addr("64:ff9b::11.0.0.1", 80));
	/* Without a port only a rule for all ports counts. */
	assert_null(check_host("10.0.0.1"));
	assert_string_equal(check_host("a.bad.example"), DENY);
	load(DESTRULES_DENY, "10.0.0.0/8:*", NULL);
	assert_null(check_anybody());
	assert_string_equal(then_addr("10.0.0.1", 0), DENY);
	assert_null(then_addr("192.0.2.1", 0));
	assert_null(destrules_none(&rules));
	load(DESTRULES_DENY, "any", NULL);
	assert_string_equal(check("name.example", 1), DENY);
	assert_string_equal(check_anybody(), DENY);
	assert_string_equal(destrules_none(&rules), DENY);
	load(DESTRULES_DENY, "none", NULL);
	assert_null(check("name.example", 1));
}

/* Asks about an address, or about one of a name's. */
static const char *
guard(const char *name, const char *host, uint16_t port)
{
	const char *reason = check(name, port);

	return reason != NULL ? reason : then_addr(host, port);
}

static void
test_guard(void **state)
{
	static const char *const always[] = {
		"169.254.169.254", "fe80::1", "100.100.100.200",
		"fd00:ec2::254", "224.0.0.1", "ff02::1", "255.255.255.255",
		"::ffff:169.254.0.1", "64:ff9b::169.254.169.254"
	};
	static const char *const local[] = {
		"127.0.0.1", "::1", "0.0.0.0", "::", "127.9.8.7", "::127.0.0.1",
		"::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::"
	};
	size_t i;

	destrules_guard(&rules, 0);
	assert_null(guard("192.0.2.1", "192.0.2.1", 80));
	assert_null(guard("2001:db8::1", "2001:db8::1", 80));
	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		assert_non_null(guard(always[i], always[i], 80));
		assert_non_null(guard("name", always[i], 80));
	}
	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		assert_non_null(guard(local[i], local[i], 80));
		assert_non_null(guard("localhost", local[i], 80));
	}
	destrules_clear(&rules);
	destrules_guard(&rules, 1);
	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		assert_non_null(guard(always[i], always[i], 80));
	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		assert_null(guard(local[i], local[i], 80));
}

/* What names an address, and what only permits it. */
static void
test_guard_named(void **state)
{
	static const struct {
		const char	*rule, *host;
		int		 named;
	} tests[] = {
		{ "*:80", "127.0.0.1", 0 }, { "0.0.0.0/0:80", "127.0.0.1", 0 },
		{ "0.0.0.0/1:80", "127.0.0.1", 0 },
		{ "127.0.0.0/8:80", "127.0.0.1", 1 },
		{ "127.0.0.1:80", "127.0.0.1", 1 },
		{ "127.0.0.1:*", "127.0.0.1", 1 },
		{ "127.0.0.1:81", "127.0.0.1", 0 },
		{ "127.0.0.1:80", "127.0.0.2", 0 },
		{ "127.*:80", "127.0.0.2", 1 }, { "12*:80", "127.0.0.2", 0 },
		{ "127.0.0.1:80", "::ffff:127.0.0.1", 1 },
		{ "[::ffff:127.0.0.1]:80", "127.0.0.1", 1 },
		{ "127.0.0.1:80", "64:ff9b::127.0.0.1", 0 },
		{ "[64:ff9b::/96]:80", "64:ff9b::127.0.0.1", 0 },
		{ "[64:ff9b::7f00:0/104]:80", "64:ff9b::127.0.0.1", 1 },
		{ "[::1]:80", "::1", 1 }, { "[::/0]:80", "::1", 0 },
		{ "[::*]:80", "::1", 0 },
		{ "169.0.0.0/8:80", "169.254.169.254", 0 },
		{ "169.254.0.0/16:80", "169.254.169.254", 1 },
		{ "169.254.169.254:80", "169.254.169.254", 1 },
		{ "[fe80::/10]:80", "fe80::1", 1 },
		{ "[fe80:*]:80", "fe80::1", 1 }, { "[f*:*]:80", "fe80::1", 0 },
		{ "[fd00::/8]:80", "fd00:ec2::254", 0 },
		{ "[fd00:ec2::/32]:80", "fd00:ec2::254", 1 },
		{ "100.64.0.0/10:80", "100.100.100.200", 0 },
		{ "100.100.100.200:80", "100.100.100.200", 1 },
		{ "224.0.0.0/4:80", "239.1.2.3", 1 },
		{ "255.255.255.255:80", "255.255.255.255", 1 },
		{ "localhost:80", "127.0.0.1", 1 },
		{ "localhost:80", "::1", 1 },
		{ "localhost:80", "169.254.0.1", 0 },
		{ "localhost:81", "127.0.0.1", 0 },
		{ "l*:80", "127.0.0.1", 0 }
	};
	size_t i;
	int got;

	destrules_guard(&rules, 0);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		load(DESTRULES_CONF, tests[i].rule, NULL);
		got = guard("localhost", tests[i].host, 80) == NULL;
		if (got != tests[i].named)
			fail_msg("rule %s, address %s: %d", tests[i].rule,
			    tests[i].host, got);
	}
	/* A name that somebody else can give an address to means none. */
	load(DESTRULES_CONF, "name.example:80", NULL);
	assert_non_null(guard("name.example", "127.0.0.1", 80));
	/* A key narrows what the configuration permits, it never widens it. */
	load(DESTRULES_CONF, NULL, NULL);
	load(DESTRULES_KEY, "127.0.0.1:80", "localhost:80");
	assert_non_null(guard("127.0.0.1", "127.0.0.1", 80));
	assert_non_null(guard("localhost", "127.0.0.1", 80));
}

static void
test_guard_reasons(void **state)
{
	destrules_guard(&rules, 0);
	assert_string_equal(guard("name", "127.0.0.1", 80),
	    "127.0.0.1 is this host's own address; \"PermitLocal yes\" or "
	    "\"PermitOpen 127.0.0.1:80 *:*\" would allow it");
	load(DESTRULES_CONF, "*:*", NULL);
	assert_string_equal(guard("name", "fe80::1", 80),
	    "fe80::1 is a link-local address; \"PermitOpen [fe80::1]:80\" "
	    "would allow it");
	assert_null(check_host("224.0.0.1"));
	assert_string_equal(then_addr("224.0.0.1", 0),
	    "224.0.0.1 is a multicast address; \"PermitOpen 224.0.0.1:*\" "
	    "would allow it");
	/* Without a way to ask, nothing is taken for another host. */
	localaddr_close(&rules.local);
	assert_string_equal(guard("name", "192.0.2.1", 80),
	    "192.0.2.1 may be this host's own address; \"PermitLocal yes\" "
	    "or \"PermitOpen 192.0.2.1:80\" would allow it");
	rules.permit_local = 1;
	assert_null(guard("name", "192.0.2.1", 80));
}

/* Who is to come, and what is only told. */
static void
test_guard_uses(void **state)
{
	struct addr a = address("127.0.0.1", 0);

	destrules_guard(&rules, 0);
	assert_null(check_anybody());
	assert_null(then_addr("192.0.2.1", 0));
	assert_non_null(then_addr("127.0.0.1", 0));
	load(DESTRULES_CONF, "*:*", "127.0.0.0/8:7");
	assert_null(check_anybody());
	assert_null(then_addr("127.0.0.1", 0));
	assert_non_null(then_addr("169.254.0.1", 0));
	load(DESTRULES_CONF, NULL, NULL);
	assert_null(destrules_check(&rules, &a, DEST_TELL, &verdict));
	assert_null(destrules_check_addr(&rules, &verdict, &a));
}

static void
test_guard_pass(void **state)
{
	struct addr a = address("127.0.0.1", 53);
	const char *fresh;

	destrules_guard(&rules, 0);
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	assert_non_null(strstr(fresh, "127.0.0.1 is this host's own"));
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	assert_null(fresh);
	/* What was said is forgotten after a while. */
	rules.permit_local = 1;
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 0);
	rules.cached_until = 0;
	assert_int_equal(destrules_pass(&rules, &a, &fresh), 1);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_none), T(test_off), T(test_names), T(test_hosts),
		T(test_both), T(test_pass), T(test_deny), T(test_guard),
		T(test_guard_named), T(test_guard_reasons),
		T(test_guard_uses), T(test_guard_pass)
	};

	log_init("destrules_test", LOG_LEVEL_QUIET, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
