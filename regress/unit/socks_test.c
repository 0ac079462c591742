/* SPDX-License-Identifier: ISC */
/*
 * The SOCKS codec.  Every message is also decoded from each of its prefixes,
 * in memory of exactly that size, and with bytes after it.
 */
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
#include "socks.h"

enum kind { GREETING, REQUEST4, REQUEST5, REPLY5 };

static struct socks_greeting greeting;
static struct socks_request request;
static struct socks_reply reply;

static ssize_t
decode_one(enum kind kind, const void *data, size_t len)
{
	u_char *copy;
	ssize_t n = 0;

	assert_non_null(copy = malloc(len == 0 ? 1 : len));
	memcpy(copy, data, len);
	switch (kind) {
	case GREETING:
		n = socks_decode_greeting(&greeting, copy, len);
		break;
	case REQUEST4:
		n = socks_decode_request4(&request, copy, len);
		break;
	case REQUEST5:
		n = socks_decode_request5(&request, copy, len);
		break;
	case REPLY5:
		n = socks_decode_reply5(&reply, copy, len);
		break;
	}
	free(copy);
	return n;
}

/* All of it must decode to want; what is shorter asks for more. */
static void
decode(enum kind kind, const void *data, size_t len, ssize_t want)
{
	u_char more[SOCKS_MESSAGE_MAX + 64];
	size_t i;

	for (i = 0; i < len; i++)
		assert_int_equal(decode_one(kind, data, i), 0);
	assert_true(len + 16 <= sizeof(more));
	memset(more, 0xa5, sizeof(more));
	memcpy(more, data, len);
	assert_int_equal(decode_one(kind, more, len + 16), want);
	assert_int_equal(decode_one(kind, data, len), want);
}

#define DECODE(kind, s, want) decode(kind, s, sizeof(s) - 1, want)

static void
assert_dst(const struct addr *a, const char *want)
{
	char text[ADDR_STRLEN];

	assert_string_equal(addr_format(a, text, sizeof(text)), want);
}

static void
test_greeting(void **state)
{
	u_char all[257] = { 5, 255 };
	size_t i;

	DECODE(GREETING, "\5\1\0", 3);
	assert_true(socks_greeting_offers(&greeting, SOCKS_METHOD_NONE));
	assert_false(socks_greeting_offers(&greeting, SOCKS_METHOD_PASSWORD));
	DECODE(GREETING, "\5\2\1\2", 4);
	assert_false(socks_greeting_offers(&greeting, SOCKS_METHOD_NONE));
	assert_true(socks_greeting_offers(&greeting, SOCKS_METHOD_PASSWORD));
	DECODE(GREETING, "\5\0", 2);
	assert_false(socks_greeting_offers(&greeting, SOCKS_METHOD_NONE));
	for (i = 0; i < 255; i++)
		all[i + 2] = (u_char)(i + 1);
	decode(GREETING, all, sizeof(all), sizeof(all));
	assert_false(socks_greeting_offers(&greeting, SOCKS_METHOD_NONE));
	assert_true(socks_greeting_offers(&greeting,
	    SOCKS_METHOD_UNACCEPTABLE));
	DECODE(GREETING, "G", SOCKS_EVERSION);
	DECODE(GREETING, "\4", SOCKS_EVERSION);
	DECODE(GREETING, "\26", SOCKS_EVERSION);
}

static void
test_request4(void **state)
{
	DECODE(REQUEST4, "\4\1\0\120\300\0\2\1alice\0", 14);
	assert_int_equal(request.version, 4);
	assert_int_equal(request.cmd, SOCKS_CMD_CONNECT);
	assert_string_equal(request.user, "alice");
	assert_dst(&request.dst, "192.0.2.1:80");
	DECODE(REQUEST4, "\4\2\377\377\0\0\0\0\0", 9);
	assert_int_equal(request.cmd, SOCKS_CMD_BIND);
	assert_string_equal(request.user, "");
	assert_dst(&request.dst, "0.0.0.0:65535");
	DECODE(REQUEST4, "\4\1\0\0\0\0\1\0\0", 9);
	assert_dst(&request.dst, "0.0.1.0:0");
	DECODE(REQUEST4, "\5", SOCKS_EVERSION);
	DECODE(REQUEST4, "\0", SOCKS_EVERSION);
}

static void
test_request4a(void **state)
{
	DECODE(REQUEST4, "\4\1\1\273\0\0\0\1u\0example.com\0", 22);
	assert_string_equal(request.user, "u");
	assert_dst(&request.dst, "example.com:443");
	DECODE(REQUEST4, "\4\1\1\273\0\0\0\377\000192.0.2.9\0", 19);
	assert_int_equal(request.dst.type, ADDR_IPV4);
	assert_dst(&request.dst, "192.0.2.9:443");
	DECODE(REQUEST4, "\4\1\1\273\0\0\0\1\0\0", SOCKS_ENAME);
	DECODE(REQUEST4, "\4\1\1\273\0\0\0\1\0a b\0", SOCKS_ENAME);
	DECODE(REQUEST4, "\4\1\1\273\0\0\0\1\0a:1\0", SOCKS_ENAME);
}

/* The bounds of both SOCKS4 fields. */
static void
test_request4_long(void **state)
{
	u_char m[SOCKS_MESSAGE_MAX + 1];

	memset(m, 'x', sizeof(m));
	memcpy(m, "\4\1\0\120\300\0\2\1", 8);
	decode(REQUEST4, m, 8 + 1025, SOCKS_ETOOLONG);
	m[8 + 1024] = '\0';
	decode(REQUEST4, m, 8 + 1025, 8 + 1025);
	assert_int_equal(strlen(request.user), 1024);

	memcpy(m, "\4\1\0\120\0\0\0\1", 8);
	decode(REQUEST4, m, 8 + 1025 + 1025, SOCKS_ETOOLONG);
	m[8 + 1025 + 1024] = '\0';
	decode(REQUEST4, m, 8 + 1025 + 1025, SOCKS_ENAME);
	m[8 + 1025 + 256] = '\0';
	decode(REQUEST4, m, 8 + 1025 + 257, SOCKS_ENAME);
	m[8 + 1025 + 255] = '\0';
	decode(REQUEST4, m, 8 + 1025 + 256, 8 + 1025 + 256);
	assert_int_equal(strlen(request.dst.u.name), 255);
}

static void
test_request5(void **state)
{
	DECODE(REQUEST5, "\5\1\0\1\300\0\2\1\0\120", 10);
	assert_int_equal(request.version, 5);
	assert_int_equal(request.cmd, SOCKS_CMD_CONNECT);
	assert_dst(&request.dst, "192.0.2.1:80");
	DECODE(REQUEST5, "\5\3\377\4\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\0\0",
	    22);
	assert_int_equal(request.cmd, SOCKS_CMD_UDP);
	assert_dst(&request.dst, "[2001:db8::1]:0");
	DECODE(REQUEST5, "\5\2\0\3\4host\377\377", 11);
	assert_int_equal(request.cmd, SOCKS_CMD_BIND);
	assert_dst(&request.dst, "host:65535");
	DECODE(REQUEST5, "\5\1\0\3\3::1\0\26", 10);
	assert_int_equal(request.dst.type, ADDR_IPV6);
	DECODE(REQUEST5, "\5\1\0\3\011127.0.0.1\0\26", 16);
	assert_int_equal(request.dst.type, ADDR_IPV4);
	assert_dst(&request.dst, "127.0.0.1:22");
	DECODE(REQUEST5, "\5\252\0\1\0\0\0\0\0\0", 10);
	assert_int_equal(request.cmd, 0xaa);
}

static void
test_request5_bad(void **state)
{
	u_char m[SOCKS5_MESSAGE_MAX] = { 5, 1, 0, 3, 255 };
	int atyp;

	DECODE(REQUEST5, "\4", SOCKS_EVERSION);
	DECODE(REQUEST5, "\5\1\0\3\0", SOCKS_ENAME);
	DECODE(REQUEST5, "\5\1\0\3\3a\0b\0\26", SOCKS_ENAME);
	DECODE(REQUEST5, "\5\1\0\3\1 \0\26", SOCKS_ENAME);
	DECODE(REQUEST5, "\5\1\0\3\1\0\0\26", SOCKS_ENAME);
	for (atyp = 0; atyp < 256; atyp++) {
		m[3] = (u_char)atyp;
		if (atyp == 1 || atyp == 3 || atyp == 4)
			assert_int_equal(decode_one(REQUEST5, m, 4), 0);
		else
			decode(REQUEST5, m, 4, SOCKS_EATYP);
	}
	assert_int_equal(request.cmd, 1);
	m[3] = 3;
	memset(m + 5, 'n', 255);
	decode(REQUEST5, m, sizeof(m), sizeof(m));
	assert_int_equal(strlen(request.dst.u.name), 255);
}

static void
test_reply5(void **state)
{
	DECODE(REPLY5, "\5\0\0\1\12\0\0\1\37\220", 10);
	assert_int_equal(reply.rep, SOCKS_REP_OK);
	assert_dst(&reply.bnd, "10.0.0.1:8080");
	DECODE(REPLY5, "\5\5\0\3\1h\0\1", 8);
	assert_int_equal(reply.rep, SOCKS_REP_REFUSED);
	assert_dst(&reply.bnd, "h:1");
	DECODE(REPLY5, "\5\0\0\2", SOCKS_EATYP);
	DECODE(REPLY5, "\0", SOCKS_EVERSION);
	DECODE(REPLY5, "S", SOCKS_EVERSION);
}

/* Encoding into every size too small gives 0; what is written decodes. */
static void
test_encode5(void **state)
{
	static const char *const hosts[] = { "10.0.0.1", "2001:db8::1", "h" };
	static const size_t sizes[] = { 10, 22, 8 };
	u_char m[SOCKS5_MESSAGE_MAX];
	struct addr a;
	size_t i, k;

	for (i = 0; i < 3; i++) {
		assert_int_equal(addr_parse_host(&a, hosts[i], 513), 0);
		for (k = 0; k < sizes[i]; k++) {
			assert_int_equal(socks_encode_request5(m, k,
			    SOCKS_CMD_CONNECT, &a), 0);
			assert_int_equal(socks_encode_reply5(m, k,
			    SOCKS_REP_HOST, &a), 0);
		}
		assert_int_equal(socks_encode_request5(m, k,
		    SOCKS_CMD_RESOLVE, &a), sizes[i]);
		decode(REQUEST5, m, k, (ssize_t)k);
		assert_int_equal(request.cmd, SOCKS_CMD_RESOLVE);
		assert_true(addr_equal(&request.dst, &a));
		assert_int_equal(socks_encode_reply5(m, sizeof(m),
		    SOCKS_REP_HOST, &a), sizes[i]);
		decode(REPLY5, m, k, (ssize_t)k);
		assert_int_equal(reply.rep, SOCKS_REP_HOST);
		assert_true(addr_equal(&reply.bnd, &a));
	}
	a.type = ADDR_NONE;
	assert_int_equal(socks_encode_request5(m, sizeof(m),
	    SOCKS_CMD_CONNECT, &a), 0);
	assert_int_equal(socks_encode_reply5(m, sizeof(m), SOCKS_REP_COMMAND,
	    &a), 10);
	assert_memory_equal(m, "\5\7\0\1\0\0\0\0\0\0", 10);
	assert_int_equal(socks_encode_reply5(m, 10, SOCKS_REP_ATYP, NULL), 10);
	assert_memory_equal(m, "\5\10\0\1\0\0\0\0\0\0", 10);
	assert_int_equal(socks_encode_reply5(m, 9, SOCKS_REP_ATYP, NULL), 0);
	assert_int_equal(socks_encode_method(m, 1, SOCKS_METHOD_NONE), 0);
	assert_int_equal(socks_encode_method(m, 2,
	    SOCKS_METHOD_UNACCEPTABLE), 2);
	assert_memory_equal(m, "\5\377", 2);
}

static void
test_encode4(void **state)
{
	struct addr a;
	u_char m[8];

	assert_int_equal(addr_parse_host(&a, "::ffff:10.0.0.1", 513), 0);
	assert_int_equal(socks_encode_reply4(m, 7, SOCKS_REP_OK, &a), 0);
	assert_int_equal(socks_encode_reply4(m, 8, SOCKS_REP_OK, &a), 8);
	assert_memory_equal(m, "\0\132\2\1\12\0\0\1", 8);
	assert_int_equal(addr_parse_host(&a, "::1", 513), 0);
	assert_int_equal(socks_encode_reply4(m, 8, SOCKS_REP_OK, &a), 8);
	assert_memory_equal(m, "\0\132\2\1\0\0\0\0", 8);
	assert_int_equal(socks_encode_reply4(m, 8, SOCKS_REP_HOST, NULL), 8);
	assert_memory_equal(m, "\0\133\0\0\0\0\0\0", 8);
}

static void
test_names(void **state)
{
	static const int errnos[][2] = {
		{ 0, 0 }, { ECONNREFUSED, 5 }, { ENETUNREACH, 3 },
		{ EHOSTUNREACH, 4 }, { EHOSTDOWN, 4 }, { ETIMEDOUT, 6 },
		{ EACCES, 2 }, { EPERM, 2 }, { ENOMEM, 1 }, { -1, 1 }
	};
	size_t i;
	int e;

	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		assert_int_equal(socks_rep_from_errno(errnos[i][0]),
		    errnos[i][1]);
	assert_string_equal(socks_rep_name(SOCKS_REP_REFUSED),
	    "connection refused");
	assert_string_equal(socks_rep_name(8), "address type not supported");
	assert_string_equal(socks_rep_name(9), "unassigned");
	assert_string_equal(socks_rep_name(-1), "unassigned");
	for (e = SOCKS_ENAME; e <= 0; e++)
		assert_string_not_equal(socks_strerror(e), "unknown error");
	assert_string_equal(socks_strerror(-99), "unknown error");
	assert_string_equal(socks_strerror(12), "no error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_greeting),
		cmocka_unit_test(test_request4),
		cmocka_unit_test(test_request4a),
		cmocka_unit_test(test_request4_long),
		cmocka_unit_test(test_request5),
		cmocka_unit_test(test_request5_bad),
		cmocka_unit_test(test_reply5),
		cmocka_unit_test(test_encode5),
		cmocka_unit_test(test_encode4),
		cmocka_unit_test(test_names)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
