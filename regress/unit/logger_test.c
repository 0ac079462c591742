/* SPDX-License-Identifier: ISC */
/*
 * The logger, in a process and a sandbox of its own, with monitors and dialers
 * that are played here.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
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
#include "logger.h"
#include "logging.h"
#include "msg.h"
#include "privsep.h"
#include "starve.h"

#define WHO	"alice from 192.0.2.1 port 5"

static int control;		/* the monitors' end */
static int written;		/* where its lines come out */
static pid_t child;
static char lines[8192];	/* all that it wrote */

static void
write_line(enum log_level level, const char *text, void *arg)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s\n", text);
	(void)!write(written, line, strlen(line));
}

/* One in which so many allocations succeed, or all. */
static void
start(int allocations)
{
	int fd[2], out[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(pipe(out), 0);
	fflush(NULL);
	if ((child = fork()) == 0) {
		close(fd[1]);
		close(out[0]);
		written = out[1];
		log_set_sink(write_line, NULL);
		starve(allocations);
		logger_main(fd[0]);
		exit(starved() ? 3 : 0);
	}
	assert_int_not_equal(child, -1);
	close(fd[0]);
	close(out[1]);
	control = fd[1];
	written = out[0];
}

/* The monitors go; its status when it has written everything. */
static int
finish(void)
{
	size_t len = 0;
	ssize_t n;
	int status;

	close(control);
	while ((n = read(written, lines + len, sizeof(lines) - 1 - len)) > 0)
		len += (size_t)n;
	lines[len] = '\0';
	close(written);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/*
 * A monitor tells of a connection; the dialer's end, or -1.  A logger without
 * memory may have ended by then.
 */
static int
open_as(uint32_t type, const char *who, int with_pair)
{
	struct msg m;
	int fd[2] = { -1, -1 };

	if (with_pair)
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET |
		    SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	msg_init(&m, type, 0);
	m.fd = fd[0];
	msg_put_string(&m, who);
	msg_put_u32(&m, 12);
	msg_put_u32(&m, 13);
	if (msg_send_wait(control, &m) == -1)
		assert_true(errno == EPIPE || errno == ECONNRESET);
	msg_clear(&m);
	return fd[1];
}

static int
open_dialer(void)
{
	return open_as(LG_OPEN, WHO, 1);
}

static void
say(int dialer, uint32_t process, const char *text)
{
	(void)privsep_send_log(dialer, LG_LINE, process, LOG_LEVEL_INFO, text);
}

/* The logger has let this dialer go. */
static void
assert_ended(int dialer)
{
	char c;

	while (recv(dialer, &c, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN)
		usleep(1000);
	assert_int_equal(recv(dialer, &c, 1, 0), 0);
	close(dialer);
}

/* It serves those that it knows when no monitor is left. */
static void
test_lines(void **state)
{
	int a, b;

	start(0);
	a = open_dialer();
	b = open_as(LG_OPEN, "bob", 1);
	say(a, LOGGING_DIALER, "one");
	say(a, LOGGING_NET, "two");
	shutdown(control, SHUT_WR);
	usleep(20000);
	say(b, LOGGING_NET, "three");
	close(a);
	close(b);
	assert_int_equal(finish(), 0);
	assert_non_null(strstr(lines, "dialer[12] for " WHO ": one\n"));
	assert_non_null(strstr(lines, "net[13] for " WHO ": two\n"));
	assert_non_null(strstr(lines, "net[13] for bob: three\n"));
}

/* More at once than it reads in one go, and than a second has room for. */
static void
test_flood(void **state)
{
	char text[16];
	int a, i;

	start(0);
	a = open_dialer();
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		say(a, LOGGING_DIALER, text);
		usleep(100);
	}
	close(a);
	assert_int_equal(finish(), 0);
	assert_non_null(strstr(lines, ": line 19\n"));
	assert_null(strstr(lines, ": line 20\n"));
	assert_non_null(strstr(lines, "were left out"));
}

/* Whoever sends anything else is no dialer of ours; others go on. */
static void
test_no_lines(void **state)
{
	struct msg m;
	int good, bad, i;

	start(0);
	good = open_dialer();
	for (i = 0; i < 4; i++) {
		bad = open_as(LG_OPEN, "bad", 1);
		msg_init(&m, i == 0 ? LG_OPEN : LG_LINE,
		    i == 1 ? 2 : LOGGING_NET);
		m.fd = i == 2 ? dup(bad) : -1;
		if (i != 3)
			privsep_put_log(&m, LOG_LEVEL_INFO, "lie");
		assert_int_equal(msg_send(bad, &m), 0);
		msg_clear(&m);
		assert_ended(bad);
	}
	bad = open_as(LG_OPEN, "short", 1);
	send(bad, "x", 1, 0);
	assert_ended(bad);
	say(good, LOGGING_DIALER, "true");
	close(good);
	assert_int_equal(finish(), 0);
	assert_null(strstr(lines, "lie"));
	assert_non_null(strstr(lines, "dialer[12] for bad: no line of log"));
	assert_non_null(strstr(lines, "dialer[12] for short: no line"));
	assert_non_null(strstr(lines, ": true\n"));
}

/* Of a descriptor that did not come with its message it says so. */
static void
test_no_descriptor(void **state)
{
	int a;

	start(0);
	open_as(LG_OPEN, WHO, 0);
	send(control, "x", 1, 0);
	a = open_dialer();
	say(a, LOGGING_DIALER, "after it");
	close(a);
	assert_int_equal(finish(), 0);
	assert_non_null(strstr(lines, "no descriptor left for a dialer's log"));
	assert_non_null(strstr(lines, "message from a monitor: "));
	assert_non_null(strstr(lines, ": after it\n"));
}

/* Monitors are trusted: what they may not say is the end. */
static void
test_malformed(void **state)
{
	start(0);
	assert_ended(open_as(LG_LINE, WHO, 1));
	assert_int_equal(finish(), 255);
	assert_non_null(strstr(lines, "malformed message from a monitor"));
}

/*
 * Whichever allocation fails: it does not start, or it writes what it was sent
 * or says what is missing, and serves on.
 */
static void
test_no_memory(void **state)
{
	int a, n, written_lines, starts = 0, status = 3;

	for (n = 1; status != 0; n++) {
		start(n);
		a = open_dialer();
		say(a, LOGGING_DIALER, "first");
		close(a);
		a = open_dialer();
		say(a, LOGGING_DIALER, "second");
		close(a);
		status = finish();
		if (status == 255) {
			assert_true(strstr(lines, "no event loop") != NULL ||
			    strstr(lines, "out of memory") != NULL);
			assert_int_equal(starts, 0);
			continue;
		}
		starts++;
		written_lines = (strstr(lines, ": first\n") != NULL) +
		    (strstr(lines, ": second\n") != NULL);
		if (written_lines == 2)
			continue;
		assert_int_equal(written_lines, 1);
		assert_true(strstr(lines, "Cannot allocate memory") != NULL ||
		    strstr(lines, "cannot be watched") != NULL ||
		    strstr(lines, "left out") != NULL);
	}
	assert_true(starts > 3);
}

static int
setup(void **state)
{
	log_init("logger_test", LOG_LEVEL_INFO, 1);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_no_lines),
		cmocka_unit_test(test_no_descriptor),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
