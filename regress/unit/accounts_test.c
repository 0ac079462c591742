/* SPDX-License-Identifier: ISC */
/* Who may log in; and that others get an account, which is nobody's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "log.h"
#include "servconf.h"

static struct servconf	 conf;
static struct account	 account;
static char		 me[64];

static int
get(const char *user, const char *text)
{
	static const struct peer peer = { .text = "192.0.2.1 port 5" };
	char err[128];

	account_clear(&account);
	servconf_clear(&conf);
	servconf_init(&conf);
	assert_int_equal(servconf_read_text(&conf, text, "test", err,
	    sizeof(err)), 0);
	servconf_finish(&conf);
	return account_get(&account, &conf, user, &peer);
}

static int
setup(void **state)
{
	const struct passwd *pw = getpwuid(geteuid());

	log_init("accounts_test", LOG_LEVEL_QUIET, 1);
	return pw == NULL ||
	    strlcpy(me, pw->pw_name, sizeof(me)) >= sizeof(me);
}

static int
teardown(void **state)
{
	account_clear(&account);
	servconf_clear(&conf);
	return 0;
}

static void
test_permitted(void **state)
{
	assert_int_equal(get(me, "PermitRootLogin yes\n"), 1);
	assert_string_equal(account.name, me);
	assert_int_equal(account.uid, geteuid());
	assert_int_equal(get(me, "PermitRootLogin prohibit-password\n"), 1);
}

static void
assert_nobody(const char *user, const char *text)
{
	assert_int_equal(get(user, text), 0);
	assert_string_equal(account.name, "NOUSER");
	assert_string_equal(account.home, "/nonexistent");
	assert_int_equal(account.uid, 65534);
	assert_int_equal(account.gid, 65534);
}

static void
test_refused(void **state)
{
	char text[128];

	assert_nobody("nobody-of-this-name", "");
	assert_nobody("", "");
	assert_nobody("root", "PermitRootLogin no\n");
	assert_nobody("root", "");
	assert_nobody(me, "PermitRootLogin yes\nAllowUsers someone-else\n");
	snprintf(text, sizeof(text), "PermitRootLogin yes\nDenyUsers %s\n",
	    me);
	assert_nobody(me, text);
}

/* The rights of nobody's account are taken on and given back as of others. */
static void
test_enter(void **state)
{
	struct account_saved saved;
	uid_t uid = geteuid();

	assert_nobody("nobody-of-this-name", "");
	account_enter(&account, &saved);
	assert_int_equal(geteuid(), uid == 0 ? 65534 : uid);
	account_leave(&saved);
	assert_int_equal(geteuid(), uid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permitted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_enter)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
