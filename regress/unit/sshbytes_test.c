/* SPDX-License-Identifier: ISC */
/* SSH's data types: what is put comes out; what is short or long is seen. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sshbytes.h"

static void
test_roundtrip(void **state)
{
	struct sshwrite w = { 0 };
	struct sshstring s;
	struct sshread r;

	sshwrite_u8(&w, 50);
	sshwrite_u32(&w, 0xdeadbeef);
	sshwrite_text(&w, "ssh-connection");
	sshwrite_string(&w, "\0\1", 2);
	sshwrite_text(&w, "");
	assert_false(w.bad);
	assert_int_equal(w.len, 1 + 4 + 18 + 6 + 4);
	sshread_init(&r, w.data, w.len);
	assert_int_equal(sshread_u8(&r), 50);
	assert_int_equal(sshread_u32(&r), 0xdeadbeef);
	assert_true(sshstring_is(sshread_string(&r), "ssh-connection"));
	s = sshread_string(&r);
	assert_int_equal(s.len, 2);
	assert_memory_equal(s.data, "\0\1", 2);
	assert_int_equal(sshread_end(&r), -1);
	assert_true(sshstring_is(sshread_string(&r), ""));
	assert_int_equal(sshread_end(&r), 0);
	sshwrite_clear(&w);
}

/* What is cut off anywhere is bad, and stays bad. */
static void
test_short(void **state)
{
	static const u_char bytes[] = { 0, 0, 0, 3, 'a', 'b', 'c' };
	struct sshstring s;
	struct sshread r;
	size_t i;

	for (i = 0; i < sizeof(bytes); i++) {
		sshread_init(&r, bytes, i);
		s = sshread_string(&r);
		assert_null(s.data);
		assert_int_equal(s.len, 0);
		assert_int_equal(sshread_u8(&r), 0);
		assert_int_equal(sshread_end(&r), -1);
	}
	sshread_init(&r, "\xff\xff\xff\xff", 4);
	sshread_string(&r);
	assert_true(r.bad);
}

static void
test_mpint(void **state)
{
	static const struct {
		const char	*in;
		size_t		 inlen;
		const char	*out;
		size_t		 outlen;
	} t[] = {
		{ "", 0, "\0\0\0\0", 4 },
		{ "\0\0", 2, "\0\0\0\0", 4 },
		{ "\x7f", 1, "\0\0\0\1\x7f", 5 },
		{ "\x80", 1, "\0\0\0\2\0\x80", 6 },
		{ "\0\0\x12\0", 4, "\0\0\0\2\x12\0", 6 }
	};
	static const struct sshstring bad[] = {
		{ (const u_char *)"\0\0\0\1\0", 5 },
		{ (const u_char *)"\0\0\0\1\x80", 5 },
		{ (const u_char *)"\0\0\0\2\0\x7f", 6 }
	};
	struct sshstring s;
	struct sshread r;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sshwrite w = { 0 };

		sshwrite_mpint(&w, t[i].in, t[i].inlen);
		assert_int_equal(w.len, t[i].outlen);
		assert_memory_equal(w.data, t[i].out, w.len);
		sshread_init(&r, w.data, w.len);
		s = sshread_mpint(&r);
		assert_int_equal(sshread_end(&r), 0);
		assert_true(s.len == 0 || s.data[0] != 0);
		sshwrite_clear(&w);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		sshread_init(&r, bad[i].data, bad[i].len);
		sshread_mpint(&r);
		assert_true(r.bad);
	}
}

static void
test_limit(void **state)
{
	struct sshwrite w = { 0 };
	static u_char big[64 * 1024];
	int i;

	for (i = 0; i < 8; i++)
		sshwrite_string(&w, big, sizeof(big));
	assert_true(w.bad);
	assert_true(w.len <= 256 * 1024);
	sshwrite_clear(&w);
	assert_null(w.data);
	sshwrite_string(&w, big, SIZE_MAX);
	assert_true(w.bad);
	assert_int_equal(w.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_mpint),
		cmocka_unit_test(test_limit)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
