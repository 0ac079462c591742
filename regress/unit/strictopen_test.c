/* SPDX-License-Identifier: ISC */
/* Files that others can write, and files that change while they are opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strictopen.h"

#define OTHER	12345		/* somebody else's uid */
#define TRIES	20000

static char	 top[] = "/tmp/strictopen.XXXXXX";
static char	 err[4200];

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* A home with keys, another folder with another's, and links. */
static int
setup(void **state)
{
	umask(022);
	if (mkdtemp(top) == NULL || chdir(top) == -1)
		return -1;
	mkdir("home", 0755);
	mkdir("home/.ssh", 0700);
	mkdir("open", 0755);
	put("home/.ssh/keys", "good", 0600);
	put("home/.ssh/open", "bad", 0666);
	put("open/keys", "bad", 0644);
	chmod("open", 0777);
	return symlink("home", "link") | symlink(".ssh", "home/ssh") |
	    symlink("../../open/keys", "home/.ssh/far") |
	    symlink("../.ssh/keys", "home/.ssh/near") |
	    mkfifo("home/.ssh/fifo", 0600);
}

static int
teardown(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	return chdir("/") | system(command);
}

/* Opens a path below the home that is given: 0, or errno. */
static int
open_below(const char *home, const char *path)
{
	char h[64], p[128];
	int fd;

	snprintf(h, sizeof(h), "%s/%s", top, home);
	snprintf(p, sizeof(p), "%s/%s", top, path);
	if ((fd = strictopen(p, h, getuid(), err, sizeof(err))) == -1)
		return errno;
	close(fd);
	return 0;
}

static void
assert_bad(const char *path, const char *what)
{
	char want[128];

	assert_int_equal(open_below("home", path), EPERM);
	snprintf(want, sizeof(want), "bad ownership or modes for %s %s/%s",
	    strchr(what, '/') != NULL ? "file" : "directory", top, what);
	assert_string_equal(err, want);
}

static void
test_good(void **state)
{
	assert_int_equal(open_below("home", "home/.ssh/keys"), 0);
	assert_int_equal(open_below("home", "home/ssh/keys"), 0);
	assert_int_equal(open_below("home", "home/.ssh/near"), 0);
	/* A home that is a link, or is named by a way around. */
	assert_int_equal(open_below("link", "link/.ssh/keys"), 0);
	assert_int_equal(open_below("home", "link/.ssh/keys"), 0);
	assert_int_equal(open_below("link", "open/../home/.ssh/keys"), 0);
	/* What is above the home is not looked at. */
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(open_below("home", "home/.ssh/keys"), 0);
	assert_int_equal(chmod(".", 0755), 0);
}

static void
test_bad(void **state)
{
	assert_bad("home/.ssh/open", "home/.ssh/open");
	assert_int_equal(chmod("home", 0775), 0);
	assert_bad("home/.ssh/keys", "home");
	assert_int_equal(chmod("home", 0755), 0);
	assert_int_equal(open_below("home", "home/.ssh/none"), ENOENT);
	assert_int_equal(open_below("home", "home/.ssh/keys/x"), ENOTDIR);
}

/* Not below the home, all folders up to the root count; /tmp is everybody's. */
static void
test_elsewhere(void **state)
{
	assert_int_equal(open_below("home", "home/.ssh/far"), EPERM);
	assert_string_equal(err, "bad ownership or modes for directory /tmp");
	assert_int_equal(open_below("none", "home/.ssh/keys"), EPERM);
	assert_int_equal(open_below("hom", "home/.ssh/keys"), EPERM);
	assert_int_equal(open_below("open", "home/.ssh/keys"), EPERM);
}

static void
test_other_owner(void **state)
{
	if (getuid() != 0)
		skip();
	assert_int_equal(chown("home/.ssh/keys", OTHER, OTHER), 0);
	assert_int_equal(open_below("home", "home/.ssh/keys"), EPERM);
	assert_int_equal(chown("home/.ssh/keys", 0, 0), 0);
	assert_int_equal(chown("home/.ssh", OTHER, OTHER), 0);
	assert_int_equal(open_below("home", "home/.ssh/keys"), EPERM);
	assert_int_equal(chown("home/.ssh", 0, 0), 0);
}

static void
test_fifo(void **state)
{
	alarm(10);
	assert_int_equal(open_below("home", "home/.ssh/fifo"), 0);
	alarm(0);
}

static void
swap_link(const char *to)
{
	if (symlink(to, "home/new") == 0)
		rename("home/new", "home/dir");
}

static void
swap_folders(const char *unused)
{
	renameat2(AT_FDCWD, "home/good", AT_FDCWD, "home/bad",
	    RENAME_EXCHANGE);
}

static void
swap_files(const char *unused)
{
	renameat2(AT_FDCWD, "home/mine", AT_FDCWD, "home/theirs",
	    RENAME_EXCHANGE);
}

/*
 * While another process puts the folder that everybody can write, or the file
 * of another, in the place of the good one and back, the bad one is not opened.
 */
static void
race(const char *path, void (*swap)(const char *))
{
	char home[64], file[128], text[8] = "";
	int i, fd, ngood = 0;
	ssize_t n;
	pid_t pid;

	snprintf(home, sizeof(home), "%s/home", top);
	snprintf(file, sizeof(file), "%s/%s", top, path);
	swap("good");
	if ((pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			swap("bad");
			swap("good");
		}
	}
	for (i = 0; i < TRIES && strcmp(text, "bad") != 0; i++) {
		fd = strictopen(file, home, getuid(), err, sizeof(err));
		if (fd == -1)
			continue;
		n = read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		close(fd);
		ngood++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_string_equal(text, "good");
	assert_true(ngood > 0);
}

static void
test_races(void **state)
{
	mkdir("home/good", 0755);
	put("home/good/keys", "good", 0600);
	mkdir("home/bad", 0755);
	put("home/bad/keys", "bad", 0600);
	assert_int_equal(chmod("home/bad", 0777), 0);
	race("home/dir/keys", swap_link);
	race("home/good/keys", swap_folders);
	put("home/mine", "good", 0600);
	put("home/theirs", "bad", 0644);
	if (getuid() == 0 && chown("home/theirs", OTHER, OTHER) == 0)
		race("home/mine", swap_files);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_other_owner),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_races)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
