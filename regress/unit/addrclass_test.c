/* SPDX-License-Identifier: ISC */
/* What addresses are by their value, in every form that holds one. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "addrclass.h"

static struct addr
address(const char *host)
{
	struct addr a;

	if (addr_parse_host(&a, host, 80) == -1)
		fail_msg("%s is no host", host);
	return a;
}

static void
test_classes(void **state)
{
	enum {
		P = ADDRCLASS_PLAIN, H = ADDRCLASS_HOST, L = ADDRCLASS_LINK,
		C = ADDRCLASS_CLOUD, M = ADDRCLASS_MULTICAST,
		B = ADDRCLASS_BROADCAST
	};
	static const struct {
		const char	*host;
		int		 class;
		u_int		 bits;
	} tests[] = {
		{ "192.0.2.1", P, 0 }, { "2001:db8::1", P, 0 },
		{ "126.255.255.255", P, 0 }, { "128.0.0.0", P, 0 },
		{ "1.0.0.0", P, 0 }, { "169.253.255.255", P, 0 },
		{ "169.255.0.0", P, 0 }, { "223.255.255.255", P, 0 },
		{ "240.0.0.1", P, 0 }, { "255.255.255.254", P, 0 },
		{ "10.0.0.1", P, 0 }, { "100.100.100.201", P, 0 },
		{ "fe7f::1", P, 0 }, { "fec0::1", P, 0 },
		{ "fd00:ec3::254", P, 0 }, { "fd20:ce::255", P, 0 },
		{ "0.0.0.0", H, 8 }, { "0.255.255.255", H, 8 },
		{ "127.0.0.1", H, 8 }, { "127.255.255.255", H, 8 },
		{ "::", H, 128 }, { "::1", H, 128 },
		{ "169.254.0.0", L, 16 }, { "169.254.169.254", L, 16 },
		{ "fe80::1", L, 10 }, { "febf::", L, 10 },
		{ "100.100.100.200", C, 32 }, { "168.63.129.16", C, 32 },
		{ "192.0.0.192", C, 32 }, { "fd00:ec2::254", C, 32 },
		{ "fd00:ec2::23", C, 32 }, { "fd20:ce::254", C, 128 },
		{ "fd00:c1::a9fe:a9fe", C, 128 }, { "fd00:42::42", C, 128 },
		{ "fd00:a9fe:a9fe::1", C, 128 },
		{ "fd00:100::100:200", C, 128 },
		{ "224.0.0.1", M, 4 }, { "239.255.255.255", M, 4 },
		{ "ff02::fb", M, 8 }, { "255.255.255.255", B, 32 },
		/* An IPv4 address in an IPv6 one. */
		{ "::ffff:127.0.0.1", H, 8 }, { "::ffff:0.0.0.0", H, 8 },
		{ "::ffff:169.254.169.254", L, 16 },
		{ "::ffff:192.0.2.1", P, 0 },
		{ "::127.0.0.1", H, 104 }, { "::2", H, 104 },
		{ "::192.0.2.1", P, 0 },
		{ "::ffff:0:127.0.0.1", H, 104 },
		{ "64:ff9b::7f00:1", H, 104 }, { "64:ff9b::192.0.2.1", P, 0 },
		{ "64:ff9b::169.254.169.254", L, 112 },
		{ "64:ff9b::100.100.100.200", C, 128 },
		{ "64:ff9b::255.255.255.255", B, 128 },
		{ "64:ff9b:1::127.0.0.1", H, 104 },
		{ "64:ff9b:1:ff:ff::169.254.0.1", L, 112 },
		{ "64:ff9b:2::127.0.0.1", P, 0 },
		{ "2002:7f00:1::", H, 24 }, { "2002:7f00:1::1", H, 24 },
		{ "2002:a9fe:a9fe::1", L, 32 }, { "2002:c000:201::1", P, 0 },
		/* What is not an address is resolved first. */
		{ "localhost", P, 0 }, { "127.1", P, 0 }, { "fe80::1%lo", P, 0 }
	};
	struct addr a;
	u_int bits;
	size_t i;
	int class;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		a = address(tests[i].host);
		class = (int)addrclass_of(&a, &bits);
		if (class != tests[i].class || bits != tests[i].bits)
			fail_msg("%s: class %d, %u bits", tests[i].host,
			    class, bits);
	}
}

static void
test_embedded(void **state)
{
	struct addr a, v4, want = address("192.0.2.1");
	u_int before;

	a = address("64:ff9b::192.0.2.1");
	assert_int_equal(addrclass_embedded(&a, &v4, &before), 1);
	assert_true(addr_equal(&v4, &want));
	assert_int_equal(before, 96);
	a = address("2002:c000:201:5::6");
	assert_int_equal(addrclass_embedded(&a, &v4, &before), 1);
	assert_true(addr_equal(&v4, &want));
	assert_int_equal(before, 16);
	a = address("2001:db8::192.0.2.1");
	assert_int_equal(addrclass_embedded(&a, &v4, &before), 0);
	a = address("::1");
	assert_int_equal(addrclass_embedded(&a, &v4, &before), 0);
	a = address("::");
	assert_int_equal(addrclass_embedded(&a, &v4, &before), 0);
	a = address("192.0.2.1");
	assert_int_equal(addrclass_embedded(&a, &v4, &before), 0);
	a = address("name");
	assert_int_equal(addrclass_embedded(&a, &v4, &before), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_embedded)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
