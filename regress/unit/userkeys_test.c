/* SPDX-License-Identifier: ISC */
/* A user's files are read once, and all keys looked for in what was read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "authkeys.h"
#include "servconf.h"
#include "userkeys.h"

#define ONE \
	"AAAAC3NzaC1lZDI1NTE5AAAAIKPCRHI4GhrWG3WJGS15v+3ixMGVfdTjPs8cRVnS73M8"
#define TWO \
	"AAAAC3NzaC1lZDI1NTE5AAAAIKPCRHI4GhrWG3WJGS15v+3ixMGVfdTjPs8cRVnS73M9"
#define OTHER \
	"AAAAC3NzaC1lZDI1NTE5AAAAIKPCRHI4GhrWG3WJGS15v+3ixMGVfdTjPs8cRVnS73MA"

static char		 home[] = "/tmp/userkeys.XXXXXX";
static char		 name[] = "somebody";
static struct servconf	 conf;
static struct account	 account;
static struct userkeys	 keys;
static char		 where[USERKEYS_WHERE_MAX];

static void
put(const char *file, const char *text, size_t len)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fwrite(text, len, 1, f);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	char err[128];

	account.name = name;
	account.home = home;
	account.uid = geteuid();
	account.gid = getegid();
	servconf_init(&conf);
	if (servconf_read_text(&conf, "AuthorizedKeysFile a none %h/b c\n",
	    "test", err, sizeof(err)) == -1)
		return -1;
	servconf_finish(&conf);
	return mkdtemp(home) == NULL || chdir(home) == -1;
}

static int
teardown(void **state)
{
	userkeys_clear(&keys);
	servconf_clear(&conf);
	unlink("a");
	unlink("b");
	return chdir("/") | rmdir(home);
}

static int
find(const char *base64)
{
	static const struct peer nobody;
	struct authkey key;
	u_char *blob;
	size_t len;
	int r;

	assert_int_equal(authkeys_decode_blob("ssh-ed25519", base64, &blob,
	    &len), 0);
	r = userkeys_find(&keys, &account, &nobody, blob, len, &key, where,
	    sizeof(where));
	if (r == 1)
		authkeys_clear(&key);
	free(blob);
	return r;
}

static void
check(void)
{
	char want[64];
	int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(find(OTHER), 0);
		assert_int_equal(find(TWO), 1);
		snprintf(want, sizeof(want), "%s/b:1", home);
		assert_string_equal(where, want);
		assert_int_equal(find(ONE), 1);
		snprintf(want, sizeof(want), "%s/a:3", home);
		assert_string_equal(where, want);
	}
}

static void
test_read_once(void **state)
{
	static const char a[] = "# a file\n\0ssh-ed25519 " OTHER "\n"
	    "ssh-ed25519 " ONE "\n";
	static const char b[] = "ssh-ed25519 " TWO;

	userkeys_load(&keys, &conf, &account);
	assert_int_equal(keys.n, 0);
	assert_int_equal(find(ONE), 0);
	userkeys_clear(&keys);
	put("a", a, sizeof(a) - 1);
	put("b", b, sizeof(b) - 1);
	userkeys_load(&keys, &conf, &account);
	assert_int_equal(keys.n, 2);
	check();
	put("a", "ssh-ed25519 " OTHER, sizeof(OTHER) + 11);
	assert_int_equal(unlink("b"), 0);
	check();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_once)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
