/* SPDX-License-Identifier: ISC */
/* Files read whole: from files and pipes, up to their limit and beyond. */
#include <sys/types.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "slurp.h"

/* A pipe that holds this text and then its end. */
static int
pipe_of(const char *text, size_t len)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, len), len);
	close(fds[1]);
	return fds[0];
}

static void
test_whole(void **state)
{
	static const char text[] = "two\nlines, and a NUL \0 inside";
	size_t len = 99;
	char *got;
	int fd;

	fd = pipe_of(text, sizeof(text) - 1);
	assert_non_null(got = slurp(fd, sizeof(text) - 1, &len));
	assert_int_equal(len, sizeof(text) - 1);
	assert_memory_equal(got, text, sizeof(text));
	free(got);
	/* At its end already: empty, not wrong. */
	assert_non_null(got = slurp(fd, 10, &len));
	assert_int_equal(len, 0);
	assert_string_equal(got, "");
	free(got);
	close(fd);
}

static void
test_too_large(void **state)
{
	size_t len;
	int fd;

	fd = pipe_of("12345", 5);
	assert_null(slurp(fd, 4, &len));
	assert_int_equal(errno, EFBIG);
	close(fd);
	assert_int_not_equal(fd = open("/dev/zero", O_RDONLY), -1);
	assert_null(slurp(fd, 65536, &len));
	assert_int_equal(errno, EFBIG);
	close(fd);
}

static void
test_unreadable(void **state)
{
	size_t len;
	int fd, fds[2];

	assert_int_not_equal(fd = open("/", O_RDONLY), -1);
	assert_null(slurp(fd, 10, &len));
	assert_int_equal(errno, EISDIR);
	close(fd);
	assert_null(slurp(-1, 10, &len));
	assert_int_equal(errno, EBADF);
	/* What nobody writes to is not waited for. */
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_null(slurp(fds[0], 10, &len));
	assert_int_equal(errno, EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
