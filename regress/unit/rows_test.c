/* SPDX-License-Identifier: ISC */
/* Two answers, one after the other: rates, programs, order and filter. */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "rows.h"

#define NOWHERE	"/nonexistent"
#define MANY	10000

static struct rows rows;

static json_t *
flow(int id, double seconds, double up, double down, const char *dst)
{
	char client[64];

	snprintf(client, sizeof(client), "127.0.0.1:%d", 1000 + id);
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:f, s:f, s:f}", "id", id,
	    "client", client, "state", "flowing", "command", "CONNECT",
	    "destination", dst, "seconds", seconds, "bytes_up", up,
	    "bytes_down", down);
}

/* An answer of the process of that number; NULL ends the flows. */
static json_t *
answer(int pid, ...)
{
	json_t *a = json_pack("{s:i, s:[]}", "pid", pid, "flows"), *f;
	va_list ap;

	va_start(ap, pid);
	while ((f = va_arg(ap, json_t *)) != NULL)
		json_array_append_new(json_object_get(a, "flows"), f);
	va_end(ap);
	return a;
}

static void
expect_rates(size_t i, double up, double down)
{
	assert_true(rows.all[i].number[ROW_SENT_RATE] == up);
	assert_true(rows.all[i].number[ROW_RECEIVED_RATE] == down);
}

/* The numbers of those that are shown. */
static void
expect_order(const char *ids)
{
	char got[256] = "", id[32];
	size_t i;

	for (i = 0; i < rows.nshown; i++) {
		snprintf(id, sizeof(id), " %d", (int)rows.shown[i]->id);
		strlcat(got, id, sizeof(got));
	}
	assert_string_equal(got, ids);
}

static int
teardown(void **state)
{
	rows_clear(&rows);
	return 0;
}

static void
test_rates(void **state)
{
	assert_int_equal(rows_update(&rows, answer(1, flow(1, 10, 100, 1000,
	    "a:1"), flow(2, 1, 0, 0, "b:1"), NULL), NOWHERE), 0);
	expect_rates(0, 0, 0);
	/* One goes on, one is new, one has ended; the order is another. */
	assert_int_equal(rows_update(&rows, answer(1, flow(3, 0.5, 50, 0,
	    "c:1"), flow(1, 12, 300, 1000, "a:1"), NULL), NOWHERE), 0);
	assert_int_equal(rows.n, 2);
	assert_int_equal(rows.all[0].id, 1);
	expect_rates(0, 100, 0);
	expect_rates(1, 100, 0);
	/* Another process, whose numbers begin anew. */
	assert_int_equal(rows_update(&rows, answer(2, flow(1, 20, 900, 9000,
	    "a:1"), NULL), NOWHERE), 0);
	expect_rates(0, 0, 0);
	/* A clock that stands, bytes that become fewer. */
	assert_int_equal(rows_update(&rows, answer(2, flow(1, 20, 999, 9999,
	    "a:1"), NULL), NOWHERE), 0);
	expect_rates(0, 0, 0);
	assert_int_equal(rows_update(&rows, answer(2, flow(1, 21, 1, 10000,
	    "a:1"), NULL), NOWHERE), 0);
	expect_rates(0, 0, 1);
}

/* What was found out stays; nobody is looked for twice. */
static void
test_programs(void **state)
{
	json_t *f = flow(1, 1, 0, 0, "a:1");

	json_object_set_new(f, "pid", json_integer(77));
	json_object_set_new(f, "program", json_string("curl"));
	assert_int_equal(rows_update(&rows, answer(1, f, flow(2, 1, 0, 0,
	    "b:1"), NULL), NOWHERE), 0);
	assert_int_equal(rows_update(&rows, answer(1, flow(1, 2, 0, 0, "a:1"),
	    flow(2, 2, 0, 0, "b:1"), NULL), NOWHERE), 0);
	assert_int_equal(rows.all[0].pid, 77);
	assert_string_equal(rows.all[0].program, "curl");
	assert_int_equal(rows.all[1].pid, 0);
	assert_string_equal(rows.all[1].program, "-");
	rows_arrange(&rows, ROW_PID, 1, "CURL");
	expect_order(" 1");
	rows_arrange(&rows, ROW_PID, 1, "77");
	expect_order(" 1");
}

static void
test_arrange(void **state)
{
	assert_int_equal(rows_update(&rows, answer(1, flow(4, 9, 7, 1, "b:1"),
	    flow(1, 3, 5, 5, "c:1"), flow(2, 3, 6, 3, "a:1"), NULL), NOWHERE),
	    0);
	rows_arrange(&rows, ROW_DESTINATION, 0, "");
	expect_order(" 2 4 1");
	rows_arrange(&rows, ROW_DESTINATION, 1, "");
	expect_order(" 1 4 2");
	rows_arrange(&rows, ROW_RECEIVED, 1, "");
	expect_order(" 1 2 4");
	/* Equals, by their numbers either way. */
	rows_arrange(&rows, ROW_AGE, 0, "");
	expect_order(" 1 2 4");
	rows_arrange(&rows, ROW_AGE, 1, "");
	expect_order(" 4 1 2");
	rows_arrange(&rows, ROW_COMMAND, 1, "connect");
	expect_order(" 1 2 4");
	rows_arrange(&rows, ROW_ID, 0, "127.0.0.1:1002");
	expect_order(" 2");
	rows_arrange(&rows, ROW_ID, 0, "nothing");
	expect_order("");
}

static void
test_many(void **state)
{
	json_t *a;
	size_t i;
	int round, key;

	for (round = 0; round < 2; round++) {
		a = answer(1, NULL);
		for (i = 0; i < MANY; i++)
			json_array_append_new(json_object_get(a, "flows"),
			    flow((int)(i * 7919 % MANY) + 1, round + 1.0,
			    (double)(i * round), 0, "a:1"));
		assert_int_equal(rows_update(&rows, a, NOWHERE), 0);
	}
	assert_int_equal(rows.n, MANY);
	expect_rates(0, 0, 0);
	expect_rates(7919, 1, 0);
	for (key = 0; key < ROW_KEYS; key++)
		rows_arrange(&rows, (enum row_key)key, key & 1, "a:1");
	assert_int_equal(rows.nshown, MANY);
}

/* No such answer: what there was stays. */
static void
test_nonsense(void **state)
{
	assert_int_equal(rows_update(&rows, answer(1, flow(1, 1, 1, 1, "a:1"),
	    NULL), NOWHERE), 0);
	assert_int_equal(rows_update(&rows, json_integer(5), NOWHERE), -1);
	assert_int_equal(rows_update(&rows, json_pack("{s:{}}", "flows"),
	    NOWHERE), -1);
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows_update(&rows, json_pack("{s:[n,i,{},{s:s}]}",
	    "flows", 3, "id", "x"), NOWHERE), 0);
	assert_int_equal(rows.n, 4);
	rows_arrange(&rows, ROW_CLIENT, 0, "");
	assert_int_equal(rows_update(&rows, json_pack("{s:[{s:s}]}", "flows",
	    "destination", "a\033[2J\xc2\x9b" "b"), NOWHERE), 0);
	assert_string_equal(rows.all[0].destination, "a?[2J??b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_rates, teardown),
		cmocka_unit_test_teardown(test_programs, teardown),
		cmocka_unit_test_teardown(test_arrange, teardown),
		cmocka_unit_test_teardown(test_many, teardown),
		cmocka_unit_test_teardown(test_nonsense, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
