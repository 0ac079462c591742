/* SPDX-License-Identifier: ISC */
/* Answers as text: units, and nothing but text. */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "table.h"

static void
test_units(void **state)
{
	static const struct {
		double		 n;
		const char	*bytes, *age;
	} cases[] = {
		{ 0, "0 B", "0.0 s" },
		{ 59.94, "60 B", "59.9 s" },
		{ 61, "61 B", "1 min 01 s" },
		{ 999, "999 B", "16 min 39 s" },
		{ 1400, "1.4 kB", "23 min 20 s" },
		{ 123456, "123 kB", "1 d 10 h" },
		{ 7384, "7.4 kB", "2 h 03 min" },
		{ 5e15, "5000 TB", "57870370370 d 08 h" },
	};
	char buf[64];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(table_bytes(cases[i].n, buf, sizeof(buf)),
		    cases[i].bytes);
		assert_string_equal(table_age(cases[i].n, buf, sizeof(buf)),
		    cases[i].age);
	}
}

static void
test_clean(void **state)
{
	json_t *a = json_pack("{s:s, s:[s,n,{s:s}], s:i}", "a", "plain text",
	    "b", "\033[31m", "c", "\xc3\xa4\n\x7f~", "d", 5);
	json_t *b = json_object_get(a, "b");

	table_clean(a);
	assert_string_equal(table_text(a, "a"), "plain text");
	assert_string_equal(json_string_value(json_array_get(b, 0)), "?[31m");
	assert_string_equal(table_text(json_array_get(b, 2), "c"), "????~");
	assert_true(table_number(a, "d") == 5);
	assert_string_equal(table_text(a, "d"), "");
	assert_true(table_number(a, "a") == 0);
	json_decref(a);
	table_clean(NULL);
}

/* What a function prints for an answer, in a buffer. */
static void
shown(void (*show)(const json_t *), json_t *answer, char *buf, size_t size)
{
	FILE *f = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t n;

	assert_non_null(f);
	assert_non_null(answer);
	fflush(stdout);
	dup2(fileno(f), STDOUT_FILENO);
	show(answer);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(f);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
	json_decref(answer);
}

static void
test_tables(void **state)
{
	char buf[4096];

	shown(table_check, json_pack("{s:i}", "pid", 5), buf, sizeof(buf));
	assert_string_equal(buf, "Master running (pid=5)\n");
	shown(table_flows, json_pack("{s:[{s:i, s:s, s:i, s:s, s:i}, n]}",
	    "flows", "id", 7, "client", "127.0.0.1:5000", "pid", 77, "program",
	    "curl", "bytes_up", 2500), buf, sizeof(buf));
	assert_non_null(strstr(buf, "     7      77 curl            "
	    "127.0.0.1:5000 "));
	assert_non_null(strstr(buf, " 2.5 kB "));
	assert_non_null(strstr(buf, "     0       - -  "));
	shown(table_status, json_pack("{s:{s:s, s:i, s:f, s:n}, s:[s]}",
	    "session", "state", "waiting", "seconds", 61,
	    "next_attempt_seconds", 2.5, "connection", "listeners", "a:1"),
	    buf, sizeof(buf));
	assert_non_null(strstr(buf, "Session:      waiting for 1 min 01 s, "
	    "next attempt in 2.5 s\n"));
	assert_non_null(strstr(buf, "Listening on: a:1\n"));
	shown(table_status, json_array(), buf, sizeof(buf));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
