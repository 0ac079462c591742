/* SPDX-License-Identifier: ISC */
/* Lists of algorithms: prefixes, order, and names nobody knows. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>

#include "algs.h"
#include "cliconf.h"

#define TEXT(s)	((char[]){ s })	/* fields of cliconf are not const */

static void
check_expand(const char *spec, const char *dflt, const char *want)
{
	char	*list;

	list = algs_expand(spec, dflt);
	assert_string_equal(list, want);
	free(list);
}

static void
test_expand(void **state)
{
	check_expand(NULL, "a,b", "a,b");
	check_expand("c,d", "a,b", "c,d");
	check_expand("", "a,b", "");
	check_expand("+c", "a,b", "a,b,c");
	check_expand("-b", "a,b,c", "a,c");
	check_expand("^c,b", "a,b", "c,b,a");
}

static void
check_prefer(const char *list, const char *types, const char *want)
{
	char	*out;

	out = algs_prefer(list, types);
	assert_string_equal(out, want);
	free(out);
}

static void
test_prefer(void **state)
{
	check_prefer("ssh-ed25519,rsa-sha2-512,rsa-sha2-256", "",
	    "ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
	check_prefer("ssh-ed25519,rsa-sha2-512,rsa-sha2-256", "ssh-rsa",
	    "rsa-sha2-512,rsa-sha2-256,ssh-ed25519");
	check_prefer("ssh-ed25519,rsa-sha2-512", "ssh-rsa,ssh-ed25519",
	    "ssh-ed25519,rsa-sha2-512");
	check_prefer("ssh-ed25519,ecdsa-sha2-nistp256",
	    "ecdsa-sha2-nistp256,ecdsa-sha2-nistp256",
	    "ecdsa-sha2-nistp256,ssh-ed25519");
	check_prefer("", "ssh-rsa", "");
}

static void
test_default_ciphers(void **state)
{
	const char	*list = algs_default_ciphers();

	assert_non_null(strstr(list, "aes128-gcm@openssh.com"));
	assert_non_null(strstr(list, "chacha20-poly1305@openssh.com"));
	assert_null(strstr(list, "cbc"));
}

static int
apply(struct cliconf *conf, char *errstr, size_t errsize)
{
	ssh_session	session;
	int		ret;

	session = ssh_new();
	assert_non_null(session);
	ret = algs_apply(session, conf, "ssh-rsa", errstr, errsize);
	ssh_free(session);
	return ret;
}

static void
test_apply(void **state)
{
	struct cliconf	conf;
	char		errstr[256] = "";

	memset(&conf, 0, sizeof(conf));
	assert_int_equal(apply(&conf, errstr, sizeof(errstr)), 0);
	conf.ciphers = TEXT("no-such-cipher,aes256-ctr");
	assert_int_equal(apply(&conf, errstr, sizeof(errstr)), 0);
	conf.ciphers = TEXT("no-such-cipher");
	assert_int_equal(apply(&conf, errstr, sizeof(errstr)), -1);
	assert_string_equal(errstr,
	    "Ciphers \"no-such-cipher\": none of them is supported");
	conf.ciphers = TEXT("-*");
	assert_int_equal(apply(&conf, errstr, sizeof(errstr)), -1);
	conf.ciphers = NULL;
	conf.kex = TEXT("^no-such-kex");
	assert_int_equal(apply(&conf, errstr, sizeof(errstr)), 0);
	conf.macs = TEXT(",");
	assert_int_equal(apply(&conf, errstr, sizeof(errstr)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_prefer),
		cmocka_unit_test(test_default_ciphers),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
