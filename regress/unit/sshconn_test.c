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

#include "sshconn.h"

static struct event_base *base;
static struct sshconn conn;
static int near, far;		/* the connection's two ends */
static int fatal;		/* libssh's last error is one */
static int starved;		/* it is out of memory when it reads */
static int rounds;
static char broken[256];	/* why, as told */

int
ssh_get_fd(ssh_session session)
{
	return near;
}

int
ssh_is_connected(ssh_session session)
{
	return 1;
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
	return "an error";
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
	return SSH_OK;
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

	if (recv(near, &c, 1, 0) == 1 && starved)
		errno = ENOMEM;
	return SSH_OK;
}

int
ssh_message_reply_default(ssh_message msg)
{
	if (starved)
		errno = ENOMEM;
	return fatal || starved ? SSH_ERROR : SSH_OK;
}

static int
round_cb(void *arg)
{
	rounds++;
	return 0;
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
	fatal = starved = 0;
	broken[0] = '\0';
	base = event_base_new();
	/* Any session will do: it is never looked into. */
	assert_int_equal(sshconn_init(&conn, base, (ssh_session)&conn, 1, &ops,
	    NULL), 0);
	sshconn_start(&conn);
	event_base_loop(base, EVLOOP_NONBLOCK);
	rounds = 0;
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

	starved = 1;
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

	starved = 1;
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

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_memory_to_read),
		TEST(test_no_memory_to_write),
		TEST(test_fatal),
		TEST(test_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
