/* SPDX-License-Identifier: ISC */
/*
 * Which files are read where the command line names none, and who wrote them.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cliconf.h"
#include "conf.h"

struct passwd	*__wrap_getpwuid(uid_t);
struct passwd	*__wrap_getpwent(void);
struct group	*__wrap_getgrgid(gid_t);

static char home[] = "/tmp/clifiles_test.XXXXXX";
static char my_name[] = "me", other_name[] = "other";
static struct passwd me = { .pw_name = my_name, .pw_dir = home };
static struct passwd other = { .pw_name = other_name };
static char *members[2];
static struct group group = { .gr_mem = members };
/* What the system knows. */
static struct passwd *users[2], *user;
static struct group *gr;
static size_t at;

static struct cliconf conf;
static char err[CONF_ERR_MAX];

struct passwd *
__wrap_getpwuid(uid_t uid)
{
	return user;
}

struct passwd *
__wrap_getpwent(void)
{
	return at < 2 ? users[at++] : NULL;
}

struct group *
__wrap_getgrgid(gid_t gid)
{
	at = 0;
	return gr;
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.ssh/%s", home, name);
	assert_non_null(f = fopen(path, "w"));
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* One home for all: the program asks but once for it. */
static int
setup_group(void **state)
{
	char path[256];

	if (mkdtemp(home) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/.ssh", home);
	return mkdir(path, 0700);
}

static int
teardown_group(void **state)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/.ssh", home);
	return rmdir(path) == -1 || rmdir(home) == -1 ? -1 : 0;
}

static int
setup(void **state)
{
	cliconf_init(&conf);
	me.pw_gid = other.pw_gid = getgid();
	user = users[0] = &me;
	users[1] = NULL;
	members[0] = NULL;
	gr = &group;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {
		"sockstun_config", "config", "more"
	};
	char path[256];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/.ssh/%s", home, names[i]);
		unlink(path);
	}
	cliconf_clear(&conf);
	return 0;
}

static int
read_files(void)
{
	cliconf_clear(&conf);
	*err = '\0';
	return cliconf_read_files(&conf, "h", NULL, err, sizeof(err));
}

static void
assert_error(const char *want)
{
	assert_int_equal(read_files(), -1);
	assert_non_null(strstr(err, want));
}

/* Our own file first, then that of ssh; the system's say no more of these. */
static void
test_order(void **state)
{
	assert_int_equal(read_files(), 0);
	write_file("sockstun_config", "Port 1\n", 0600);
	write_file("config", "Port 2\nUser u\nTag t\n", 0600);
	assert_int_equal(read_files(), 0);
	assert_int_equal(conf.port, 1);
	assert_string_equal(conf.user, "u");
	/* Found beside the file that includes it. */
	write_file("sockstun_config", "Include more\nInclude ~/.ssh/more\n",
	    0600);
	write_file("more", "User v\n", 0600);
	assert_int_equal(read_files(), 0);
	assert_string_equal(conf.user, "v");
	assert_int_equal(conf.port, 2);
}

/* What ssh alone knows is no error in its own file, and holds for nobody. */
static void
test_strange(void **state)
{
	write_file("config", "NoSuchKeyword x\nMatch nosuchthing x\nPort 1\n"
	    "Match !nosuchthing x\nPort 2\nMatch all\nPort 3\n", 0600);
	assert_int_equal(read_files(), 0);
	assert_int_equal(conf.port, 3);
	write_file("sockstun_config", "NoSuchKeyword x\n", 0600);
	assert_error("sockstun_config line 1: Bad configuration option");
	write_file("sockstun_config", "Match nosuchthing x\n", 0600);
	assert_error("Unsupported Match attribute nosuchthing");
}

/* What is the path of a socket of ssh's is not one of ours. */
static void
test_control_path(void **state)
{
	write_file("config", "ControlPath ~/.ssh/%C\n", 0600);
	assert_int_equal(read_files(), 0);
	assert_null(conf.control_path);
	write_file("config", "ControlPath\n", 0600);
	assert_error("config line 1: ");
	write_file("config", "Include more\n", 0600);
	write_file("more", "ControlPath /x\n", 0600);
	write_file("sockstun_config", "ControlPath /y\n", 0600);
	assert_int_equal(read_files(), 0);
	assert_string_equal(conf.control_path, "/y");
}

/* As ssh is when it is neither given a command nor asked for a shell. */
static void
test_session(void **state)
{
	write_file("sockstun_config", "Match sessiontype none command \"\"\n"
	    "Port 1\nMatch command x\nPort 2\n", 0600);
	assert_int_equal(read_files(), 0);
	assert_int_equal(conf.port, 1);
	write_file("sockstun_config", "Match sessiontype shell\nPort 1\n"
	    "Match canonical\nPort 2\nMatch !canonical user me\nPort 3\n",
	    0600);
	assert_int_equal(read_files(), 0);
	assert_int_equal(conf.port, 3);
}

static void
test_exec(void **state)
{
	write_file("sockstun_config", "Match exec \"exit 0\"\nPort 1\n",
	    0600);
	setenv("SHELL", "", 1);
	assert_int_equal(read_files(), 0);
	assert_int_equal(conf.port, 1);
	unsetenv("SHELL");
	assert_int_equal(read_files(), 0);
	assert_int_equal(conf.port, 1);
	setenv("SHELL", "/nonexistent/shell", 1);
	assert_int_equal(read_files(), 0);
	assert_int_equal(conf.port, CONF_UNSET);
	setenv("SHELL", "/bin/sh", 1);
	write_file("sockstun_config", "Match exec \"kill -9 $$\"\nPort 1\n",
	    0600);
	assert_error("line 1: Match exec \"kill -9 $$\" failed");
}

/* A file that a group may write to is the user's if the group is. */
static void
test_group(void **state)
{
	write_file("sockstun_config", "Port 1\n", 0660);
	assert_int_equal(read_files(), 0);
	members[0] = my_name;
	assert_int_equal(read_files(), 0);
	members[0] = other_name;
	assert_error("Bad owner or permissions");
	members[0] = NULL;
	users[1] = &other;
	assert_error("Bad owner or permissions");
	users[0] = NULL;
	users[1] = NULL;
	assert_error("Bad owner or permissions");
	gr = NULL;
	assert_error("Bad owner or permissions");
}

/* First: a user who is known stays known. */
static void
test_nobody(void **state)
{
	user = NULL;
	assert_error("No user exists for uid");
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nobody), TEST(test_order), TEST(test_strange),
		TEST(test_session), TEST(test_exec), TEST(test_group),
		TEST(test_control_path),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
