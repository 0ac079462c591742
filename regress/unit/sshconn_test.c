/* SPDX-License-Identifier: ISC */
/* sshconn over a library that fails as it is told here. */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "eventloop.h"
#include "sshconn.h"
#include "starve.h"

int	__real_eventloop_watch(struct event *, const struct timeval *);
int	__wrap_eventloop_watch(struct event *, const struct timeval *);

static struct event_base *base;
static struct sshconn conn;
static int near, far;		/* the connection's two ends */
static int fatal;		/* libssh's last error is one */
static int out_of_memory;	/* libssh is, when it reads or writes */
static int no_watch;		/* nothing can be waited for any more */
static int no_poll;		/* libssh has no memory at the beginning */
static int connected;
static const char *error_text;	/* of libssh's */
static int asks;		/* for a sign of life */
static int rounds;
static int busy;		/* rounds that ask for another */
static int others;		/* rounds until others had their turn */
static char broken[256];	/* why, as told */

int
ssh_get_fd(ssh_session session)
{
	return near;
}

int
__wrap_eventloop_watch(struct event *ev, const struct timeval *tv)
{
	return no_watch ? -1 : __real_eventloop_watch(ev, tv);
}

int
ssh_is_connected(ssh_session session)
{
	return connected;
}

int
ssh_send_keepalive(ssh_session session)
{
	asks++;
	return SSH_OK;
}

int
ssh_get_status(ssh_session session)
{
	return 0;
}

int
ssh_get_error_code(void *session)
{
	return fatal ? SSH_FATAL : SSH_REQUEST_DENIED;
}

const char *
ssh_get_error(void *session)
{
	return error_text;
}

void
ssh_set_blocking(ssh_session session, int blocking)
{
}

void
ssh_set_counters(ssh_session session, ssh_counter socket, ssh_counter packets)
{
}

int
ssh_event_add_session(ssh_event event, ssh_session session)
{
	return no_poll ? SSH_ERROR : SSH_OK;
}

int
ssh_event_remove_session(ssh_event event, ssh_session session)
{
	return SSH_OK;
}

void
ssh_set_fd_towrite(ssh_session session)
{
}

void
ssh_free(ssh_session session)
{
}

/* Whatever it may be that is sent now. */
void
ssh_disconnect(ssh_session session)
{
	assert_int_equal(send(near, "bye", 3, MSG_NOSIGNAL),
	    conn.failed[0] != '\0' ? -1 : 3);
}

/* A message came, for which there may be no memory. */
int
ssh_event_dopoll(ssh_event event, int timeout)
{
	char c;

	if (recv(near, &c, 1, 0) == 1 && out_of_memory)
		errno = ENOMEM;
	return SSH_OK;
}

int
ssh_message_reply_default(ssh_message msg)
{
	if (out_of_memory)
		errno = ENOMEM;
	return fatal || out_of_memory ? SSH_ERROR : SSH_OK;
}

static int
round_cb(void *arg)
{
	if (++rounds >= busy)
		return 0;
	if (rounds == 1)
		assert_int_equal(write(far, "x", 1), 1);
	return SSHCONN_AGAIN;
}

static void
broken_cb(const char *why, void *arg)
{
	strlcpy(broken, why, sizeof(broken));
	event_base_loopbreak(base);
}

static const struct sshconn_ops ops = {
	.round = round_cb,
	.broken = broken_cb,
};

static int
setup(void **state)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	near = pair[0];
	far = pair[1];
	fatal = out_of_memory = no_watch = no_poll = asks = 0;
	connected = 1;
	error_text = "an error";
	broken[0] = '\0';
	base = event_base_new();
	/* Any session will do: it is never looked into. */
	assert_int_equal(sshconn_init(&conn, base, (ssh_session)&conn, 1, &ops,
	    NULL), 0);
	sshconn_start(&conn);
	event_base_loop(base, EVLOOP_NONBLOCK);
	rounds = busy = others = 0;
	return 0;
}

static int
teardown(void **state)
{
	sshconn_stop(&conn);
	sshconn_clear(&conn);
	close(near);
	close(far);
	event_base_free(base);
	return 0;
}

/* A message was dropped: what came with it is not believed. */
static void
test_no_memory_to_read(void **state)
{
	char c;

	out_of_memory = 1;
	assert_int_equal(write(far, "x", 1), 1);
	event_base_dispatch(base);
	assert_string_equal(broken, "ssh_event_dopoll: Cannot allocate memory");
	assert_int_equal(rounds, 0);
	assert_int_equal(read(far, &c, 1), 0);
}

/* Half a message may be made: nothing is sent any more. */
static void
test_no_memory_to_write(void **state)
{
	char c;

	out_of_memory = 1;
	sshconn_refuse(&conn, NULL);
	assert_true(sshconn_is_broken(&conn));
	assert_false(sshconn_has_room(&conn));
	assert_int_equal(read(far, &c, 1), 0);
	event_base_dispatch(base);
	assert_string_equal(broken,
	    "ssh_message_reply_default: Cannot allocate memory");
}

static void
test_fatal(void **state)
{
	fatal = 1;
	sshconn_refuse(&conn, NULL);
	event_base_dispatch(base);
	assert_string_equal(broken, "ssh_message_reply_default: an error");
}

/* What the peer refuses ends nothing, nor what failed before. */
static void
test_no_failure(void **state)
{
	errno = ENOMEM;
	assert_int_equal(SSHCONN_CALL(&conn, SSH_ERROR), SSH_ERROR);
	errno = ENOMEM;
	sshconn_refuse(&conn, NULL);
	assert_int_equal(write(far, "x", 1), 1);
	event_base_loop(base, EVLOOP_ONCE);
	assert_false(sshconn_is_broken(&conn));
	assert_true(rounds > 0);
	assert_string_equal(broken, "");
}

/* Why it ended is told, if libssh says so. */
static void
assert_ends(const char *why)
{
	broken[0] = '\0';
	connected = 0;
	assert_int_equal(write(far, "x", 1), 1);
	event_base_dispatch(base);
	assert_string_equal(broken, why);
}

static void
test_reason(void **state)
{
	assert_ends("an error");
}

static void
test_no_reason(void **state)
{
	error_text = "";
	assert_ends("connection lost");
	/* What is over asks for nothing, and does not end again. */
	sshconn_ask(&conn);
	assert_int_equal(asks, 0);
	fatal = 1;
	connected = 1;
	sshconn_refuse(&conn, NULL);
	assert_string_equal(conn.failed, "");
	sshconn_stop(&conn);
}

/* Any request of ours that is under way asks as well. */
static void
test_asks(void **state)
{
	sshconn_ask(&conn);
	assert_int_equal(asks, 2);
	conn.requesting = 1;
	sshconn_ask(&conn);
	assert_int_equal(asks, 2);
}

/* Without its timers nobody would notice that the peer is gone. */
static void
test_no_watch(void **state)
{
	conn.alive_every.tv_sec = 10;
	no_watch = 1;
	sshconn_start(&conn);
	event_base_dispatch(base);
	assert_string_equal(broken, "the session cannot be watched");
}

/* What cannot begin leaves nothing behind. */
static void
test_cannot_begin(void **state)
{
	struct sshconn other;
	int n, before = dup(0), r = -1;

	close(before);
	no_poll = 1;
	assert_int_equal(sshconn_init(&other, base, (ssh_session)&conn, 1,
	    &ops, NULL), -1);
	no_poll = 0;
	for (n = 1; r == -1; n++) {
		starve(n);
		r = sshconn_init(&other, base, (ssh_session)&conn, 1, &ops,
		    NULL);
		starve(0);
		assert_true(r == 0 || starved());
	}
	assert_int_equal(n, 7);
	sshconn_stop(&other);
	sshconn_clear(&other);
	assert_int_equal(n = dup(0), before);
	close(n);
}

static void
other_cb(evutil_socket_t fd, short what, void *arg)
{
	others = rounds;
}

/* A session that always has more to do leaves the loop to others, too. */
static void
test_busy(void **state)
{
	busy = 100;
	assert_int_equal(event_base_once(base, conn.watch, EV_READ, other_cb,
	    NULL, NULL), 0);
	sshconn_kick(&conn);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_true(rounds >= busy);
	assert_in_range(others, 1, 3);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_memory_to_read),
		TEST(test_no_memory_to_write),
		TEST(test_fatal),
		TEST(test_no_failure),
		TEST(test_reason),
		TEST(test_no_reason),
		TEST(test_asks),
		TEST(test_no_watch),
		TEST(test_cannot_begin),
		TEST(test_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
