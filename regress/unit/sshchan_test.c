/* SPDX-License-Identifier: ISC */
/*
 * Channels, from their opening to their end, over a library that does what it
 * is told here.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>
#include <libssh/callbacks.h>
#include <libssh/server.h>

#include "sshchan.h"
#include "sshconn.h"
#include "sshopen.h"
#include "starve.h"

#define WINDOW	1280000		/* libssh's own */

static struct sshconn conn;
static struct sshchans chans;
static struct sshchan *chan;
static char one;		/* what libssh's channels point at */

static int no_channel;		/* libssh cannot make one */
static int no_callbacks;	/* nor let it have callbacks */
static int answer;		/* to what it is asked next */
static int is_open;
static int given;		/* by the next read */
static uint32_t announced;	/* how much that asked for */
static int eofs, closes, again, freed;
static char sent[64];		/* signals */

static enum stream_event last;
static int events;
static size_t appetite;		/* for what is offered */
static int openings, code;
static char why[64];

void
sshconn_kick(struct sshconn *c)
{
}

void
sshconn_note_output(struct sshconn *c)
{
}

int
sshconn_result(struct sshconn *c, int rc, const char *call)
{
	return rc;
}

const char *
ssh_version(int wanted)
{
	return NULL;
}

ssh_channel
ssh_channel_new(ssh_session session)
{
	return no_channel ? NULL : (ssh_channel)(void *)&one;
}

ssh_channel
ssh_message_channel_request_open_reply_accept(ssh_message msg)
{
	return ssh_channel_new(NULL);
}

int
ssh_set_channel_callbacks(ssh_channel channel, ssh_channel_callbacks cb)
{
	return no_callbacks ? SSH_ERROR : SSH_OK;
}

int
ssh_remove_channel_callbacks(ssh_channel channel, ssh_channel_callbacks cb)
{
	return SSH_OK;
}

int
ssh_channel_open_forward(ssh_channel channel, const char *host, int port,
    const char *origin, int origin_port)
{
	return answer;
}

int
ssh_channel_is_open(ssh_channel channel)
{
	return is_open;
}

int
ssh_channel_read_timeout(ssh_channel channel, void *buf, uint32_t len,
    int is_stderr, int timeout)
{
	announced = len;
	if (given > 0)
		memset(buf, 'r', (size_t)given);
	return given;
}

int
ssh_channel_write(ssh_channel channel, const void *data, uint32_t len)
{
	return answer;
}

int
ssh_channel_send_eof(ssh_channel channel)
{
	eofs++;
	return SSH_OK;
}

int
ssh_channel_close(ssh_channel channel)
{
	return closes++ < again ? SSH_AGAIN : SSH_OK;
}

void
ssh_channel_free(ssh_channel channel)
{
	freed++;
}

int
ssh_channel_request_send_signal(ssh_channel channel, const char *name)
{
	strlcat(sent, name, sizeof(sent));
	return SSH_OK;
}

int
ssh_channel_request_send_exit_signal(ssh_channel channel, const char *name,
    int core, const char *text, const char *lang)
{
	strlcat(sent, "exit-", sizeof(sent));
	return ssh_channel_request_send_signal(channel, name);
}

static void
event_cb(struct stream *st, enum stream_event ev, void *arg)
{
	last = ev;
	events++;
}

static size_t
offer_cb(struct stream *st, const void *data, size_t len, void *arg)
{
	return len < appetite ? len : appetite;
}

static void
opened_cb(struct sshchan *c, int failure, const char *text, void *arg)
{
	openings++;
	code = failure;
	strlcpy(why, text, sizeof(why));
}

static void
own(struct sshchan *c)
{
	c->stream.cb = event_cb;
}

static void
say(enum stream_ending ending)
{
	chan->stream.ops->close(&chan->stream, ending);
}

static ssize_t
take(size_t len)
{
	static u_char buf[65536];

	return chan->stream.ops->read(&chan->stream, buf, len);
}

static void
want(int what)
{
	chan->stream.ops->want(&chan->stream, what);
}

static int
receive(uint32_t len, int is_stderr)
{
	static char data[2 * WINDOW];

	return chan->cbs.channel_data_function(NULL, NULL, data, len,
	    is_stderr, chan);
}

/* The peer sends bytes; how many the owner took at once. */
static int
come(uint32_t len)
{
	errno = 0;
	return receive(len, 0);
}

static void
peer_closes(void)
{
	chan->cbs.channel_close_function(NULL, NULL, chan);
}

static void
peer_ends(void)
{
	chan->cbs.channel_eof_function(NULL, NULL, chan);
}

static void
peer_signals(const char *sig)
{
	chan->cbs.channel_signal_function(NULL, NULL, sig, chan);
}

/* What was marked is told, as in a round. */
static int
deliver(void)
{
	events = 0;
	if (chan->marked_in != NULL)
		TAILQ_REMOVE(chan->marked_in, chan, mark);
	chan->marked_in = NULL;
	sshchan_deliver(chan);
	return events;
}

static int
setup(void **state)
{
	memset(&conn, 0, sizeof(conn));
	no_channel = no_callbacks = is_open = given = again = 0;
	eofs = closes = freed = events = openings = code = 0;
	answer = SSH_AGAIN;
	appetite = 0;
	sent[0] = why[0] = '\0';
	assert_int_equal(sshchans_init(&chans, &conn, 16 * WINDOW), 0);
	chan = sshopen_accept(&chans, NULL);
	assert_non_null(chan);
	own(chan);
	return 0;
}

static int
teardown(void **state)
{
	conn.lost = 1;
	sshchans_lose(&chans);
	assert_int_equal(chans.count, 0);
	assert_int_equal(chans.windows.used, 0);
	sshchans_clear(&chans);
	return 0;
}

/* What the owner does not take at once it is told of, when it reads. */
static void
test_reads(void **state)
{
	assert_int_equal(take(10), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(come(100), 0);
	assert_int_equal(deliver(), 0);
	want(STREAM_WANT_READ);
	assert_int_equal(deliver(), 1);
	assert_int_equal(last, STREAM_READABLE);
	given = 60;
	assert_int_equal(take(60), 60);
	given = 40;
	assert_int_equal(take(1000), 40);
	assert_int_equal(announced, 40);
	assert_int_equal(take(1000), -1);
	chan->stream.offer = offer_cb;
	appetite = 30;
	assert_int_equal(come(100), 30);
	assert_int_equal(chan->unread, 70);
	assert_int_equal(deliver(), 1);
	given = SSH_ERROR;
	assert_int_equal(take(10), -1);
	assert_int_equal(errno, ECONNRESET);
	/* Of what a program says on standard error a stream has nothing. */
	assert_int_equal(receive(1, 1), 1);
	assert_int_equal(chan->unread, 70);
}

/* Nothing is taken when libssh may have lost what was before it. */
static void
test_refuses(void **state)
{
	want(STREAM_WANT_READ);
	chan->stream.offer = offer_cb;
	appetite = 100;
	errno = ENOMEM;
	assert_int_equal(receive(1, 0), 0);
	assert_int_equal(chan->unread, 0);
	/* A peer that does not care for the window is not kept. */
	assert_int_equal(come(32 * 1024 * 1024 + 1), 0);
	assert_int_equal(deliver(), 1);
	assert_int_equal(last, STREAM_RESET);
	assert_int_equal(take(10), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void
test_writes(void **state)
{
	struct stream *st = &chan->stream;

	assert_int_equal(st->ops->space(st), 0);
	assert_int_equal(st->ops->write(st, "abc", 3), -1);
	assert_int_equal(errno, EAGAIN);
	want(STREAM_WANT_WRITE);
	assert_ptr_equal(TAILQ_FIRST(&chans.ring), chan);
	want(STREAM_WANT_WRITE);
	chan->allowance = 10;
	answer = 3;
	assert_int_equal(st->ops->write(st, "abc", 3), 3);
	assert_int_equal(st->ops->space(st), 7);
	assert_false(conn.rekeying);
	/* New keys are agreed on: libssh takes nothing. */
	answer = 0;
	assert_int_equal(st->ops->write(st, "abc", 3), 0);
	assert_int_equal(st->ops->space(st), 0);
	assert_true(conn.rekeying);
	chan->allowance = 2;
	answer = SSH_ERROR;
	assert_int_equal(st->ops->write(st, "abc", 3), -1);
	assert_int_equal(errno, ECONNRESET);
	/* That the peer has closed it is told in its turn. */
	chan->allowance = 2;
	peer_closes();
	assert_int_equal(st->ops->write(st, "abc", 3), -1);
	assert_int_equal(errno, EAGAIN);
	want(0);
	assert_true(TAILQ_EMPTY(&chans.ring));
}

static void
test_half_close(void **state)
{
	struct stream *st = &chan->stream;

	want(STREAM_WANT_READ);
	come(10);
	peer_ends();
	assert_int_equal(deliver(), 1);
	assert_int_equal(last, STREAM_READABLE);
	given = 10;
	assert_int_equal(take(100), 10);
	assert_int_equal(take(100), 0);
	st->ops->end(st);
	assert_int_equal(eofs, 1);
	peer_closes();
	assert_int_equal(deliver(), 1);
	assert_int_equal(last, STREAM_HANGUP);
	/* Whoever comes late learns of the end all the same. */
	want(STREAM_WANT_READ);
	assert_int_equal(deliver(), 1);
	assert_int_equal(take(100), 0);
}

/* Of all signals one says that the stream was reset. */
static void
test_signals(void **state)
{
	want(STREAM_WANT_READ);
	peer_signals("TERM");
	assert_int_equal(chan->marks, 0);
	chan->cbs.channel_exit_signal_function(NULL, NULL, "ABRT", 0, "", "",
	    chan);
	peer_closes();
	assert_int_equal(deliver(), 1);
	assert_int_equal(last, STREAM_RESET);
	assert_int_equal(take(10), -1);
	assert_int_equal(errno, ECONNRESET);
	/* It is gone when both have closed it. */
	say(STREAM_ABORT);
	assert_int_equal(closes, 1);
	assert_int_equal(deliver(), 0);
	assert_ptr_equal(TAILQ_FIRST(&chans.dead), chan);
	sshchan_reap(chan);
	assert_int_equal(freed, 1);
	assert_int_equal(chans.count, 0);
}

/* An end that was no good one is told to a peer that knows of it. */
static void
test_aborts(void **state)
{
	static const struct {
		int		 sockstun, server, hangup;
		const char	*sent;
	} table[] = {
		{ 0, 0, 0, "" },
		{ 1, 0, 0, "ABRT" },
		{ 1, 1, 0, "exit-ABRT" },
		{ 1, 0, 1, "" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		sent[0] = '\0';
		chans.sockstun = table[i].sockstun;
		conn.server = table[i].server;
		chan->hangup = table[i].hangup;
		say(STREAM_ABORT);
		assert_string_equal(sent, table[i].sent);
		chan = sshopen_accept(&chans, NULL);
		own(chan);
	}
	sent[0] = '\0';
	say(STREAM_CLOSE);
	assert_string_equal(sent, "");
}

/* libssh may send EOF alone at first; what comes now nobody gets. */
static void
test_close(void **state)
{
	struct stream *st = &chan->stream;

	closes = 0;
	again = 1;
	want(STREAM_WANT_READ);
	chan->stream.offer = offer_cb;
	appetite = 100;
	say(STREAM_CLOSE);
	assert_int_equal(closes, 2);
	assert_int_equal(come(10), 0);
	assert_int_equal(deliver(), 0);
	assert_ptr_equal(TAILQ_FIRST(&chans.closing), chan);
	assert_int_equal(take(10), -1);
	assert_int_equal(errno, EAGAIN);
	st->ops->end(st);
	assert_int_equal(eofs, 0);
	peer_closes();
	assert_int_equal(deliver(), 0);
	assert_ptr_equal(TAILQ_FIRST(&chans.dead), chan);
}

/* Reads two windows at once, as a flow does that is held up. */
static void
drain(size_t left)
{
	chans.windows.eager = 1;
	want(STREAM_WANT_READ);
	chan->stream.offer = offer_cb;
	appetite = WINDOW;
	come((uint32_t)(WINDOW + left));
	assert_ptr_equal(TAILQ_FIRST(&chans.thirsty), chan);
	announced = 0;
	sshchan_widen(chan);
	assert_true(TAILQ_EMPTY(&chans.thirsty));
}

/* A larger window is announced; what libssh reads meanwhile comes first. */
static void
test_widens(void **state)
{
	given = 5;
	drain(0);
	assert_int_equal(announced, 2 * WINDOW);
	assert_int_equal(deliver(), 1);
	assert_int_equal(come(100), 0);
	assert_int_equal(take(3), 3);
	assert_int_equal(take(1000), 2);
	given = 100;
	assert_int_equal(take(1000), 100);
	chan->allowance = 0;
	say(STREAM_CLOSE);
	assert_int_equal(chans.windows.used, 0);
}

static void
test_widens_nothing(void **state)
{
	given = 0;
	drain(1000);
	assert_int_equal(announced, 0);
	given = 1000;
	assert_int_equal(take(1000), 1000);
	given = SSH_AGAIN;
	chan->window.epoch = chan->window.size;
	sshchan_widen(chan);
	assert_int_equal(chan->marks & SSHCHAN_MARK_RESET, 0);
	chan->window.epoch = chan->window.size;
	peer_ends();
	announced = 0;
	sshchan_widen(chan);
	assert_int_equal(announced, 0);
}

/* What libssh gave has no place: it is not lost in silence. */
static void
test_widens_starved(void **state)
{
	given = 5;
	starve(1);
	drain(0);
	starve(0);
	assert_true(starved());
	assert_int_equal(deliver(), 1);
	assert_int_equal(last, STREAM_RESET);
}

/* Every owner is told, and may close what it has from inside. */
static void
closing_cb(struct stream *st, enum stream_event ev, void *arg)
{
	event_cb(st, ev, arg);
	assert_int_equal(st->ops->read(st, why, 1), -1);
	assert_int_equal(errno, ENETRESET);
	st->ops->end(st);
	st->ops->close(st, STREAM_ABORT);
}

static void
lost_cb(struct sshchan *c)
{
	events += 100;
}

static void
free_cb(struct sshchan *c)
{
}

static void
test_lost(void **state)
{
	static const struct sshchan_kind kind = {
		.lost = lost_cb, .free = free_cb
	};
	struct sshchan *c;

	chan->stream.cb = closing_cb;
	own(sshopen_accept(&chans, NULL));
	c = sshopen_accept(&chans, NULL);
	c->state = SSHCHAN_PENDING;
	c->kind = &kind;
	sshopen_accept(&chans, NULL)->state = SSHCHAN_PENDING;
	chan = sshopen_accept(&chans, NULL);
	say(STREAM_CLOSE);
	assert_non_null(sshopen_direct(&chans, "host", 80, "o", 0, opened_cb,
	    NULL));
	c = sshopen_direct(&chans, "host", 80, "o", 0, opened_cb, NULL);
	c->stream.ops->close(&c->stream, STREAM_CLOSE);
	conn.lost = 1;
	eofs = 0;
	sshchans_lose(&chans);
	assert_int_equal(events, 102);
	assert_int_equal(last, STREAM_RESET);
	assert_int_equal(openings, 1);
	assert_int_equal(code, SSHCHAN_SESSION_LOST);
	assert_int_equal(eofs, 0);
	assert_null(sshopen_direct(&chans, "host", 80, "o", 0, opened_cb,
	    NULL));
}

/* Asks for a channel, which becomes the one that is looked at. */
static void
ask(void)
{
	chan = sshopen_direct(&chans, "host", 80, "origin", 0, opened_cb,
	    NULL);
	assert_non_null(chan);
	own(chan);
	sshopen_check(chan);
	assert_int_equal(openings, 0);
	/* Nobody may be told of what comes before that. */
	assert_int_equal(deliver(), 0);
}

static void
test_opens(void **state)
{
	ask();
	is_open = 1;
	sshopen_check(chan);
	assert_int_equal(openings, 1);
	assert_int_equal(code, SSHCHAN_NO_FAILURE);
	assert_true(chans.windows.trip > 0);
	openings = 0;
	/* Opened, filled and closed before anybody looked. */
	is_open = 0;
	ask();
	come(10);
	peer_closes();
	sshopen_check(chan);
	assert_int_equal(openings, 1);
	want(STREAM_WANT_READ);
	assert_int_equal(deliver(), 1);
	assert_int_equal(last, STREAM_HANGUP);
	given = 10;
	assert_int_equal(take(100), 10);
}

/* libssh says it in a line of text, of one channel among many. */
static void
refuse(uint32_t id, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "Channel opening failure: channel %u "
	    "error (2) %s", id, text);
	sshopen_note_failure(&chans, line);
}

static void
test_refused(void **state)
{
	ask();
	sshopen_note_failure(&chans, "Channel opening failure: channel x");
	sshopen_note_failure(&chans, "something else");
	refuse(chan->id + 1, "of another");
	sshopen_check(chan);
	assert_int_equal(openings, 0);
	refuse(chan->id, "Connection refused");
	sshopen_check(chan);
	assert_int_equal(openings, 1);
	assert_int_equal(code, SSHCHAN_CONNECT_FAILED);
	assert_string_equal(why, "Connection refused");
	assert_int_equal(freed, 1);
	/* One that nobody waits for goes in silence. */
	openings = 0;
	ask();
	say(STREAM_ABORT);
	refuse(chan->id, "");
	sshopen_check(chan);
	assert_int_equal(openings, 0);
	assert_int_equal(freed, 2);
	assert_int_equal(closes, 0);
}

/* A channel that was given up is closed once the peer has opened it. */
static void
test_given_up(void **state)
{
	ask();
	say(STREAM_CLOSE);
	assert_int_equal(closes, 0);
	is_open = 1;
	sshopen_check(chan);
	assert_int_equal(openings, 0);
	assert_int_equal(closes, 1);
	assert_ptr_equal(TAILQ_FIRST(&chans.closing), chan);
}

static void
test_cannot_open(void **state)
{
	size_t before = chans.count;

	answer = SSH_ERROR;
	assert_null(sshopen_direct(&chans, "host", 80, "o", 0, opened_cb,
	    NULL));
	no_callbacks = 1;
	assert_null(sshopen_direct(&chans, "host", 80, "o", 0, opened_cb,
	    NULL));
	assert_int_equal(freed, 1);
	assert_null(sshopen_accept(&chans, NULL));
	assert_int_equal(closes, 1);
	no_channel = 1;
	assert_null(sshopen_direct(&chans, "host", 80, "o", 0, opened_cb,
	    NULL));
	assert_null(sshopen_accept(&chans, NULL));
	no_channel = no_callbacks = 0;
	starve(1);
	assert_null(sshopen_accept(&chans, NULL));
	starve(0);
	assert_int_equal(closes, 2);
	assert_int_equal(openings, 0);
	assert_int_equal(chans.count, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_close, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_aborts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close, setup, teardown),
		cmocka_unit_test_setup_teardown(test_widens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_widens_nothing, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_widens_starved, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_opens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_given_up, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_cannot_open, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
