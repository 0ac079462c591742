/* SPDX-License-Identifier: ISC */
/* Reassembly of a SOCKS client's fragments. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "monotime.h"
#include "socksudp.h"
#include "udpfrag.h"

#define LAST	SOCKSUDP_FRAG_LAST
#define T0	(77 * MONOTIME_SECOND)

enum { DROPPED = -1, KEPT = 0, COMPLETE = 1 };

static struct udpfrag frag;

static int
add_at(u_char position, const char *text, size_t len, const char *host,
    int64_t now)
{
	struct socksudp d = { .frag = position, .len = len };
	u_char *copy;
	int r;

	assert_int_equal(addr_parse_host(&d.addr, host, 9), 0);
	assert_non_null(copy = malloc(len == 0 ? 1 : len));
	memcpy(copy, text, len);
	d.data = copy;
	r = udpfrag_add(&frag, &d, now);
	free(copy);
	return r;
}

static int
add(u_char position, const char *text)
{
	return add_at(position, text, strlen(text), "192.0.2.1", T0);
}

static void
assert_data(const char *want)
{
	assert_int_equal(frag.len, strlen(want));
	assert_memory_equal(frag.data, want, frag.len);
}

static int
setup(void **state)
{
	udpfrag_init(&frag);
	return 0;
}

static int
teardown(void **state)
{
	udpfrag_clear(&frag);
	return 0;
}

static void
test_sequence(void **state)
{
	struct addr dst;

	assert_int_equal(add(1, "ab"), KEPT);
	assert_int_equal(add(2, "c"), KEPT);
	assert_int_equal(add(3 | LAST, "de"), COMPLETE);
	assert_data("abcde");
	assert_int_equal(addr_parse_host(&dst, "192.0.2.1", 9), 0);
	assert_true(addr_equal(&frag.dst, &dst));
	/* The next one begins with nothing of the last. */
	assert_int_equal(add(1, "x"), KEPT);
	assert_int_equal(add(2 | LAST, "y"), COMPLETE);
	assert_data("xy");
}

static void
test_alone(void **state)
{
	assert_int_equal(add(1 | LAST, "all"), COMPLETE);
	assert_data("all");
	assert_int_equal(add(1 | LAST, ""), COMPLETE);
	assert_int_equal(frag.len, 0);
}

static void
test_longest(void **state)
{
	u_char i;

	for (i = 1; i < 127; i++)
		assert_int_equal(add(i, "z"), KEPT);
	assert_int_equal(add(i | LAST, "z"), COMPLETE);
	assert_int_equal(frag.len, 127);
	for (i = 1; i <= 127; i++)
		assert_int_equal(add(i, "z"), KEPT);
	assert_int_equal(add(0 | LAST, "z"), DROPPED);
	assert_int_equal(add(127 | LAST, "z"), DROPPED);
}

static void
test_no_first(void **state)
{
	assert_int_equal(add(2, "b"), DROPPED);
	assert_int_equal(add(2 | LAST, "b"), DROPPED);
	assert_int_equal(add(LAST, "b"), DROPPED);
	assert_int_equal(add(0, "b"), DROPPED);
	assert_null(frag.data);
}

/* What came before a gap is gone with it. */
static void
test_gap(void **state)
{
	assert_int_equal(add(1, "a"), KEPT);
	assert_int_equal(add(3, "c"), DROPPED);
	assert_null(frag.data);
	assert_int_equal(add(2 | LAST, "b"), DROPPED);
}

static void
test_lower(void **state)
{
	assert_int_equal(add(1, "a"), KEPT);
	assert_int_equal(add(2, "b"), KEPT);
	assert_int_equal(add(3, "c"), KEPT);
	assert_int_equal(add(2, "B"), DROPPED);
	assert_int_equal(add(3 | LAST, "C"), DROPPED);
	assert_int_equal(add(1, "a"), KEPT);
	assert_int_equal(add(2, "b"), KEPT);
	assert_int_equal(add(2 | LAST, "b"), DROPPED);
	/* The first one starts anew. */
	assert_int_equal(add(1, "a"), KEPT);
	assert_int_equal(add(2, "b"), KEPT);
	assert_int_equal(add(1, "c"), KEPT);
	assert_int_equal(add(1, "d"), KEPT);
	assert_int_equal(add(2 | LAST, "e"), COMPLETE);
	assert_data("de");
}

/* A datagram of its own, which is the caller's to see. */
static void
test_cleared(void **state)
{
	assert_int_equal(add(1, "a"), KEPT);
	udpfrag_clear(&frag);
	assert_null(frag.data);
	assert_int_equal(add(2 | LAST, "b"), DROPPED);
}

static void
test_timer(void **state)
{
	int64_t end = T0 + UDPFRAG_TIME * MONOTIME_SECOND;

	assert_true(UDPFRAG_TIME >= 5);
	assert_int_equal(add_at(1, "a", 1, "h", T0), KEPT);
	assert_int_equal(add_at(2 | LAST, "b", 1, "h", end - 1), COMPLETE);
	assert_int_equal(add_at(1, "a", 1, "h", T0), KEPT);
	assert_int_equal(add_at(2, "b", 1, "h", end - 1), KEPT);
	assert_int_equal(add_at(3 | LAST, "c", 1, "h", end), DROPPED);
	assert_int_equal(add_at(1, "a", 1, "h", T0), KEPT);
	assert_int_equal(add_at(1, "b", 1, "h", end), KEPT);
	assert_int_equal(add_at(2 | LAST, "c", 1, "h", end + 1), COMPLETE);
	assert_data("bc");
}

static void
test_other_destination(void **state)
{
	assert_int_equal(add_at(1, "a", 1, "one.example", T0), KEPT);
	assert_int_equal(add_at(2 | LAST, "b", 1, "two.example", T0), DROPPED);
	assert_int_equal(add_at(2 | LAST, "b", 1, "one.example", T0), DROPPED);
	assert_int_equal(add_at(1, "a", 1, "one.example", T0), KEPT);
	assert_int_equal(add_at(1, "b", 1, "two.example", T0), KEPT);
	assert_int_equal(add_at(2 | LAST, "c", 1, "two.example", T0),
	    COMPLETE);
	assert_data("bc");
}

static void
test_too_much(void **state)
{
	static char big[SOCKSUDP_PAYLOAD_MAX + 1];

	assert_int_equal(add_at(1 | LAST, big, sizeof(big), "h", T0), DROPPED);
	assert_int_equal(add_at(1, big, sizeof(big) - 1, "h", T0), KEPT);
	assert_int_equal(add_at(2, big, 0, "h", T0), KEPT);
	assert_int_equal(add_at(3 | LAST, big, 1, "h", T0), DROPPED);
	assert_null(frag.data);
	assert_int_equal(add_at(1, big, 1, "h", T0), KEPT);
	assert_int_equal(add_at(2 | LAST, big, sizeof(big) - 2, "h", T0),
	    COMPLETE);
	assert_int_equal(frag.len, SOCKSUDP_PAYLOAD_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_no_first),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_cleared),
		cmocka_unit_test(test_timer),
		cmocka_unit_test(test_other_destination),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
