/* SPDX-License-Identifier: ISC */
/* What a process hands to the next one: sealed memory, and its descriptors. */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rexec.h"

#define FDS	5

static void
test_memfd(void **state)
{
	static const char text[] = "of the configuration";
	u_char *data;
	size_t len;
	int fd, i;

	fd = rexec_make_memfd("test", text, sizeof(text));
	assert_int_not_equal(fd, -1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	/* Twice, and wherever somebody else has read to. */
	for (i = 0; i < 2; i++) {
		lseek(fd, i * 7, SEEK_SET);
		data = rexec_read_memfd(fd, &len);
		assert_non_null(data);
		assert_int_equal(len, sizeof(text));
		assert_memory_equal(data, text, sizeof(text));
		assert_int_equal(data[len], '\0');
		free(data);
	}
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	close(fd);
	data = rexec_read_memfd(fd = rexec_make_memfd("none", "", 0), &len);
	assert_non_null(data);
	assert_int_equal(len, 0);
	free(data);
	close(fd);
}

/* What is no such descriptor, or holds more than it may. */
static void
test_bad_memfd(void **state)
{
	char path[] = "/tmp/rexec_test.XXXXXX";
	size_t len;
	int fd;

	assert_null(rexec_read_memfd(-1, &len));
	assert_int_equal(errno, EBADF);
	assert_int_not_equal(fd = mkstemp(path), -1);
	assert_int_equal(ftruncate(fd, REXEC_MEMFD_MAX + 1), 0);
	assert_null(rexec_read_memfd(fd, &len));
	assert_int_equal(errno, EFBIG);
	assert_int_equal(ftruncate(fd, 10), 0);
	close(fd);
	assert_int_not_equal(fd = open(path, O_WRONLY), -1);
	assert_null(rexec_read_memfd(fd, &len));
	assert_int_equal(errno, EBADF);
	close(fd);
	unlink(path);
}

/* Is what lies there the same file as it was, open across exec? */
static int
is_at(int place, const struct stat *was)
{
	struct stat st;

	return fcntl(place, F_GETFD) == 0 && fstat(place, &st) == 0 &&
	    st.st_ino == was->st_ino;
}

/* Places so many descriptors in this order, and ends with 0 if all is well. */
static void
place(const int *order, size_t n)
{
	struct stat was[FDS];
	int fds[FDS];
	size_t i;

	closefrom(3);
	/* Of these 3 to 7 are the descriptors, others lie around. */
	for (i = 0; i < FDS; i++)
		if (rexec_make_memfd("test", "", 0) != 3 + (int)i)
			_exit(1);
	dup2(3, 20);
	for (i = 0; i < n; i++) {
		fds[i] = order[i];
		if (fds[i] != -1 && fstat(fds[i], &was[i]) == -1)
			_exit(2);
	}
	rexec_place_fds(fds, n);
	for (i = 0; i < n; i++)
		if (order[i] == -1 ? fcntl(3 + (int)i, F_GETFD) != -1 :
		    !is_at(3 + (int)i, &was[i]))
			_exit(3);
	for (; i < 30; i++)
		if (fcntl(3 + (int)i, F_GETFD) != -1)
			_exit(4);
	_exit(0);
}

static void
test_place(void **state)
{
	static const struct {
		int	fd[FDS];
		size_t	n;
	} orders[] = {
		{ { 3, 4, 5 }, 3 }, { { 5, 4, 3 }, 3 }, { { 4, 5, 3 }, 3 },
		{ { 7, 6, 5, 4, 3 }, 5 }, { { 4, 3, 6, 5, 7 }, 5 },
		{ { -1, 3, -1, 4 }, 4 }, { { 7, -1, 3 }, 3 }, { { -1 }, 1 },
		{ { 0 }, 0 }, { { 20, 3 }, 2 },
	};
	pid_t pid;
	size_t i;
	int status;

	fflush(NULL);
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if ((pid = fork()) == 0)
			place(orders[i].fd, orders[i].n);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

/* No byte of a process's own goes to whoever started it. */
static void
stdio(int keep, int close_first)
{
	struct stat st, null;
	int i;

	if (stat("/dev/null", &null) == -1)
		_exit(1);
	if (close_first)
		close(STDIN_FILENO);
	if (rexec_null_stdio(keep) == -1)
		_exit(2);
	for (i = 0; i < 3; i++)
		if (fstat(i, &st) == -1 || (st.st_rdev == null.st_rdev) !=
		    (i < 2 || !keep))
			_exit(3);
	_exit(0);
}

static void
test_stdio(void **state)
{
	int how, status, pipes[2];
	pid_t pid;

	fflush(NULL);
	assert_int_equal(pipe(pipes), 0);
	for (how = 0; how < 4; how++) {
		if ((pid = fork()) == 0) {
			dup2(pipes[1], STDERR_FILENO);
			stdio(how & 1, how & 2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	close(pipes[0]);
	close(pipes[1]);
}

static void
test_self(void **state)
{
	struct rexec self;
	char path[PATH_MAX];

	assert_int_equal(rexec_init(&self), 0);
	assert_non_null(realpath("/proc/self/exe", path));
	assert_string_equal(self.path, path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memfd),
		cmocka_unit_test(test_bad_memfd),
		cmocka_unit_test(test_place),
		cmocka_unit_test(test_stdio),
		cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
