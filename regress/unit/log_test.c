/* SPDX-License-Identifier: ISC */
/* Log lines: levels, sinks, files, and bytes that must not get through. */
#include <sys/types.h>
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

#include "log.h"
#include "monotime.h"
#include "ratelimit.h"

static char last[4096];
static int last_level, lines;

static void
sink(enum log_level level, const char *text, void *arg)
{
	assert_ptr_equal(arg, last);
	strlcpy(last, text, sizeof(last));
	last_level = (int)level;
	lines++;
	errno = EBADF;
}

static int
setup(void **state)
{
	last[0] = '\0';
	last_level = -1;
	lines = 0;
	log_init("log_test", LOG_LEVEL_INFO, 1);
	log_set_sink(sink, last);
	return 0;
}

/* What is too much is counted, and the count told. */
static void
test_limited(void **state)
{
	struct ratelimit r;
	int i;

	ratelimit_init(&r, 2);
	for (i = 0; i < 5; i++)
		log_info_limited(&r, "line %d", i);
	assert_int_equal(lines, 2);
	assert_string_equal(last, "line 1");
	log_left_out(&r);
	assert_int_equal(lines, 3);
	assert_string_equal(last, "3 lines were left out");
	log_left_out(&r);
	assert_int_equal(lines, 3);
	log_info_limited(&r, "line");
	r.began -= MONOTIME_SECOND;
	log_info_limited(&r, "line");
	assert_int_equal(lines, 5);
	log_set_level(LOG_LEVEL_ERROR);
	log_info_limited(&r, "line");
	log_info_limited(&r, "line");
	log_info_limited(&r, "line");
	assert_int_equal(lines, 5);
	assert_int_equal(ratelimit_take(&r), 0);
}

static void
test_levels(void **state)
{
	log_debug("no");
	log_verbose("no");
	assert_int_equal(lines, 0);
	log_info("%s %d", "yes", 1);
	assert_string_equal(last, "yes 1");
	assert_int_equal(last_level, LOG_LEVEL_INFO);
	log_set_level(LOG_LEVEL_DEBUG);
	assert_int_equal(log_get_level(), LOG_LEVEL_DEBUG);
	log_debug2("no");
	log_debug("yes");
	assert_int_equal(last_level, LOG_LEVEL_DEBUG);
	log_set_level(LOG_LEVEL_QUIET);
	log_warnx("no");
	log_line(LOG_LEVEL_ERROR, "no");
	assert_int_equal(lines, 2);
}

static void
test_errno(void **state)
{
	char want[256];

	errno = ENOENT;
	snprintf(want, sizeof(want), "open x: %s", strerror(ENOENT));
	log_warn("open %s", "x");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(last, want);
	assert_int_equal(last_level, LOG_LEVEL_ERROR);
	log_warnx("plain");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(last, "plain");
	log_debug("%d", 1);
	assert_int_equal(errno, ENOENT);
	log_line(LOG_LEVEL_INFO, "line");
	assert_int_equal(errno, ENOENT);
}

static void
test_hostile(void **state)
{
	char big[9000];

	log_line(LOG_LEVEL_INFO, "a\033[2J\nb\302\233c\td\177\r\n\n");
	assert_string_equal(last, "a\\033[2J\\012b\\302\\233c\td\\177");
	log_info("%s", "one\nsockstund[1]: two");
	assert_string_equal(last, "one\\012sockstund[1]: two");
	log_info("C:\\path");
	assert_string_equal(last, "C:\\path");
	memset(big, '\1', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("%s", big);
	assert_true(strlen(last) > 2000 && strlen(last) < 2048);
	assert_int_equal(strlen(last) % 4, 0);
	log_line(LOG_LEVEL_INFO, big);
	assert_true(strlen(last) < 2048);
	log_line(LOG_LEVEL_INFO, "\n");
	assert_string_equal(last, "");
}

static void
test_safe(void **state)
{
	char buf[64], small[6];

	assert_string_equal(log_safe("a\0b\\ \033~", 7, buf, sizeof(buf)),
	    "a\\000b\\134 \\033~");
	assert_string_equal(log_safe("ab\ncd", 5, small, sizeof(small)), "ab");
	assert_string_equal(log_safe("abcdefgh", 8, small, sizeof(small)),
	    "abcde");
	assert_string_equal(log_safe("", 0, small, sizeof(small)), "");
	small[0] = 'k';
	log_safe("zzz", 3, small, 0);
	assert_int_equal(small[0], 'k');
}

static void
test_names(void **state)
{
	static const char *const names[] = {
		"quiet", "ERROR", "Info", "verbose", "DEBUG", "debug2"
	};
	enum log_level level;
	size_t i;

	for (i = 0; i < 6; i++) {
		assert_int_equal(log_parse_level(names[i], &level), 0);
		assert_int_equal(level, i);
		assert_int_equal(strcasecmp(log_level_name(level), names[i]),
		    0);
	}
	assert_int_equal(log_parse_level("FATAL", &level), 0);
	assert_int_equal(level, LOG_LEVEL_QUIET);
	assert_int_equal(log_parse_level("DEBUG1", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_parse_level("DEBUG3", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG2);
	assert_int_equal(log_parse_level("DEBUG4", &level), -1);
	assert_int_equal(log_parse_level("", &level), -1);
	assert_string_equal(log_level_name(99), "UNKNOWN");
}

static size_t
read_file(const char *path, char *buf, size_t size)
{
	ssize_t n;
	int fd;

	assert_int_not_equal(fd = open(path, O_RDONLY), -1);
	n = read(fd, buf, size - 1);
	assert_true(n >= 0);
	close(fd);
	buf[n] = '\0';
	return (size_t)n;
}

static void
test_file(void **state)
{
	char dir[] = "/tmp/log_test.XXXXXX", path[64], buf[512], want[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	log_set_sink(NULL, NULL);
	errno = 0;
	assert_int_equal(log_open_file("/nonexistent/dir/log"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(log_open_file(path), 0);
	log_info("first");
	assert_int_equal(log_open_file(path), 0);
	log_info("second\nline");
	log_in_signal("stuck for 30 s", NULL);
	read_file(path, buf, sizeof(buf));
	snprintf(want, sizeof(want), " log_test[%ld]: first\n",
	    (long)getpid());
	assert_non_null(strstr(buf, want));
	assert_true(buf[4] == '-' && buf[10] == ' ' && buf[19] == '.');
	assert_non_null(strstr(buf, "]: second\\012line\n"));
	assert_non_null(strstr(buf, "]: stuck for 30 s\n"));
	unlink(path);
	rmdir(dir);
}

/* What a child that ends in fatal writes to standard error, and its status. */
static void
test_fatal(void **state)
{
	char buf[256], want[256];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		log_set_sink(NULL, NULL);
		log_set_level(LOG_LEVEL_QUIET);
		log_warnx("silent");
		errno = EPERM;
		fatal("cannot %s", "go on");
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 255);
	n = read(fds[0], buf, sizeof(buf) - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	snprintf(want, sizeof(want), "cannot go on: %s\n", strerror(EPERM));
	assert_string_equal(buf, want);
	close(fds[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_levels, setup),
		cmocka_unit_test_setup(test_limited, setup),
		cmocka_unit_test_setup(test_errno, setup),
		cmocka_unit_test_setup(test_hostile, setup),
		cmocka_unit_test_setup(test_safe, setup),
		cmocka_unit_test_setup(test_names, setup),
		cmocka_unit_test_setup(test_file, setup),
		cmocka_unit_test_setup(test_fatal, setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
