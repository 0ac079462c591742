/* SPDX-License-Identifier: ISC */
/* Descriptors 0 to 2, of which each subset was closed. */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "stdfds.h"

#define BIT(fd)	(1 << (fd))

static int
is_null(int fd)
{
	struct stat st, null;

	return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 &&
	    st.st_rdev == null.st_rdev && S_ISCHR(st.st_mode);
}

/* 0 to 2 are pipes, but for those of the set; returns what is null then. */
static int
opened(int set)
{
	int fd, got = 0, pair[2];

	if (pipe(pair) == -1 || dup2(pair[0], 3) == -1)
		return -1;
	closefrom(4);
	for (fd = 0; fd < 3; fd++) {
		dup2(3, fd);
		if (set & BIT(fd))
			close(fd);
	}
	if (stdfds_open() == -1)
		return -1;
	for (fd = 0; fd < 3; fd++) {
		if (is_null(fd))
			got |= BIT(fd);
	}
	/* And no other one. */
	return fcntl(4, F_GETFD) == -1 ? got : -1;
}

/* No descriptor is to be had below the limit. */
static int
full(int set)
{
	const struct rlimit none = { 0, 0 };

	close(STDIN_FILENO);
	return setrlimit(RLIMIT_NOFILE, &none) == 0 && stdfds_open() == -1 &&
	    errno == EMFILE;
}

/* What it returns in a process of its own. */
static int
apart(int (*run)(int), int set)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(run(set));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_subsets(void **state)
{
	int set;

	for (set = 0; set < BIT(3); set++)
		assert_int_equal(apart(opened, set), set);
}

static void
test_failure(void **state)
{
	assert_int_equal(apart(full, 0), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subsets),
		cmocka_unit_test(test_failure)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
