/* SPDX-License-Identifier: ISC */
/* Whose datagrams an association takes. */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "udpclient.h"

static struct addr
host(const char *text, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, text, port), 0);
	return a;
}

static struct sockaddr_storage
from(const char *text, uint16_t port)
{
	struct sockaddr_storage ss;
	struct addr a = host(text, port);
	socklen_t len;

	assert_int_equal(addr_to_sockaddr(&a, &ss, &len), 0);
	return ss;
}

static int
may_be(const struct udpclient *p, const char *text, uint16_t port)
{
	struct sockaddr_storage ss = from(text, port);

	return udpclient_may_be(p, (struct sockaddr *)&ss);
}

/* A client whose connection comes from port 4000 of an address. */
static struct udpclient
client(const char *text, const char *said, uint16_t port)
{
	struct udpclient p;
	struct sockaddr_storage ss = from(text, 4000);
	struct addr a = host(said, port);

	assert_int_equal(udpclient_init(&p, (struct sockaddr *)&ss, &a), 0);
	return p;
}

static void
test_first(void **state)
{
	struct udpclient p = client("192.0.2.1", "0.0.0.0", 0);
	struct sockaddr_storage ss = from("192.0.2.1", 5000);

	assert_false(udpclient_is_known(&p));
	assert_true(may_be(&p, "192.0.2.1", 1));
	assert_true(may_be(&p, "192.0.2.1", 65535));
	assert_false(may_be(&p, "192.0.2.2", 5000));
	assert_false(may_be(&p, "::ffff:192.0.2.1", 5000));
	assert_false(may_be(&p, "2001:db8::1", 5000));
	udpclient_settle(&p, (struct sockaddr *)&ss);
	assert_true(udpclient_is_known(&p));
	assert_true(may_be(&p, "192.0.2.1", 5000));
	assert_false(may_be(&p, "192.0.2.1", 5001));
	assert_false(may_be(&p, "192.0.2.1", 4000));
	assert_false(may_be(&p, "192.0.2.2", 5000));
}

static void
test_named_port(void **state)
{
	static const char *const said[] = {
		"0.0.0.0", "::", "192.0.2.1", "::ffff:192.0.2.1",
		"::ffff:0.0.0.0"
	};
	struct udpclient p;
	size_t i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		p = client("192.0.2.1", said[i], 5000);
		assert_true(udpclient_is_known(&p));
		assert_true(may_be(&p, "192.0.2.1", 5000));
		assert_false(may_be(&p, "192.0.2.1", 5001));
		assert_false(may_be(&p, "192.0.2.2", 5000));
	}
}

/* What cannot be true is not believed. */
static void
test_named_nonsense(void **state)
{
	static const char *const said[] = {
		"192.0.2.2", "127.0.0.1", "2001:db8::1", "client.example.org"
	};
	struct udpclient p;
	size_t i;

	for (i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		p = client("192.0.2.1", said[i], 5000);
		assert_false(udpclient_is_known(&p));
		assert_true(may_be(&p, "192.0.2.1", 5001));
		assert_false(may_be(&p, "192.0.2.2", 5000));
	}
}

static void
test_ipv6(void **state)
{
	struct udpclient p = client("2001:db8::1", "::", 0);
	struct sockaddr_storage ss = from("2001:db8::1", 5000);

	assert_true(may_be(&p, "2001:db8::1", 5000));
	assert_false(may_be(&p, "2001:db8::2", 5000));
	assert_false(may_be(&p, "192.0.2.1", 5000));
	udpclient_settle(&p, (struct sockaddr *)&ss);
	assert_true(may_be(&p, "2001:db8::1", 5000));
	assert_false(may_be(&p, "2001:db8::1", 5001));
}

/* The same address on another link is another host. */
static void
test_scope(void **state)
{
	struct udpclient p;
	struct sockaddr_storage ss = from("fe80::1", 4000);
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ss;
	struct addr any = host("::", 0);

	in6->sin6_scope_id = 2;
	assert_int_equal(udpclient_init(&p, (struct sockaddr *)&ss, &any), 0);
	assert_true(udpclient_may_be(&p, (struct sockaddr *)&ss));
	in6->sin6_scope_id = 3;
	assert_false(udpclient_may_be(&p, (struct sockaddr *)&ss));
}

static void
test_no_address(void **state)
{
	struct udpclient p;
	struct sockaddr sa = { .sa_family = AF_UNIX };
	struct addr any = host("0.0.0.0", 0);

	assert_int_equal(udpclient_init(&p, &sa, &any), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_named_port),
		cmocka_unit_test(test_named_nonsense),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
