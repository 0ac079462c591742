/* SPDX-License-Identifier: ISC */
/* Rules over destinations: what is permitted, asked again, refused. */
#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "ruleset.h"

static struct addr
destination(const char *dst)
{
	char text[ADDR_STRLEN], *host, *port;
	struct addr a;

	strlcpy(text, dst, sizeof(text));
	host = addr_split_hostport(text, &port);
	if (addr_parse_host(&a, host, atoi(port)) == -1)
		fail_msg("destination \"%s\" is refused", dst);
	return a;
}

static int
check(const char *rule, const char *dst)
{
	struct addr a = destination(dst);
	struct ruleset *rs;
	int v;

	assert_non_null(rs = ruleset_new());
	if (ruleset_add(rs, rule) == -1)
		fail_msg("rule \"%s\" is refused", rule);
	v = (int)ruleset_check(rs, &a);
	ruleset_free(rs);
	return v;
}

static void
test_verdicts(void **state)
{
	enum { D = RULESET_DENY, P = RULESET_PERMIT, A = RULESET_ASK_ADDR };
	static const struct {
		const char	*rule, *dst;
		int		 want;
	} tests[] = {
		{ "*:*", "name:1", P }, { "*:*", "10.0.0.1:65535", P },
		{ "*:*", "[::1]:0", P }, { "*:80", "name:80", P },
		{ "*:80", "name:81", D }, { "*:80", "10.0.0.1:81", D },
		{ "2*:443", "200.1.1.1:443", P },
		{ "2*:443", "[2001:db8::1]:443", D },
		{ "*.lan:80", "[fe80::1%eth0.lan]:80", D },
		{ "db:5432", "DB:5432", P }, { "db:5432", "db2:5432", D },
		{ "db:5432", "db:5433", D }, { "db:5432", "10.0.0.1:5432", D },
		{ "*.example.com:443", "www.Example.com:443", P },
		{ "*.example.com:443", "example.com:443", D },
		{ "*.example.com:443", "10.0.0.1:443", D },
		{ "10.0.0.1:22", "10.0.0.1:22", P },
		{ "10.0.0.1:22", "10.0.0.2:22", D },
		{ "10.0.0.1:22", "name:22", A },
		{ "10.0.0.1:22", "name:23", D },
		{ "10.0.0.1:22", "[::ffff:10.0.0.1]:22", P },
		{ "[::ffff:10.0.0.1]:22", "10.0.0.1:22", P },
		{ "10.0.0.0/8:1-1023", "10.9.8.7:1023", P },
		{ "10.0.0.0/8:1-1023", "10.9.8.7:1024", D },
		{ "10.0.0.0/8:1-1023", "[::ffff:10.9.8.7]:7", P },
		{ "10.0.0.0/8:1-1023", "name:7", A },
		{ "10.0.0.0/8:1-1023", "name:1024", D },
		{ "[2001:db8::/32]:*", "[2001:db8::9]:9", P },
		{ "[2001:db8::/32]:*", "[2001:db9::9]:9", D },
		{ "[2001:db8::/32]:*", "10.0.0.1:9", D },
		{ "[::1]:80", "[0:0::1]:80", P },
		{ "[2001:db8:*]:80", "[2001:db8::1]:80", P },
		{ "[2001:db8:*]:80", "name:80", A },
		{ "10.0.0.*:80", "10.0.0.44:80", P },
		{ "10.0.0.*:80", "[::ffff:10.0.0.44]:80", P },
		{ "10.0.0.*:80", "10.0.1.44:80", D },
		{ "10.0.0.*:80", "10.0.0.1.example.org:80", A },
		{ "10.0.0.*:80", "10.0.0.x:80", A },
		{ "h?st:80", "host:80", P }, { "h?st:80", "hoost:80", D }
	};
	size_t i;
	int v;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		v = check(tests[i].rule, tests[i].dst);
		if (v != tests[i].want)
			fail_msg("rule %s, destination %s: %d",
			    tests[i].rule, tests[i].dst, v);
	}
}

static void
test_bad(void **state)
{
	static const char *const bad[] = {
		"", ":", "host", "host:", ":80", "host:0", "host:65536",
		"host:-", "host:1-", "host:-1", "host:2-1", "host:1-2-3",
		"host:0-5", "host:**", "host:http", "host: 80", "ho st:80",
		"[::1]", "[]:80", "[::1:80", "::1:80", "::1]:80", "[host]:80",
		"[10.0.0.1]:80", "[::1]x:80", "a:b:80", "10.0.0.0/33:80",
		"10.0.0.1/8:80", "10.0.0.0/:80", "name/8:80", "[::/129]:80",
		"[2001:zz*]:80", "!host:80", "a,b:80", "[*]:80", "none",
		"[fe80::1%lo]:80", "host:000001", "h\001st:80"
	};
	char big[700];
	struct ruleset *rs;
	size_t i;

	assert_non_null(rs = ruleset_new());
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		if (ruleset_add(rs, bad[i]) != -1)
			fail_msg("rule \"%s\" is taken", bad[i]);
		assert_int_equal(errno, EINVAL);
	}
	memset(big, '*', sizeof(big));
	memcpy(big, "[::", 3);
	strlcpy(big + 600, "]:80", sizeof(big) - 600);
	assert_int_equal(ruleset_add(rs, big), -1);
	assert_int_equal(ruleset_count(rs), 0);
	ruleset_free(rs);
	ruleset_free(NULL);
}

static void
test_sets(void **state)
{
	struct addr a = { .type = ADDR_NONE };
	struct ruleset *rs;

	assert_non_null(rs = ruleset_new());
	assert_int_equal(ruleset_check(rs, &a), RULESET_DENY);
	assert_int_equal(addr_parse_host(&a, "name", 22), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_PERMIT);

	assert_int_equal(ruleset_add(rs, "other:22"), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_DENY);
	assert_int_equal(ruleset_add(rs, "10.0.0.0/8:*"), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_ASK_ADDR);
	assert_int_equal(ruleset_add(rs, "other:*"), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_ASK_ADDR);
	assert_int_equal(ruleset_add(rs, "name:22"), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_PERMIT);
	assert_int_equal(ruleset_add(rs, "192.0.2.1:*"), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_PERMIT);

	assert_int_equal(ruleset_count(rs), 5);
	assert_string_equal(ruleset_get(rs, 1), "10.0.0.0/8:*");
	assert_null(ruleset_get(rs, 5));
	assert_int_equal(ruleset_add_none(rs), 0);
	assert_string_equal(ruleset_get(rs, 5), "none");
	assert_int_equal(ruleset_check(rs, &a), RULESET_DENY);
	ruleset_free(rs);
}

static void
test_none(void **state)
{
	struct ruleset *rs;
	struct addr a;

	assert_non_null(rs = ruleset_new());
	assert_int_equal(ruleset_add_none(rs), 0);
	assert_int_equal(ruleset_count(rs), 1);
	assert_int_equal(addr_parse_host(&a, "name", 22), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_DENY);
	assert_int_equal(ruleset_add(rs, "*:*"), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_DENY);
	assert_int_equal(addr_parse_host(&a, "10.0.0.1", 22), 0);
	assert_int_equal(ruleset_check(rs, &a), RULESET_DENY);
	ruleset_free(rs);
}

/* A host without a port: any port of a rule will do. */
static void
test_hosts(void **state)
{
	static const struct {
		const char		*host;
		enum ruleset_verdict	 verdict;
	} cases[] = {
		{ "a.example", RULESET_PERMIT },
		{ "192.0.2.9", RULESET_PERMIT },
		{ "::ffff:192.0.2.9", RULESET_PERMIT },
		{ "198.51.100.1", RULESET_DENY },
		{ "a.net", RULESET_ASK_ADDR },
	};
	struct addr a, any = { .type = ADDR_NONE };
	struct ruleset *rs;
	size_t i;

	assert_non_null(rs = ruleset_new());
	assert_int_equal(ruleset_check_host(rs, &any), RULESET_PERMIT);
	assert_int_equal(ruleset_add(rs, "*.example:80"), 0);
	assert_int_equal(ruleset_add(rs, "192.0.2.0/24:1-2"), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse_host(&a, cases[i].host, 7), 0);
		assert_int_equal(ruleset_check_host(rs, &a),
		    cases[i].verdict);
		assert_int_not_equal(ruleset_check(rs, &a), RULESET_PERMIT);
	}
	assert_int_equal(ruleset_check_host(rs, &any), RULESET_DENY);
	assert_int_equal(ruleset_add(rs, "0.0.0.0/0:*"), 0);
	assert_int_equal(ruleset_add(rs, "[::/0]:*"), 0);
	assert_int_equal(ruleset_check_host(rs, &any), RULESET_DENY);
	assert_int_equal(ruleset_add(rs, "*:80"), 0);
	assert_int_equal(ruleset_check_host(rs, &any), RULESET_PERMIT);
	assert_int_equal(ruleset_add_none(rs), 0);
	assert_int_equal(ruleset_check_host(rs, &any), RULESET_DENY);
	ruleset_free(rs);
}

/* As DenyOpen asks: what one rule speaks of. */
static void
test_covers(void **state)
{
	static const struct {
		const char	*rule, *dst;
		int		 covered, whatever_port;
	} cases[] = {
		{ "*:25", "name:25", 1, 0 }, { "*:25", "10.0.0.1:26", 0, 0 },
		{ "*:*", "name:25", 1, 1 },
		{ "*.example:*", "a.example:1", 1, 1 },
		{ "*.example:*", "A.Example.:1", 1, 1 },
		{ "a.example.:*", "a.example:1", 1, 1 },
		{ "a.example.:*", "a.example.:1", 1, 1 },
		{ "*.example:*", ".:1", 0, 0 },
		{ "10.0.0.0/8:*", "10.1.2.3:1", 1, 1 },
		{ "10.0.0.0/8:1-9", "[::ffff:10.1.2.3]:1", 1, 0 },
		{ "10.0.0.0/8:*", "name:1", 0, 0 },
		{ "10.0.*:*", "10.0.0.1:1", 1, 1 },
		{ "10.0.*:*", "10.0.example:1", 0, 0 }
	};
	struct ruleset *rs;
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_non_null(rs = ruleset_new());
		a = destination(cases[i].dst);
		assert_int_equal(ruleset_covers(rs, &a, 0), 0);
		assert_int_equal(ruleset_add(rs, cases[i].rule), 0);
		if (ruleset_covers(rs, &a, 0) != cases[i].covered ||
		    ruleset_covers(rs, &a, 1) != cases[i].whatever_port)
			fail_msg("rule %s, destination %s", cases[i].rule,
			    cases[i].dst);
		ruleset_free(rs);
	}
}

static void
test_names(void **state)
{
	static const struct {
		const char	*rule, *dst;
		u_int		 bits;		/* the most that it settles */
	} cases[] = {
		{ "*:80", "10.0.0.1:80", 0 },
		{ "0.0.0.0/0:80", "10.0.0.1:80", 0 },
		{ "10.0.0.0/8:80", "10.0.0.1:80", 8 },
		{ "10.0.0.1:80", "10.0.0.1:80", 32 },
		{ "10.0.0.1:80", "[::ffff:10.0.0.1]:80", 32 },
		{ "[::ffff:10.0.0.0/104]:80", "10.0.0.1:80", 8 },
		{ "10.0.*:80", "10.0.0.1:80", 16 },
		{ "10.0.0.?:80", "10.0.0.1:80", 24 },
		{ "1*:80", "10.0.0.1:80", 0 },
		{ "[2001:db8:*]:80", "[2001:db8::1]:80", 32 },
		{ "[2001:db8::/29]:80", "[2001:db8::1]:80", 29 },
		{ "[*:1]:80", "[2001:db8::1]:80", 0 }
	};
	struct ruleset *rs;
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_non_null(rs = ruleset_new());
		a = destination(cases[i].dst);
		assert_int_equal(ruleset_add(rs, cases[i].rule), 0);
		if (!ruleset_names(rs, &a, cases[i].bits, 0) ||
		    ruleset_names(rs, &a, cases[i].bits + 1, 0))
			fail_msg("rule %s, destination %s", cases[i].rule,
			    cases[i].dst);
		a.port++;
		assert_int_equal(ruleset_names(rs, &a, 0, 0), 0);
		assert_int_equal(ruleset_names(rs, &a, 0, 1), 1);
		ruleset_free(rs);
	}
	assert_non_null(rs = ruleset_new());
	assert_int_equal(ruleset_add(rs, "*:80"), 0);
	assert_int_equal(ruleset_add(rs, "local*:80"), 0);
	a = destination("LocalHost:80");
	assert_int_equal(ruleset_names(rs, &a, 0, 0), 0);
	assert_int_equal(ruleset_add(rs, "localhost:80"), 0);
	assert_int_equal(ruleset_names(rs, &a, 0, 0), 1);
	ruleset_free(rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_names)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
