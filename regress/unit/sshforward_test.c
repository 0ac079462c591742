/* SPDX-License-Identifier: ISC */
/* sshforward over a session whose answers are written here. */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "sshchan.h"
#include "sshconn.h"
#include "sshforward.h"
#include "sshopen.h"

static struct sshconn conn;
static struct sshchans chans = { .conn = &conn };
static struct sshforwards home;
static int broken, busy;	/* by a keepalive */
static int answer;		/* libssh's to the next request */
static int asked, cancelled;
static int listening, failed;
static enum sshconn_answer last;

/* A message of the peer's: a channel from a port that it waits on. */
static int type, subtype, came_to, permitted;
static const char *origin;
static struct sshchan chan;
static int accepted, resumed, connected, aborted;

int
sshconn_is_broken(const struct sshconn *c)
{
	return broken;
}

void
sshconn_kick(struct sshconn *c)
{
}

int
sshconn_result(struct sshconn *c, int rc, const char *call)
{
	return rc;
}

int
sshconn_may_request(struct sshconn *c)
{
	return !busy;
}

struct sshchan *
sshopen_accept(struct sshchans *all, ssh_message msg)
{
	return accepted ? &chan : NULL;
}

void
sshchan_resume(struct sshchan *c)
{
	resumed++;
}

int
ssh_message_type(ssh_message msg)
{
	return type;
}

int
ssh_message_subtype(ssh_message msg)
{
	return subtype;
}

int
ssh_message_channel_request_open_destination_port(ssh_message msg)
{
	return came_to;
}

const char *
ssh_message_channel_request_open_originator(ssh_message msg)
{
	return origin;
}

int
ssh_message_channel_request_open_originator_port(ssh_message msg)
{
	return 4711;
}

static void
close_channel(struct stream *st, enum stream_ending ending)
{
	assert_ptr_equal(st, &chan.stream);
	assert_int_equal(ending, STREAM_ABORT);
	aborted++;
}

int
ssh_channel_listen_forward(ssh_session session, const char *address, int port,
    int *bound)
{
	asked++;
	return answer;
}

int
ssh_channel_cancel_forward(ssh_session session, const char *address, int port)
{
	cancelled++;
	return answer;
}

static void
listening_cb(void *arg)
{
	listening++;
}

static void
failed_cb(enum sshconn_answer why, void *arg)
{
	failed++;
	last = why;
}

static int
permit_cb(const char *host, int from, void *arg)
{
	assert_string_equal(host, "192.0.2.1");
	assert_int_equal(from, 4711);
	return permitted;
}

static void
connected_cb(struct sshchan *c, const char *host, int from, void *arg)
{
	assert_ptr_equal(c, &chan);
	assert_string_equal(host, "192.0.2.1");
	assert_int_equal(from, 4711);
	connected++;
}

static const struct sshforward_ops ops = {
	.listening = listening_cb,
	.failed = failed_cb,
	.permit = permit_cb,
	.connected = connected_cb,
};

static int
setup(void **state)
{
	static const struct stream_ops stream_ops = { .close = close_channel };

	memset(&conn, 0, sizeof(conn));
	memset(&chan, 0, sizeof(chan));
	chan.stream.ops = &stream_ops;
	type = SSH_REQUEST_CHANNEL_OPEN;
	subtype = SSH_CHANNEL_FORWARDED_TCPIP;
	came_to = 61000;
	origin = "192.0.2.1";
	permitted = accepted = 1;
	resumed = connected = aborted = 0;
	sshforwards_init(&home, &chans);
	broken = busy = asked = cancelled = listening = failed = 0;
	answer = SSH_AGAIN;
	*state = sshforward_listen(&home, "", 61000, &ops, NULL);
	assert_non_null(*state);
	return 0;
}

/* A port that was given up is cancelled, and gone when that is answered. */
static void
test_granted(void **state)
{
	sshforwards_service(&home);
	assert_int_equal(asked, 1);
	assert_true(conn.requesting);
	answer = SSH_OK;
	sshforwards_service(&home);
	assert_int_equal(listening, 1);
	assert_false(conn.requesting);
	sshforward_close(*state);
	sshforwards_service(&home);
	assert_int_equal(cancelled, 1);
	assert_true(TAILQ_EMPTY(&home.all));
}

static void
test_refused(void **state)
{
	answer = SSH_ERROR;
	sshforwards_service(&home);
	assert_int_equal(failed, 1);
	assert_int_equal(last, SSHCONN_REFUSED);
	sshforward_close(*state);
	assert_true(TAILQ_EMPTY(&home.all));
}

/* Of a broken connection libssh says "refused", which nobody did. */
static void
test_lost(void **state)
{
	answer = SSH_ERROR;
	broken = 1;
	sshforwards_service(&home);
	assert_int_equal(failed, 0);
	conn.lost = 1;
	sshforwards_lose(&home);
	assert_int_equal(failed, 1);
	assert_int_equal(last, SSHCONN_LOST);
	assert_true(TAILQ_EMPTY(&home.all));
	assert_null(sshforward_listen(&home, "", 61000, &ops, NULL));
}

/* libssh has room for one request: others wait, and for a keepalive. */
static void
test_one_at_a_time(void **state)
{
	struct sshforward *second;

	second = sshforward_listen(&home, "", 61001, &ops, NULL);
	assert_non_null(second);
	busy = 1;
	sshforwards_service(&home);
	assert_int_equal(asked, 0);
	busy = 0;
	sshforwards_service(&home);
	sshforwards_service(&home);
	assert_int_equal(asked, 2);
	assert_int_equal(listening, 0);
	sshforward_close(second);
	answer = SSH_OK;
	sshforwards_service(&home);
	assert_int_equal(asked, 3);
	assert_int_equal(listening, 1);
	sshforward_close(*state);
	sshforwards_service(&home);
	assert_true(TAILQ_EMPTY(&home.all));
}

/* Somebody connects to the port at the peer: is that refused? */
static int
come(void)
{
	errno = 0;
	return sshforwards_message_cb(NULL, NULL, &home);
}

static void
listen_there(void)
{
	answer = SSH_OK;
	sshforwards_service(&home);
	assert_int_equal(listening, 1);
}

/* One is served, and none after it. */
static void
test_connected(void **state)
{
	listen_there();
	assert_int_equal(come(), 0);
	assert_int_equal(chan.state, SSHCHAN_PENDING);
	assert_int_equal(connected, 0);
	assert_int_equal(come(), 1);
	sshforwards_service(&home);
	assert_int_equal(connected, 1);
	assert_int_equal(resumed, 1);
	sshforwards_service(&home);
	assert_int_equal(connected, 1);
	sshforward_close(*state);
	sshforwards_service(&home);
	assert_int_equal(aborted, 0);
	assert_true(TAILQ_EMPTY(&home.all));
}

/* What nobody asked for is libssh's to refuse. */
static void
test_not_asked_for(void **state)
{
	listen_there();
	type = SSH_REQUEST_GLOBAL;
	assert_int_equal(come(), 1);
	type = SSH_REQUEST_CHANNEL_OPEN;
	subtype = SSH_CHANNEL_SESSION;
	assert_int_equal(come(), 1);
	subtype = SSH_CHANNEL_FORWARDED_TCPIP;
	came_to = 61001;
	assert_int_equal(come(), 1);
	came_to = 61000;
	origin = NULL;
	assert_int_equal(come(), 1);
	origin = "192.0.2.1";
	permitted = 0;
	assert_int_equal(come(), 1);
	permitted = 1;
	accepted = 0;
	assert_int_equal(come(), 1);
	accepted = 1;
	errno = ENOMEM;
	assert_int_equal(sshforwards_message_cb(NULL, NULL, &home), 1);
	/* None of them was the one connection. */
	assert_int_equal(come(), 0);
	sshforward_close(*state);
	assert_int_equal(aborted, 1);
	sshforwards_service(&home);
	assert_int_equal(connected, 0);
	assert_true(TAILQ_EMPTY(&home.all));
}

/* It is given up while the peer is asked: then nobody hears of the answer. */
static void
test_given_up(void **state)
{
	sshforwards_service(&home);
	assert_int_equal(asked, 1);
	sshforward_close(*state);
	assert_int_equal(come(), 1);
	answer = SSH_OK;
	sshforwards_service(&home);
	assert_int_equal(listening, 0);
	assert_int_equal(cancelled, 1);
	assert_true(TAILQ_EMPTY(&home.all));
}

static void
test_given_up_refused(void **state)
{
	sshforwards_service(&home);
	sshforward_close(*state);
	answer = SSH_ERROR;
	sshforwards_service(&home);
	assert_int_equal(failed, 0);
	assert_int_equal(cancelled, 0);
	assert_true(TAILQ_EMPTY(&home.all));
}

/* The owner, told of the loss, closes it from inside; others have none. */
static struct sshforward *lost;

static void
close_cb(enum sshconn_answer why, void *arg)
{
	failed_cb(why, arg);
	sshforward_close(lost);
}

static void
test_lost_all(void **state)
{
	static const struct sshforward_ops closing = { .failed = close_cb };

	listen_there();
	assert_int_equal(come(), 0);
	lost = sshforward_listen(&home, "", 61001, &closing, NULL);
	answer = SSH_AGAIN;
	sshforward_close(*state);
	assert_int_equal(aborted, 1);
	sshforwards_service(&home);
	conn.lost = 1;
	sshforwards_lose(&home);
	assert_int_equal(failed, 1);
	assert_int_equal(last, SSHCONN_LOST);
	assert_true(TAILQ_EMPTY(&home.all));
}

#define TEST(fn)	cmocka_unit_test_setup(fn, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_granted), TEST(test_refused), TEST(test_lost),
		TEST(test_one_at_a_time), TEST(test_connected),
		TEST(test_not_asked_for), TEST(test_given_up),
		TEST(test_given_up_refused), TEST(test_lost_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
