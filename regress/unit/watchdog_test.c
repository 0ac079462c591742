/* SPDX-License-Identifier: ISC */
/* A process that turns no more ends with a line; one that was stopped lives. */
#include <sys/types.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "watchdog.h"

#define SECONDS	3	/* two alarms, after 1 and 2 more */

static int out[2];

static void
say(const char *text, void *arg)
{
	if (write(*(int *)arg, text, strlen(text)) == -1)
		_exit(1);
}

static void
say_never(const char *text, void *arg)
{
	for (;;)
		pause();
}

static void
spin_cb(evutil_socket_t fd, short what, void *arg)
{
	watchdog_note("a knot of loops", 17);
	for (;;)
		;
}

static void
leave_cb(evutil_socket_t fd, short what, void *arg)
{
	watchdog_stop();
	_exit(7);
}

/* A process with a watchdog, which does that after so many seconds. */
static pid_t
start(watchdog_say *sayer, event_callback_fn cb, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };
	struct event_base *base;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid > 0) {
		close(out[1]);
		return pid;
	}
	base = event_base_new();
	if (event_base_once(base, -1, EV_TIMEOUT, cb, NULL, &tv) == -1 ||
	    watchdog_start(base, SECONDS, sayer, &out[1]) == -1)
		_exit(1);
	event_base_dispatch(base);
	_exit(1);
}

static int
end(pid_t pid, char *text, size_t size)
{
	ssize_t n;
	int status;

	n = read(out[0], text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void
test_stuck(void **state)
{
	char text[256];
	int status;

	status = end(start(say, spin_cb, 0), text, sizeof(text));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 255);
	assert_string_equal(text, "stuck for 3 seconds in a knot of loops 17");
}

/* It ends even if the line cannot be written. */
static void
test_mute(void **state)
{
	char text[256];
	int status;

	status = end(start(say_never, spin_cb, 0), text, sizeof(text));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGALRM);
}

/* Neither one that turns nor one that was stopped is ended. */
static void
test_stopped(void **state)
{
	char text[256];
	pid_t pid;
	int status;

	pid = start(say, leave_cb, 2 * SECONDS + 1);
	usleep(500000);
	kill(pid, SIGSTOP);
	sleep(SECONDS + 1);
	kill(pid, SIGCONT);
	status = end(pid, text, sizeof(text));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_string_equal(text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_mute),
		cmocka_unit_test(test_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
