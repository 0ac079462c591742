/* SPDX-License-Identifier: ISC */
/* The ways to write user, host and port. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "destination.h"

/* What a text comes to, as "user host port" or "bad". */
static void
check(const char *text, int flags, const char *want)
{
	struct destination d;
	char got[128] = "bad";

	if (destination_parse(&d, text, flags) == 0)
		snprintf(got, sizeof(got), "%s %s %d",
		    d.user != NULL ? d.user : "-", d.host, d.port);
	assert_string_equal(got, want);
	destination_clear(&d);
}

static void
test_plain(void **state)
{
	check("host", 0, "- host 0");
	check("u@host", 0, "u host 0");
	check("u@realm@host", 0, "u@realm host 0");
	check("host:22", 0, "- host:22 0");
	check("2001:db8::1", 0, "- 2001:db8::1 0");
	check("[2001:db8::1]", 0, "- 2001:db8::1 0");
	check("[::1]:22", 0, "bad");
	check("", 0, "bad");
	check("u@", 0, "bad");
	check("@host", 0, "bad");
}

static void
test_port(void **state)
{
	check("host", DESTINATION_PORT, "- host 0");
	check("u@host:2222", DESTINATION_PORT, "u host 2222");
	check("[::1]:2222", DESTINATION_PORT, "- ::1 2222");
	check("2001:db8::1", DESTINATION_PORT, "- 2001:db8::1 0");
	check("host:0", DESTINATION_PORT, "bad");
	check("host:65536", DESTINATION_PORT, "bad");
	check("host:", DESTINATION_PORT, "bad");
	check("[::1", DESTINATION_PORT, "bad");
	check("[::1]x", DESTINATION_PORT, "bad");
}

static void
test_uri(void **state)
{
	check("ssh://host", 0, "- host 0");
	check("SSH://u@host:2222", 0, "u host 2222");
	check("ssh://u@host:2222/", 0, "u host 2222");
	check("ssh://[::1]:2222", 0, "- ::1 2222");
	check("ssh://host/path", 0, "bad");
	check("ssh://u@host:2222/path", 0, "bad");
	check("ssh://host/path/", DESTINATION_PORT, "bad");
	check("ssh://", 0, "bad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
