/* SPDX-License-Identifier: ISC */
/* Commands of SOCKS and the services that do what they ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "protocol.h"
#include "socks.h"

static void
test_services(void **state)
{
	static const enum socks_cmd cmds[] = {
		SOCKS_CMD_CONNECT, SOCKS_CMD_BIND, SOCKS_CMD_UDP,
		SOCKS_CMD_RESOLVE, SOCKS_CMD_RESOLVE_PTR
	};
	size_t i;

	for (i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		assert_int_equal(protocol_service_cmd(
		    protocol_service_name(cmds[i])), cmds[i]);
	assert_string_equal(protocol_service_name(SOCKS_CMD_UDP),
	    "udp@sockstun");
}

/* A spare channel is no command's yet. */
static void
test_strangers(void **state)
{
	assert_null(protocol_service_name((enum socks_cmd)9));
	assert_int_equal(protocol_service_cmd(SERVICE_SPARE), -1);
	assert_int_equal(protocol_service_cmd("CONNECT@sockstun"), -1);
	assert_int_equal(protocol_service_cmd(""), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
