/* SPDX-License-Identifier: ISC */
/*
 * Those who ask at the control socket: what they are answered, how long they
 * may take, and whose socket it is.  The clock is moved.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

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
#include <event2/event.h>
#include <jansson.h>

#include "clock.h"
#include "control.h"
#include "log.h"
#include "starve.h"

#define ASKERS		16	/* at once */
#define SLICES		1000
#define ELEMENT		"an element of the list that is long enough, "

static struct event_base *base;
static struct control *control;
static char dir[] = "/tmp/control_test.XXXXXX";
static char path[64];
static uint64_t slices;		/* made until now */
static char got[128];		/* the beginning of an answer */

static json_t *
answer_one(void *arg)
{
	return json_pack("{s:i}", "one", 1);
}

static json_t *
answer_none(void *arg)
{
	return NULL;
}

static json_t *
next_slice(void *arg, uint64_t *last)
{
	json_t *slice = json_array();
	int i;

	slices++;
	for (i = 0; i < 100 && *last < SLICES; i++)
		json_array_append_new(slice, json_string(ELEMENT));
	(*last)++;
	return slice;
}

static json_t *
no_slice(void *arg, uint64_t *last)
{
	return (*last)++ == 0 ? json_pack("[i]", 1) : NULL;
}

static const struct control_command commands[] = {
	{ "one", answer_one, NULL, NULL },
	{ "none", answer_none, NULL, NULL },
	{ "list", answer_one, "list", next_slice },
	{ "short", answer_one, "list", no_slice },
	{ NULL, NULL, NULL, NULL }
};

static struct control *
open_control(void)
{
	return control_open(base, path, -1, commands, NULL);
}

static int
setup(void **state)
{
	log_init("control_test", LOG_LEVEL_QUIET, 1);
	strlcpy(dir + strlen(dir) - 6, "XXXXXX", 7);
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/ctl", dir);
	base = event_base_new();
	control = open_control();
	slices = 0;
	return control == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	control_close(control);
	event_base_free(base);
	unlink(path);
	return rmdir(dir);
}

static void
pass(int seconds)
{
	int i;

	clock_move(seconds * CLOCK_SECOND);
	for (i = 0; i < 20; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static int
come(void)
{
	int fd = control_connect(path);

	assert_int_not_equal(fd, -1);
	pass(0);
	return fd;
}

static void
say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
	pass(0);
}

/* Reads what comes, to got and beyond: bytes until now, or -1 at the end. */
static ssize_t
hear(int fd)
{
	static char buf[1 << 20];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	strlcpy(got, buf, (size_t)n < sizeof(got) ? (size_t)n + 1 :
	    sizeof(got));
	return n;
}

static void
assert_gone(int fd)
{
	assert_int_equal(hear(fd), -1);
	close(fd);
}

static void
assert_answers(const char *request, const char *answer)
{
	int fd = come();

	say(fd, request);
	assert_true(hear(fd) > 0);
	assert_string_equal(got, answer);
	assert_gone(fd);
}

static void
test_answers(void **state)
{
	int fd;

	assert_answers("one\n", "{\"one\":1}\n");
	assert_answers("one\nand more", "{\"one\":1}\n");
	assert_answers("two\n", CONTROL_ERROR("unknown command"));
	assert_answers("none\n", CONTROL_ERROR("out of memory"));
	assert_answers("\001", CONTROL_ERROR("unknown command"));
	/* Cut off, so that nobody takes it for the whole. */
	assert_answers("short\n", "{\"one\":1,\"list\":[1");
	fd = come();
	say(fd, "o");
	say(fd, "ne");
	assert_int_equal(hear(fd), 0);
	say(fd, "\n");
	assert_true(hear(fd) > 0);
	assert_string_equal(got, "{\"one\":1}\n");
	assert_gone(fd);
}

/* Whoever says nothing, or not enough, has his time; another is served. */
static void
test_silent(void **state)
{
	int fd = come(), half;

	pass(5);
	half = come();
	say(half, "half");
	pass(4);
	assert_int_equal(hear(fd), 0);
	assert_answers("one\n", "{\"one\":1}\n");
	pass(2);
	assert_gone(fd);
	assert_int_equal(hear(half), 0);
	pass(5);
	assert_gone(half);
}

static void
test_hangs_up(void **state)
{
	static const struct linger reset = { 1, 0 };
	int fd = come();

	shutdown(fd, SHUT_WR);
	pass(0);
	assert_gone(fd);
	fd = come();
	say(fd, "list\n");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	pass(0);
	assert_answers("one\n", "{\"one\":1}\n");
}

/* A list is made as it is taken, and given up if it is not. */
static void
test_slow(void **state)
{
	size_t bytes = 0;
	ssize_t n;
	int fd = come();
	uint64_t made;

	say(fd, "list\n");
	pass(5);
	made = slices;
	assert_in_range(made, 1, SLICES / 2);
	while ((n = hear(fd)) != -1) {
		bytes += (size_t)n;
		pass(8);
	}
	close(fd);
	assert_true(bytes > SLICES * 100 * strlen(ELEMENT));
	assert_int_equal(slices, SLICES + 1);
	fd = come();
	slices = 0;
	say(fd, "list\n");
	pass(9);
	assert_true(hear(fd) > 0);
	pass(0);
	pass(11);
	made = slices;
	while (hear(fd) != -1)
		pass(0);
	close(fd);
	assert_int_equal(slices, made);
}

static void
test_many(void **state)
{
	int fd[ASKERS + 1], i;

	for (i = 0; i <= ASKERS; i++)
		fd[i] = come();
	assert_gone(fd[ASKERS]);
	close(fd[0]);
	pass(0);
	assert_answers("one\n", "{\"one\":1}\n");
	for (i = 1; i < ASKERS; i++)
		close(fd[i]);
	/* They are let go with the socket, too. */
}

/* One that is left over is replaced, one that is served is not. */
static void
test_left_over(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	assert_null(open_control());
	control_close(control);
	assert_int_equal(lstat(path, &st), -1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	control = open_control();
	assert_non_null(control);
	assert_answers("one\n", "{\"one\":1}\n");
	/* What has taken its place is not ours to remove. */
	unlink(path);
	assert_int_not_equal(fd = open(path, O_CREAT, 0600), -1);
	close(fd);
	control_close(control);
	assert_int_equal(lstat(path, &st), 0);
	control = open_control();
	assert_null(control);
	assert_int_equal(lstat(path, &st), 0);
}

static void
test_given(void **state)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	control_close(control);
	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 5), 0);
	control = control_open(base, NULL, fd, commands, NULL);
	assert_non_null(control);
	assert_answers("one\n", "{\"one\":1}\n");
	control_close(control);
	control = NULL;
	assert_int_equal(lstat(path, &st), 0);
	control_close(NULL);
}

/* It is answered, told of the failure or let go; the next one is served. */
static void
test_starved(void **state)
{
	int fd, n;

	for (n = 1; n == 1 || starved(); n++) {
		assert_int_not_equal(fd = control_connect(path), -1);
		(void)!send(fd, "one\n", 4, MSG_NOSIGNAL);
		got[0] = '\0';
		starve(n);
		pass(0);
		starve(0);
		while (hear(fd) >= 0)
			;
		close(fd);
		assert_true(starved() || strcmp(got, "{\"one\":1}\n") == 0);
		pass(11);
		assert_answers("one\n", "{\"one\":1}\n");
	}
	assert_true(n > 4);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers), TEST(test_silent), TEST(test_hangs_up),
		TEST(test_slow), TEST(test_many), TEST(test_left_over),
		TEST(test_given), TEST(test_starved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
