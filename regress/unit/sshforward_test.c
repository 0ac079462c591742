/* SPDX-License-Identifier: ISC */
/* sshforward over a session whose answers are written here. */
#include <sys/types.h>
#include <sys/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

/* Nobody connects. */
struct sshchan *
sshopen_accept(struct sshchans *all, ssh_message msg)
{
	return NULL;
}

void
sshchan_resume(struct sshchan *c)
{
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

static const struct sshforward_ops ops = {
	.listening = listening_cb,
	.failed = failed_cb,
};

static int
setup(void **state)
{
	memset(&conn, 0, sizeof(conn));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_granted, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_lost, setup),
		cmocka_unit_test_setup(test_one_at_a_time, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
