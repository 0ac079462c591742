/* SPDX-License-Identifier: ISC */
/* What a library sees of a descriptor that sshwire stands before. */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sshwire.h"

static int near, far;		/* the watched end and the other */

static short
poll_near(short events)
{
	struct pollfd p = { .fd = near, .events = events };
	int n = poll(&p, 1, 0);

	assert_int_equal(n, p.revents != 0);
	return p.revents;
}

/* What libssh does while it authenticates. */
static void
use_near(void)
{
	char c;

	assert_int_equal(send(near, "x", 1, 0), 1);
	assert_int_equal(read(far, &c, 1), 1);
	assert_int_equal(write(far, "y", 1), 1);
	assert_int_equal(poll_near(POLLIN), POLLIN);
	assert_int_equal(recv(near, &c, 1, 0), 1);
}

static int
setup(void **state)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == -1)
		return -1;
	near = pair[0];
	far = pair[1];
	sshwire_watch(near);
	use_near();
	return sshwire_open(near);
}

static int
teardown(void **state)
{
	sshwire_close();
	close(near);
	close(far);
	return 0;
}

static void
test_nothing_is_permitted_at_first(void **state)
{
	assert_int_equal(write(far, "abc", 3), 3);
	assert_int_equal(poll_near(POLLIN | POLLOUT), 0);
	assert_true(sshwire_has_input());
}

static void
test_reads_ahead(void **state)
{
	char buf[8];

	assert_int_equal(write(far, "abcde", 5), 5);
	sshwire_permit(SSHWIRE_READ);
	assert_int_equal(poll_near(POLLIN | POLLOUT), POLLIN);
	assert_int_equal(recv(near, buf, 2, 0), 2);
	assert_memory_equal(buf, "ab", 2);
	/* What comes later is not mixed in before its turn. */
	assert_int_equal(write(far, "fgh", 3), 3);
	assert_int_equal(poll_near(POLLIN), POLLIN);
	assert_int_equal(recv(near, buf, sizeof(buf), 0), 3);
	assert_memory_equal(buf, "cde", 3);
	assert_int_equal(poll_near(POLLIN), 0);
	assert_false(sshwire_has_input());
	sshwire_readable();
	assert_int_equal(poll_near(POLLIN), POLLIN);
	assert_int_equal(recv(near, buf, sizeof(buf), 0), 3);
	assert_memory_equal(buf, "fgh", 3);
}

static void
test_end_comes_after_the_bytes(void **state)
{
	char buf[8];

	assert_int_equal(write(far, "ab", 2), 2);
	assert_int_equal(shutdown(far, SHUT_WR), 0);
	sshwire_permit(SSHWIRE_READ);
	assert_int_equal(poll_near(POLLIN), POLLIN);
	assert_int_equal(recv(near, buf, sizeof(buf), 0), 2);
	sshwire_readable();
	assert_int_equal(poll_near(POLLIN), POLLIN);
	assert_int_equal(recv(near, buf, sizeof(buf), 0), 0);
	/* And is told again, as a socket does. */
	assert_int_equal(poll_near(POLLIN), POLLIN);
	assert_int_equal(recv(near, buf, sizeof(buf), 0), 0);
}

static void
test_no_room_is_no_error(void **state)
{
	static char junk[65536];
	ssize_t n = 1;
	int i;

	for (i = 0; i < 1000 && n > 0; i++) {
		sshwire_permit(SSHWIRE_WRITE);
		assert_int_equal(poll_near(POLLOUT), POLLOUT);
		n = send(near, junk, sizeof(junk), MSG_NOSIGNAL);
		/* One permission is for one write. */
		assert_int_equal(poll_near(POLLOUT), 0);
	}
	assert_int_equal(n, 0);
}

static void
test_broken_is_an_error(void **state)
{
	close(far);
	far = -1;
	sshwire_permit(SSHWIRE_WRITE);
	assert_int_equal(send(near, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
}

static void
test_other_descriptors_are_left_alone(void **state)
{
	struct pollfd p[2];
	char c;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	p[0].fd = pair[0];
	p[1].fd = near;
	p[0].events = p[1].events = POLLIN | POLLOUT;
	assert_int_equal(poll(p, 2, 0), 2);
	assert_int_equal(p[1].revents, POLLOUT);
	assert_int_equal(send(pair[1], "z", 1, 0), 1);
	assert_int_equal(poll(p, 1, -1), 1);
	assert_int_equal(p[0].revents, POLLIN | POLLOUT);
	assert_int_equal(recv(pair[0], &c, 1, 0), 1);
	assert_int_equal(c, 'z');
	close(pair[0]);
	close(pair[1]);
}

static void
test_stays_away_where_it_was_not_called(void **state)
{
	char c;

	sshwire_watch(near);
	assert_int_equal(sshwire_open(near), -1);
	assert_int_equal(send(near, "x", 1, 0), 1);
	assert_int_equal(sshwire_open(near), -1);
	assert_int_equal(poll_near(POLLIN | POLLOUT), POLLOUT);
	assert_int_equal(write(far, "y", 1), 1);
	assert_int_equal(recv(near, &c, 1, 0), 1);
	assert_int_equal(sshwire_open(far), -1);
	assert_int_equal(sshwire_open(near), 0);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

/* libssh's want of memory is not forgotten, and nothing made in it is sent. */
static void
test_want_of_memory(void **state)
{
	char c;

	sshwire_permit(SSHWIRE_READ | SSHWIRE_WRITE);
	errno = ENOMEM;
	assert_int_equal(poll_near(POLLIN), 0);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(write(far, "a", 1), 1);
	sshwire_readable();
	errno = ENOMEM;
	assert_int_equal(poll_near(POLLIN), POLLIN);
	assert_int_equal(recv(near, &c, 1, 0), 1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(send(near, "x", 1, 0), -1);
	errno = 0;
	assert_int_equal(recv(far, &c, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

/* The same while it waits by itself. */
static void
test_want_of_memory_before(void **state)
{
	struct pollfd p = { .fd = near, .events = POLLOUT };

	sshwire_watch(near);
	errno = ENOMEM;
	assert_int_equal(poll(&p, 1, 0), -1);
	assert_int_equal(errno, ENOMEM);
	sshwire_watch(near);
	assert_int_equal(poll_near(POLLOUT), POLLOUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_permitted_at_first),
		TEST(test_reads_ahead),
		TEST(test_end_comes_after_the_bytes),
		TEST(test_no_room_is_no_error),
		TEST(test_broken_is_an_error),
		TEST(test_other_descriptors_are_left_alone),
		TEST(test_want_of_memory),
		TEST(test_want_of_memory_before),
		TEST(test_stays_away_where_it_was_not_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
