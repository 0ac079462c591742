/* SPDX-License-Identifier: ISC */
/* Which addresses the kernel takes for this host's own. */
#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "addr.h"
#include "localaddr.h"

static struct localaddr la;

static int
setup(void **state)
{
	return localaddr_open(&la);
}

static int
teardown(void **state)
{
	localaddr_close(&la);
	localaddr_close(&la);
	return 0;
}

static int
ask(const char *host)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host, 0), 0);
	return localaddr_ask(&la, &a);
}

static void
test_literals(void **state)
{
	int i;

	for (i = 0; i < 1000; i++) {
		assert_int_equal(ask("127.0.0.1"), LOCALADDR_OWN);
		assert_int_equal(ask("127.9.9.9"), LOCALADDR_OWN);
		assert_int_equal(ask("198.51.100.1"), LOCALADDR_ELSEWHERE);
		assert_int_equal(ask("2001:db8:ffff::1"),
		    LOCALADDR_ELSEWHERE);
		assert_int_equal(ask("255.255.255.255"),
		    LOCALADDR_BROADCAST);
	}
}

/* Whatever interfaces there are. */
static void
test_interfaces(void **state)
{
	struct ifaddrs *list, *ifa;
	struct addr a;

	assert_int_equal(getifaddrs(&list), 0);
	for (ifa = list; ifa != NULL; ifa = ifa->ifa_next) {
		if (ifa->ifa_addr == NULL || !(ifa->ifa_flags & IFF_UP) ||
		    addr_from_sockaddr(&a, ifa->ifa_addr) == -1)
			continue;
		assert_int_equal(localaddr_ask(&la, &a), LOCALADDR_OWN);
		if (!(ifa->ifa_flags & IFF_BROADCAST) ||
		    ifa->ifa_broadaddr == NULL ||
		    addr_from_sockaddr(&a, ifa->ifa_broadaddr) == -1)
			continue;
		assert_int_equal(localaddr_ask(&la, &a),
		    LOCALADDR_BROADCAST);
	}
	freeifaddrs(list);
}

static void
test_closed(void **state)
{
	struct localaddr none = { .fd = -1 };
	struct addr a;

	assert_int_equal(addr_parse_host(&a, "198.51.100.1", 0), 0);
	assert_int_equal(localaddr_ask(&none, &a), -1);
	assert_int_equal(errno, EBADF);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_closed)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
