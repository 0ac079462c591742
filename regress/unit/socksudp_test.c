/* SPDX-License-Identifier: ISC */
/*
 * SOCKS5's UDP header.  Every message is also decoded from each of its
 * prefixes, in memory of exactly that size.
 */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "socks.h"
#include "socksudp.h"

#define NONE	{ .type = ADDR_NONE }

typedef ssize_t decoder(struct socksudp *, const void *, size_t);

static struct socksudp got;
static u_char payload[SOCKSUDP_PAYLOAD_MAX];

/* The payload of what is decoded is copied, since the memory goes. */
static ssize_t
decode(decoder *fn, const void *data, size_t len)
{
	u_char *copy;
	ssize_t n;

	assert_non_null(copy = malloc(len == 0 ? 1 : len));
	memcpy(copy, data, len);
	n = fn(&got, copy, len);
	if (n > 0) {
		assert_true(got.data >= copy && got.data <= copy + len);
		assert_true(got.len <= (size_t)(copy + len - got.data));
		assert_true(got.len <= sizeof(payload));
		memcpy(payload, got.data, got.len);
	}
	free(copy);
	return n;
}

static void
assert_addr(const char *want)
{
	char text[ADDR_STRLEN];

	assert_string_equal(addr_format(&got.addr, text, sizeof(text)), want);
}

/* A datagram whose header is header_len bytes long. */
static void
check_datagram(const void *data, size_t len, size_t header_len,
    const char *want)
{
	size_t i;

	for (i = 0; i < header_len; i++)
		assert_int_equal(decode(socksudp_decode, data, i), SOCKS_ECUT);
	for (; i <= len; i++) {
		assert_int_equal(decode(socksudp_decode, data, i), header_len);
		assert_int_equal(got.len, i - header_len);
		assert_memory_equal(payload, (const u_char *)data + header_len,
		    got.len);
		assert_addr(want);
	}
}

static void
test_datagram(void **state)
{
	check_datagram("\0\0\0\1\177\0\0\1\0\65hello", 15, 10, "127.0.0.1:53");
	assert_int_equal(got.rsv, 0);
	assert_int_equal(got.frag, 0);
	check_datagram("\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\377\377x",
	    23, 22, "[::1]:65535");
	check_datagram("\0\0\0\3\4a.bc\0\120xy", 13, 11, "a.bc:80");
	check_datagram("\0\0\0\3\3::1\0\120", 10, 10, "[::1]:80");
	check_datagram("\0\0\0\3\011127.0.0.1\0\120z", 17, 16, "127.0.0.1:80");
}

/* Whether they are wanted is the caller's to say. */
static void
test_datagram_fields(void **state)
{
	check_datagram("\1\2\203\1\1\2\3\4\0\1", 10, 10, "1.2.3.4:1");
	assert_int_equal(got.rsv, 0x102);
	assert_int_equal(got.frag, SOCKSUDP_FRAG_LAST | 3);
}

static void
test_datagram_malformed(void **state)
{
	assert_int_equal(decode(socksudp_decode, "\0\0\0\2\1\2\3\4\0\1", 10),
	    SOCKS_EATYP);
	assert_int_equal(decode(socksudp_decode, "\0\0\0\3\0\0\1", 7),
	    SOCKS_ENAME);
	assert_int_equal(decode(socksudp_decode, "\0\0\0\3\3a b\0\1", 10),
	    SOCKS_ENAME);
	assert_int_equal(decode(socksudp_decode, "\0\0\0\3\3a\0b\0\1", 10),
	    SOCKS_ENAME);
}

/* A frame that takes all of the bytes. */
static void
check_frame(const void *data, size_t len, const char *want)
{
	u_char *more;
	size_t i, step = len > 1000 ? 997 : 1;

	for (i = 0; i < len; i += step) {
		assert_int_equal(decode(socksudp_decode_frame, data, i), 0);
		assert_int_equal(socksudp_frame_size(data, i),
		    i < SOCKSUDP_FRAME_MIN ? SOCKSUDP_FRAME_MIN : len);
	}
	assert_int_equal(decode(socksudp_decode_frame, data, len - 1), 0);
	assert_int_equal(decode(socksudp_decode_frame, data, len), len);
	assert_addr(want);
	assert_int_equal(got.frag, 0);
	assert_int_equal(got.rsv, got.len);
	assert_non_null(more = malloc(len + 7));
	memcpy(more, data, len);
	memset(more + len, 0xff, 7);
	assert_int_equal(decode(socksudp_decode_frame, more, len + 7), len);
	free(more);
}

static void
test_frame(void **state)
{
	check_frame("\0\5\0\1\177\0\0\1\0\65hello", 15, "127.0.0.1:53");
	assert_memory_equal(payload, "hello", 5);
	check_frame("\0\0\0\1\177\0\0\1\0\65", 10, "127.0.0.1:53");
	check_frame("\0\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\7x", 23,
	    "[::1]:7");
	check_frame("\0\2\0\3\4a.bc\0\120xy", 13, "a.bc:80");
	check_frame("\0\0\0\3\3::1\0\120", 10, "[::1]:80");
}

static void
test_frame_largest(void **state)
{
	static u_char frame[SOCKSUDP_FRAME_MAX];
	struct addr a = NONE;
	char name[ADDR_NAME_MAX], want[ADDR_STRLEN];
	size_t n;

	memset(name, 'n', sizeof(name));
	assert_int_equal(addr_set_name(&a, name, sizeof(name), 65535), 0);
	n = socksudp_encode_header(frame, sizeof(frame), SOCKSUDP_PAYLOAD_MAX,
	    &a);
	assert_int_equal(n, SOCKSUDP_HEADER_MAX);
	check_frame(frame, sizeof(frame), addr_format(&a, want, sizeof(want)));
	assert_int_equal(got.len, SOCKSUDP_PAYLOAD_MAX);
}

/* Told by the first byte that shows it. */
static void
check_bad_frame(const void *data, size_t good, ssize_t error)
{
	size_t i;

	for (i = 0; i <= good; i++)
		assert_int_equal(decode(socksudp_decode_frame, data, i), 0);
	assert_int_equal(decode(socksudp_decode_frame, data, i), error);
}

static void
test_frame_malformed(void **state)
{
	/* 65,507 is the largest length; 65,508 is none. */
	check_bad_frame("\377\343\1", 2, SOCKS_EFORMAT);
	check_bad_frame("\377\344", 1, SOCKS_EFORMAT);
	check_bad_frame("\0\0\200", 2, SOCKS_EFORMAT);
	check_bad_frame("\0\0\0\2", 3, SOCKS_EATYP);
	check_bad_frame("\0\0\0\3\0", 4, SOCKS_ENAME);
	check_bad_frame("\0\0\0\3\3a b\0\1", 9, SOCKS_ENAME);
}

static void
check_encode(const char *host, uint16_t port, uint16_t rsv, size_t want)
{
	u_char header[SOCKSUDP_HEADER_MAX];
	struct addr a;
	size_t i;

	assert_int_equal(addr_parse_host(&a, host, port), 0);
	for (i = 0; i < want; i++)
		assert_int_equal(socksudp_encode_header(header, i, rsv, &a),
		    0);
	assert_int_equal(socksudp_encode_header(header, i, rsv, &a), want);
	assert_int_equal(decode(socksudp_decode, header, want), want);
	assert_int_equal(got.rsv, rsv);
	assert_int_equal(got.frag, 0);
	assert_true(addr_equal(&got.addr, &a));
}

static void
test_encode(void **state)
{
	u_char header[SOCKSUDP_HEADER_MAX];
	struct addr none = NONE;

	check_encode("192.0.2.1", 53, 0, 10);
	check_encode("2001:db8::1", 65535, 512, 22);
	check_encode("host.example", 1, 65507, 19);
	assert_int_equal(socksudp_encode_header(header, sizeof(header), 0,
	    &none), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_datagram_fields),
		cmocka_unit_test(test_datagram_malformed),
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_frame_largest),
		cmocka_unit_test(test_frame_malformed),
		cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
