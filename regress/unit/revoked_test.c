/* SPDX-License-Identifier: ISC */
/* Files of RevokedHostKeys: what is not understood lets no key through. */
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
#include <libssh/libssh.h>

#include "revoked.h"

static char path[] = "/tmp/revoked_test.XXXXXX";
static ssh_key key, other;
static char why[128];

/* What is found in a file with this text and, unless NULL, this key. */
static int
find(const char *before, ssh_key k, const char *after)
{
	char *b64 = NULL;
	FILE *fp;

	assert_non_null(fp = fopen(path, "w"));
	fputs(before, fp);
	if (k != NULL) {
		assert_int_equal(ssh_pki_export_pubkey_base64(k, &b64), SSH_OK);
		fprintf(fp, "ssh-ed25519 %s", b64);
		ssh_string_free_char(b64);
	}
	fputs(after, fp);
	fclose(fp);
	*why = '\0';
	return revoked_find(path, key, why, sizeof(why));
}

static void
test_keys(void **state)
{
	assert_int_equal(find("", NULL, ""), 0);
	assert_int_equal(find("# none\n\n \t\n", NULL, ""), 0);
	assert_int_equal(find("", other, " comment\n"), 0);
	assert_int_equal(find("", key, ""), 1);
	assert_int_equal(find("# x\n  ", key, " a b c\r\n"), 1);
	assert_int_equal(find("", key, "\r\n"), 1);
	assert_int_equal(find("ssh-rsa AAAA+/==\n", key, "\n"), 1);
}

static void
bad(const char *text, const char *want)
{
	assert_int_equal(find(text, key, "\n"), -1);
	assert_string_equal(why, want);
}

static void
test_bad(void **state)
{
	bad("word\n", "line 1 is no key");
	bad("# x\nssh-rsa \n", "line 2 is no key");
	bad("ssh-rsa BBBB\n", "line 1 is no key");
	bad("ssh-rsa AAAA,\n", "line 1 is no key");
	bad("host ssh-rsa AAAA\n", "line 1 is no key");
	bad("SSHKRL\n", "a KRL is not served, only a list of keys");
	assert_int_equal(revoked_find("/nonexistent", key, why, sizeof(why)),
	    -1);
	assert_string_equal(why, "No such file or directory");
	assert_int_equal(revoked_find("/tmp", key, why, sizeof(why)), -1);
	assert_string_equal(why, "Is a directory");
}

static int
setup_group(void **state)
{
	int fd = mkstemp(path);

	if (fd != -1)
		close(fd);
	return fd == -1 || ssh_pki_generate(SSH_KEYTYPE_ED25519, 0,
	    &key) != SSH_OK || ssh_pki_generate(SSH_KEYTYPE_ED25519, 0,
	    &other) != SSH_OK ? -1 : 0;
}

static int
teardown_group(void **state)
{
	ssh_key_free(key);
	ssh_key_free(other);
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys), cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
