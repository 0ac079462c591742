/* SPDX-License-Identifier: ISC */
/* The byte queue: order, limit, memory that cannot be had, cost. */
#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"

const char	*__asan_default_options(void);

/* A sanitized build, too, shall return NULL where memory cannot be had. */
const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
test_empty(void **state)
{
	struct buf b;

	buf_init(&b, 10);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(buf_space(&b), 10);
	assert_non_null(buf_data(&b));
	buf_consume(&b, 5);
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_null(b.base);
	buf_clear(&b);
	buf_clear(&b);
}

static void
test_limit(void **state)
{
	struct buf b;

	buf_init(&b, 8);
	assert_int_equal(buf_append(&b, "12345", 5), 0);
	errno = 0;
	assert_int_equal(buf_append(&b, "6789", 4), -1);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(buf_len(&b), 5);
	assert_int_equal(buf_append(&b, "678", 3), 0);
	assert_int_equal(buf_space(&b), 0);
	assert_null(buf_reserve(&b, 1));
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_memory_equal(buf_data(&b), "12345678", 8);
	buf_consume(&b, 1);
	assert_int_equal(buf_append(&b, "9", 1), 0);
	assert_memory_equal(buf_data(&b), "23456789", 8);
	buf_clear(&b);
	assert_int_equal(buf_space(&b), 8);
	assert_int_equal(buf_append(&b, "again", 5), 0);
	buf_clear(&b);

	buf_init(&b, 0);
	assert_int_equal(buf_append(&b, "x", 1), -1);
	buf_clear(&b);
}

static void
test_reserve(void **state)
{
	struct buf b;
	u_char *p;

	buf_init(&b, 1000);
	assert_non_null(p = buf_reserve(&b, 600));
	memset(p, 'a', 600);
	buf_commit(&b, 2);
	assert_int_equal(buf_len(&b), 2);
	assert_non_null(p = buf_reserve(&b, 998));
	memset(p, 'b', 998);
	buf_commit(&b, 998);
	assert_int_equal(buf_len(&b), 1000);
	assert_memory_equal(buf_data(&b), "aab", 3);
	buf_consume(&b, 1001);
	assert_int_equal(buf_len(&b), 0);
	assert_int_equal(b.off, 0);
	buf_clear(&b);
}

/* Random appends and consumes against a counter: order and content hold. */
static void
test_order(void **state)
{
	uint32_t in = 0, out = 0, x = 1;
	u_char chunk[700];
	size_t i, k, n, limit;
	struct buf b;

	for (limit = 1; limit < 3000; limit = limit * 3 + 1) {
		buf_init(&b, limit);
		in = out = 0;
		for (i = 0; i < 20000; i++) {
			x = x * 1664525 + 1013904223;
			n = (x >> 8) % sizeof(chunk);
			if (x >> 31) {
				for (k = 0; k < n; k++)
					chunk[k] = (u_char)((in + k) * 7);
				if (n > limit - buf_len(&b))
					assert_int_equal(buf_append(&b, chunk,
					    n), -1);
				else {
					assert_int_equal(buf_append(&b, chunk,
					    n), 0);
					in += (uint32_t)n;
				}
			} else {
				if (n > buf_len(&b))
					n = buf_len(&b);
				for (k = 0; k < n; k++)
					assert_int_equal(buf_data(&b)[k],
					    (u_char)((out + k) * 7));
				buf_consume(&b, n);
				out += (uint32_t)n;
			}
			assert_int_equal(buf_len(&b), in - out);
			assert_true(b.size <= limit + limit / 2);
		}
		buf_clear(&b);
	}
}

/* A full queue that moves a byte at a time must not be copied every time. */
static void
test_cost(void **state)
{
	const size_t limit = 1 << 20;
	size_t i, moves = 0, last = 0;
	struct buf b;
	u_char *p;

	buf_init(&b, limit);
	assert_non_null(p = buf_reserve(&b, limit));
	memset(p, 'x', limit);
	buf_commit(&b, limit);
	for (i = 0; i < 4 * limit; i++) {
		buf_consume(&b, 1);
		assert_int_equal(buf_append(&b, "y", 1), 0);
		if (b.off < last)
			moves++;
		last = b.off;
	}
	assert_true(moves <= 9);
	buf_clear(&b);
}

static void
test_no_memory(void **state)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	assert_int_equal(buf_append(&b, "keep", 4), 0);
	errno = 0;
	assert_null(buf_reserve(&b, SIZE_MAX / 8));
	assert_int_equal(errno, ENOMEM);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_int_equal(buf_len(&b), 4);
	assert_memory_equal(buf_data(&b), "keep", 4);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_no_memory)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
