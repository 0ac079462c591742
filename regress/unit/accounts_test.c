/* SPDX-License-Identifier: ISC */
/*
 * Who may log in; that others get an account, which is nobody's; and that
 * nobody keeps rights that could not be given up.  The calls that do so fail
 * here when they are told to (linked with --wrap).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "log.h"
#include "servconf.h"

static struct servconf	 conf;
static struct account	 account;
static char		 me[64];
static int		 left;		/* calls until the one that fails */
static int		 way_back;	/* to root, that should be none */
static long		 expire;	/* the account's last day, or 0 */

static int
fails(void)
{
	if (left == 0 || --left > 0)
		return 0;
	errno = EPERM;
	return 1;
}

/* A function of the system that can fail. */
#define CALL(name, params, args)					\
int	__real_##name params;						\
int	__wrap_##name params;						\
int									\
__wrap_##name params							\
{									\
	return fails() ? -1 : __real_##name args;			\
}

CALL(getgroups, (int n, gid_t *list), (n, list))
CALL(setgroups, (size_t n, const gid_t *list), (n, list))
CALL(initgroups, (const char *name, gid_t gid), (name, gid))
CALL(setegid, (gid_t gid), (gid))
CALL(seteuid, (uid_t uid), (uid))
CALL(setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s))
CALL(setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s))
CALL(getresgid, (gid_t *r, gid_t *e, gid_t *s), (r, e, s))
CALL(getresuid, (uid_t *r, uid_t *e, uid_t *s), (r, e, s))

int	__real_prctl(int, unsigned long, unsigned long, unsigned long,
	    unsigned long);
int	__wrap_prctl(int, unsigned long, unsigned long, unsigned long,
	    unsigned long);
int	__wrap_setuid(uid_t);
int	__wrap_setgid(gid_t);
struct spwd *__wrap_getspnam(const char *);

/* That it cannot be read is how a capability is known that there is not. */
int
__wrap_prctl(int what, unsigned long a, unsigned long b, unsigned long c,
    unsigned long d)
{
	return what != PR_CAPBSET_READ && fails() ? -1 :
	    __real_prctl(what, a, b, c, d);
}

int
__wrap_setuid(uid_t uid)
{
	return way_back == 1 ? 0 : -1;
}

int
__wrap_setgid(gid_t gid)
{
	return way_back == 2 ? 0 : -1;
}

struct spwd *
__wrap_getspnam(const char *name)
{
	static struct spwd sp;

	sp.sp_expire = expire;
	return expire == 0 ? NULL : &sp;
}

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

static void
test_expired(void **state)
{
	static const char text[] = "PermitRootLogin yes\n";

	if (geteuid() != 0)
		skip();
	expire = 1;
	assert_nobody(me, text);
	expire = time(NULL) / (24 * 60 * 60) + 1;
	assert_int_equal(get(me, text), 1);
	expire = -1;
	assert_int_equal(get(me, text), 1);
	expire = 0;
}

/* A leak check cannot look into a process whose rights have changed. */
static void
end_at_once(int status, void *arg)
{
	_exit(status);
}

/*
 * How a process ends in which the nth call fails: 0 if it became the user, 1
 * if it says that it did not, 255 if it ended itself.
 */
static int
status_of(void (*fn)(void), int n)
{
	pid_t pid;
	int status;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		on_exit(end_at_once, NULL);
		left = n;
		fn();
		exit(left > 0 ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
become(void)
{
	if (account_become(&account) == -1)
		exit(1);
}

static void
enter_and_leave(void)
{
	struct account_saved saved;

	account_enter(&account, &saved);
	account_leave(&saved);
}

/* Whichever call fails, nobody goes on with rights that are not the user's. */
static void
test_cannot_become(void **state)
{
	int n, status;

	if (geteuid() != 0)
		skip();
	assert_nobody("nobody-of-this-name", "");
	for (n = 1; (status = status_of(become, n)) != 2; n++)
		assert_int_equal(status, 1);
	assert_true(n > 10);
	for (n = 1; (status = status_of(enter_and_leave, n)) != 2; n++)
		assert_int_equal(status, 255);
	assert_int_equal(n, 9);
}

/* Ids that seem to be given up, but can be taken back. */
static void
test_way_back(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_nobody("nobody-of-this-name", "");
	for (way_back = 1; way_back <= 2; way_back++)
		assert_int_equal(status_of(become, 0), 1);
	way_back = 0;
	assert_int_equal(status_of(become, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permitted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_enter),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_cannot_become),
		cmocka_unit_test(test_way_back)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
