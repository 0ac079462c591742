/* SPDX-License-Identifier: ISC */
/* Endpoints: text to struct and back, good and bad. */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"

static void
test_parse_port(void **state)
{
	static const char *const bad[] = {
		"", " 80", "80 ", "+80", "-1", "65536", "99999", "000080",
		"0x50", "8o", "http", "1.0"
	};
	uint16_t port = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(addr_parse_port(&port, bad[i]), -1);
		assert_int_equal(port, 7);
	}
	assert_int_equal(addr_parse_port(&port, "0"), 0);
	assert_int_equal(port, 0);
	assert_int_equal(addr_parse_port(&port, "65535"), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(addr_parse_port(&port, "0080"), 0);
	assert_int_equal(port, 80);
}

static void
test_parse_host(void **state)
{
	static const struct {
		const char	*text;
		enum addr_type	 type;
		const char	*host;
	} tests[] = {
		{ "192.0.2.1", ADDR_IPV4, "192.0.2.1" },
		{ "2001:DB8::1", ADDR_IPV6, "2001:db8::1" },
		{ "[2001:db8::1]", ADDR_IPV6, "2001:db8::1" },
		{ "::ffff:192.0.2.1", ADDR_IPV6, "::ffff:192.0.2.1" },
		{ "fe80::1%eth0", ADDR_NAME, "fe80::1%eth0" },
		{ "[fe80::1%eth0]", ADDR_NAME, "fe80::1%eth0" },
		{ "Example.COM", ADDR_NAME, "Example.COM" },
		{ "127.1", ADDR_NAME, "127.1" },
		{ "1.2.3.4.5", ADDR_NAME, "1.2.3.4.5" },
		{ "0x7f.0.0.1", ADDR_NAME, "0x7f.0.0.1" },
		{ "1.2.3.256", ADDR_NAME, "1.2.3.256" },
		{ "under_score", ADDR_NAME, "under_score" },
		{ "", ADDR_NONE, NULL },
		{ "[]", ADDR_NONE, NULL },
		{ "[192.0.2.1]", ADDR_NONE, NULL },
		{ "[example.com]", ADDR_NONE, NULL },
		{ "[::1", ADDR_NONE, NULL },
		{ "::1]", ADDR_NONE, NULL },
		{ "[[::1]]", ADDR_NONE, NULL },
		{ "1:2:3", ADDR_NONE, NULL },
		{ "::1::2", ADDR_NONE, NULL },
		{ "example.com:80", ADDR_NONE, NULL },
		{ "fe80::1%", ADDR_NONE, NULL },
		{ "fe80::1%a:b", ADDR_NONE, NULL },
		{ "a b", ADDR_NONE, NULL },
		{ "a\tb", ADDR_NONE, NULL },
		{ "a\n", ADDR_NONE, NULL },
		{ "a\177", ADDR_NONE, NULL }
	};
	char host[ADDR_STRLEN];
	struct addr a;
	size_t i;
	int r;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		memset(&a, 0xff, sizeof(a));
		r = addr_parse_host(&a, tests[i].text, 443);
		if (r != (tests[i].host == NULL ? -1 : 0) ||
		    a.type != tests[i].type)
			fail_msg("\"%s\": %d, type %d", tests[i].text, r,
			    a.type);
		if (r == -1)
			continue;
		assert_int_equal(a.port, 443);
		assert_string_equal(addr_format_host(&a, host, sizeof(host)),
		    tests[i].host);
	}
}

static void
test_set_name(void **state)
{
	char name[ADDR_NAME_MAX + 1];
	struct addr a;

	memset(name, 'x', sizeof(name));
	assert_int_equal(addr_set_name(&a, name, 255, 1), 0);
	assert_int_equal(a.type, ADDR_NAME);
	assert_int_equal(strlen(a.u.name), 255);
	assert_int_equal(addr_set_name(&a, name, 256, 1), -1);
	assert_int_equal(a.type, ADDR_NONE);
	assert_int_equal(addr_set_name(&a, name, 0, 1), -1);
	assert_int_equal(addr_set_name(&a, "a\0b", 3, 1), -1);
	assert_int_equal(addr_set_name(&a, "a\0", 2, 1), -1);
	assert_int_equal(addr_set_name(&a, "10.0.0.1xyz", 8, 1), 0);
	assert_int_equal(a.type, ADDR_IPV4);
	assert_int_equal(addr_set_name(&a, "::1", 3, 1), 0);
	assert_int_equal(a.type, ADDR_IPV6);
	assert_int_equal(addr_set_name(&a, "abc.example", 3, 1), 0);
	assert_string_equal(a.u.name, "abc");
	assert_int_equal(addr_set_name(&a, a.u.name, 3, 2), 0);
	assert_string_equal(a.u.name, "abc");
}

static void
test_split_hostport(void **state)
{
	static const struct {
		const char *text, *host, *port;
	} tests[] = {
		{ "host", "host", NULL }, { "host:80", "host", "80" },
		{ "192.0.2.1:80", "192.0.2.1", "80" }, { "", "", NULL },
		{ "host:", "host", "" }, { ":80", "", "80" }, { ":", "", "" },
		{ "::1", "::1", NULL }, { "::1:80", "::1:80", NULL },
		{ "[::1]", "::1", NULL }, { "[::1]:0", "::1", "0" },
		{ "[fe80::1%lo]:22", "fe80::1%lo", "22" },
		{ "[host]:80", "host", "80" }, { "[]:1", "", "1" },
		{ "[::1]:80:90", "::1", "80:90" },
		{ "[::1", NULL, NULL }, { "[::1:80", NULL, NULL },
		{ "[::1]80", NULL, NULL }, { "[::1]x:80", NULL, NULL },
		{ "[a]]:80", NULL, NULL }, { "[", NULL, NULL }
	};
	char text[32], *host, *port;
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		strlcpy(text, tests[i].text, sizeof(text));
		host = addr_split_hostport(text, &port);
		if ((host == NULL) != (tests[i].host == NULL) ||
		    (port == NULL) != (tests[i].port == NULL))
			fail_msg("\"%s\": %s, %s", tests[i].text, host, port);
		if (host != NULL)
			assert_string_equal(host, tests[i].host);
		if (port != NULL)
			assert_string_equal(port, tests[i].port);
	}
}

static void
test_sockets(void **state)
{
	struct sockaddr_storage ss;
	struct addr bound, peer, us;
	socklen_t len;
	int a, b, pair[2];

	assert_int_equal(addr_parse_host(&bound, "127.0.0.1", 0), 0);
	assert_int_equal(addr_to_sockaddr(&bound, &ss, &len), 0);
	assert_int_not_equal(a = socket(AF_INET, SOCK_DGRAM, 0), -1);
	assert_int_not_equal(b = socket(AF_INET, SOCK_DGRAM, 0), -1);
	assert_int_equal(bind(a, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(addr_of_socket(&bound, a), 0);
	assert_int_not_equal(bound.port, 0);
	assert_int_equal(addr_of_peer(&peer, b), -1);
	assert_int_equal(peer.type, ADDR_NONE);
	assert_int_equal(peer.port, 0);

	assert_int_equal(addr_to_sockaddr(&bound, &ss, &len), 0);
	assert_int_equal(connect(b, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(addr_of_peer(&peer, b), 0);
	assert_true(addr_equal(&peer, &bound));
	assert_int_equal(addr_of_socket(&us, b), 0);
	assert_int_not_equal(us.port, bound.port);
	close(a);
	close(b);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(addr_of_socket(&us, pair[0]), -1);
	assert_int_equal(us.type, ADDR_NONE);
	assert_int_equal(addr_of_peer(&us, pair[0]), -1);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(addr_of_socket(&us, pair[0]), -1);
}

static void
test_sockaddr(void **state)
{
	static const char *const texts[] = { "192.0.2.7", "::2" };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr_storage ss;
	struct addr a, b;
	socklen_t len;
	size_t i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(addr_parse_host(&a, texts[i], 53), 0);
		assert_int_equal(addr_to_sockaddr(&a, &ss, &len), 0);
		assert_int_equal(len, i == 0 ? sizeof(struct sockaddr_in) :
		    sizeof(struct sockaddr_in6));
		assert_int_equal(addr_from_sockaddr(&b,
		    (struct sockaddr *)&ss), 0);
		assert_true(addr_equal(&a, &b));
	}
	assert_int_equal(addr_from_sockaddr(&b, (struct sockaddr *)&sun), -1);
	assert_int_equal(b.type, ADDR_NONE);
	assert_int_equal(addr_to_sockaddr(&b, &ss, &len), -1);
	assert_int_equal(addr_parse_host(&a, "name", 1), 0);
	assert_int_equal(addr_to_sockaddr(&a, &ss, &len), -1);
	assert_int_equal(len, 0);
}

static void
test_unmap_equal(void **state)
{
	struct addr a, b;

	assert_int_equal(addr_parse_host(&a, "::ffff:10.0.0.1", 5), 0);
	assert_int_equal(addr_parse_host(&b, "10.0.0.1", 5), 0);
	assert_false(addr_equal(&a, &b));
	addr_unmap(&a);
	assert_true(addr_equal(&a, &b));
	b.port = 6;
	assert_false(addr_equal(&a, &b));
	assert_int_equal(addr_parse_host(&a, "::1", 5), 0);
	addr_unmap(&a);
	assert_int_equal(a.type, ADDR_IPV6);
	assert_int_equal(addr_parse_host(&a, "WWW.example", 5), 0);
	assert_int_equal(addr_parse_host(&b, "www.EXAMPLE", 5), 0);
	assert_true(addr_equal(&a, &b));
	assert_int_equal(addr_parse_host(&b, "www.example2", 5), 0);
	assert_false(addr_equal(&a, &b));
}

static void
test_format(void **state)
{
	char name[ADDR_NAME_MAX], text[ADDR_STRLEN], small[6];
	struct addr a = { .type = ADDR_NONE };

	assert_string_equal(addr_format(&a, text, sizeof(text)), "none");
	assert_string_equal(addr_format_host(&a, text, sizeof(text)), "");
	memset(name, 'n', sizeof(name));
	assert_int_equal(addr_set_name(&a, name, sizeof(name), 65535), 0);
	addr_format(&a, text, sizeof(text));
	assert_int_equal(strlen(text), 255 + 6);
	assert_string_equal(addr_format(&a, small, sizeof(small)), "nnnnn");
	assert_string_equal(addr_format_host(&a, small, sizeof(small)),
	    "nnnnn");
	memcpy(name, "::1%", 4);
	assert_int_equal(addr_set_name(&a, name, sizeof(name), 65535), 0);
	addr_format(&a, text, sizeof(text));
	assert_string_equal(text + strlen(text) - 7, "]:65535");
}

static void
test_special_addresses(void **state)
{
	static const struct {
		const char *host;
		int unspecified, loopback;
	} cases[] = {
		{ "0.0.0.0", 1, 0 }, { "::", 1, 0 }, { "0.0.0.1", 0, 0 },
		{ "127.0.0.1", 0, 1 }, { "127.255.0.9", 0, 1 },
		{ "126.255.255.255", 0, 0 }, { "128.0.0.1", 0, 0 },
		{ "::1", 0, 1 }, { "::2", 0, 0 }, { "localhost", 0, 0 }
	};
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse_host(&a, cases[i].host, 1), 0);
		assert_int_equal(!!addr_is_unspecified(&a),
		    cases[i].unspecified);
		assert_int_equal(!!addr_is_loopback(&a), cases[i].loopback);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_special_addresses),
		cmocka_unit_test(test_parse_port),
		cmocka_unit_test(test_parse_host),
		cmocka_unit_test(test_set_name),
		cmocka_unit_test(test_split_hostport),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_sockaddr),
		cmocka_unit_test(test_unmap_equal),
		cmocka_unit_test(test_format)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
