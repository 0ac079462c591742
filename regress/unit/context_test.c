/* SPDX-License-Identifier: ISC */
/* The context that a dialer inherits, as bytes and back. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"
#include "context.h"

static void
test_round_trip(void **state)
{
	struct context in = { .user = "alice", .peer = "::1 port 5" }, out;
	size_t len;
	char *text;

	text = context_pack(&in, &len);
	assert_int_equal(context_unpack(&out, text, len), 0);
	assert_string_equal(out.user, "alice");
	assert_string_equal(out.peer, "::1 port 5");
	assert_int_equal(out.permit_open.n, 0);
	free(text);
	conf_list_add(&in.permit_open, "name.example:80");
	conf_list_add(&in.permit_open, "none");
	text = context_pack(&in, &len);
	assert_int_equal(context_unpack(&out, text, len), 0);
	assert_int_equal(out.permit_open.n, 2);
	assert_string_equal(out.permit_open.word[0], "name.example:80");
	assert_string_equal(out.permit_open.word[1], "none");
	conf_list_clear(&in.permit_open);
	conf_list_clear(&out.permit_open);
	free(text);
}

static void
test_damaged(void **state)
{
	static const char good[] = "alice\0" "peer\0" "rule";
	struct context ctx;

	assert_int_equal(context_unpack(&ctx, good, 0), -1);
	assert_int_equal(context_unpack(&ctx, good, 5), -1);
	assert_int_equal(context_unpack(&ctx, good, 6), -1);
	assert_int_equal(context_unpack(&ctx, good, sizeof(good) - 1), -1);
	assert_int_equal(context_unpack(&ctx, "\0peer", 6), -1);
	assert_int_equal(context_unpack(&ctx, good, sizeof(good)), 0);
	conf_list_clear(&ctx.permit_open);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
