/* SPDX-License-Identifier: ISC */
/* Answers to the dialogue about a new host key. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>

#include "hostkey.h"

#define PRINT	"SHA256:VcRr9hVeSoMQ89V/n7LieTuobxMWU80en9sYT2a31ZU"

static void
test_answer(void **state)
{
	assert_int_equal(hostkey_answer("yes", PRINT), 1);
	assert_int_equal(hostkey_answer(" YES\n", PRINT), 1);
	assert_int_equal(hostkey_answer(PRINT, PRINT), 1);
	assert_int_equal(hostkey_answer("\t" PRINT " ", PRINT), 1);
	assert_int_equal(hostkey_answer("no", PRINT), 0);
	assert_int_equal(hostkey_answer("No\n", PRINT), 0);
	assert_int_equal(hostkey_answer("", PRINT), 0);
	assert_int_equal(hostkey_answer("  ", PRINT), 0);
	assert_int_equal(hostkey_answer("y", PRINT), -1);
	assert_int_equal(hostkey_answer("yess", PRINT), -1);
	assert_int_equal(hostkey_answer("SHA256:", PRINT), -1);
	assert_int_equal(hostkey_answer(PRINT "x", PRINT), -1);
	assert_int_equal(hostkey_answer("sha256:vcrr", PRINT), -1);
}

static void
test_type_name(void **state)
{
	assert_string_equal(hostkey_type_name(SSH_KEYTYPE_ED25519),
	    "ED25519");
	assert_string_equal(hostkey_type_name(SSH_KEYTYPE_ECDSA_P384),
	    "ECDSA");
	assert_string_equal(hostkey_type_name(SSH_KEYTYPE_RSA), "RSA");
	assert_string_equal(hostkey_type_name(-1), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_type_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
