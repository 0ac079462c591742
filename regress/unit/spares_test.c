/* SPDX-License-Identifier: ISC */
/*
 * Channels that are kept ready, of a session that the test plays: how many are
 * asked for, which are taken, and what a taken one makes of its reply.
 */
#include <sys/types.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "socks.h"
#include "spares.h"
#include "sshloop.h"
#include "sshopen.h"
#include "starve.h"
#include "stream.h"

#define NCHANS		8
#define PATIENCE	60	/* seconds for a reply */

static struct chan {
	struct sshchan	 chan;		/* first: a stream begins it */
	sshchan_open_cb	*opened;
	void		*arg;
	const char	*in;
	size_t		 in_len;
	size_t		 out_len;
	int		 want;
	int		 ended;
	int		 closed;
} chans[NCHANS];

static struct event_base *base;
static struct sshloop loop;
static struct spares spares;
static size_t nchans, max;
static enum stream_event last;
static size_t offered;

static ssize_t
chan_read(struct stream *st, void *buf, size_t len)
{
	struct chan *c = (struct chan *)st;

	if (c->in_len == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (len > c->in_len)
		len = c->in_len;
	memcpy(buf, c->in, len);
	c->in += len;
	c->in_len -= len;
	return (ssize_t)len;
}

static ssize_t
chan_write(struct stream *st, const void *buf, size_t len)
{
	((struct chan *)st)->out_len += len;
	return (ssize_t)len;
}

static size_t
chan_space(struct stream *st)
{
	return 77;
}

static void
chan_want(struct stream *st, int want)
{
	((struct chan *)st)->want = want;
}

static void
chan_end(struct stream *st)
{
	((struct chan *)st)->ended++;
}

static void
chan_close(struct stream *st, enum stream_ending ending)
{
	((struct chan *)st)->closed++;
}

static const struct stream_ops chan_ops = {
	chan_read, chan_write, chan_space, chan_want, chan_end, chan_close
};

struct sshchan *
sshopen_direct(struct sshchans *all, const char *host, int port,
    const char *origin, int origin_port, sshchan_open_cb *cb, void *arg)
{
	struct chan *c = &chans[nchans];

	if (nchans >= max)
		return NULL;
	nchans++;
	c->chan.stream.ops = &chan_ops;
	c->opened = cb;
	c->arg = arg;
	return &c->chan;
}

static void
open_chan(size_t i, int failure)
{
	chans[i].opened(&chans[i].chan, failure, "why", chans[i].arg);
}

static void
tell(size_t i, enum stream_event ev)
{
	struct stream *st = &chans[i].chan.stream;

	st->cb(st, ev, st->arg);
}

static size_t
offer(size_t i, const char *text)
{
	struct stream *st = &chans[i].chan.stream;

	return st->offer(st, text, strlen(text), st->arg);
}

static void
event_cb(struct stream *st, enum stream_event ev, void *arg)
{
	last = ev;
}

static size_t
offer_cb(struct stream *st, const void *data, size_t len, void *arg)
{
	offered += len;
	return len;
}

static int
begin(void)
{
	return spares_init(&spares, base, &loop, 2, PATIENCE);
}

static int
setup(void **state)
{
	base = event_base_new();
	log_init("spares_test", LOG_LEVEL_QUIET, 1);
	memset(chans, 0, sizeof(chans));
	nchans = offered = 0;
	max = NCHANS;
	return begin();
}

static int
teardown(void **state)
{
	size_t i;

	spares_clear(&spares);
	assert_int_equal(spares.nspares, 0);
	for (i = 0; i < nchans; i++)
		assert_in_range(chans[i].closed, 0, 1);
	event_base_free(base);
	return 0;
}

/* Two are asked for; one that is taken is replaced. */
static void
test_kept_ready(void **state)
{
	struct stream *st;

	assert_int_equal(nchans, 2);
	assert_null(spares_take(&spares));
	open_chan(0, SSHCHAN_NO_FAILURE);
	assert_non_null(st = spares_take(&spares));
	assert_int_equal(nchans, 3);
	st->ops->close(st, STREAM_CLOSE);
	assert_int_equal(chans[0].closed, 1);
	/* None is asked for in the place of one that is refused ... */
	open_chan(1, SSHCHAN_PROHIBITED);
	open_chan(2, SSHCHAN_PROHIBITED);
	assert_int_equal(nchans, 3);
	/* ... but one when the next is wanted. */
	assert_null(spares_take(&spares));
	assert_int_equal(nchans, 4);
}

/* One that ends while nobody has it is closed, whatever else it says. */
static void
test_ends(void **state)
{
	open_chan(0, SSHCHAN_NO_FAILURE);
	open_chan(1, SSHCHAN_NO_FAILURE);
	tell(0, STREAM_READABLE);
	assert_int_equal(chans[0].closed, 0);
	assert_int_equal(offer(0, "early"), 0);
	tell(0, STREAM_HANGUP);
	tell(1, STREAM_RESET);
	assert_int_equal(chans[0].closed + chans[1].closed, 2);
	assert_null(spares_take(&spares));
}

static struct stream *
take(void)
{
	struct stream *st;

	open_chan(0, SSHCHAN_NO_FAILURE);
	assert_non_null(st = spares_take(&spares));
	st->cb = event_cb;
	st->offer = offer_cb;
	return st;
}

/* The reply is taken off, and what came with it is the target's. */
static void
test_passes(void **state)
{
	static const char reply[] = "\5\0\0\1\177\0\0\1\0\120hello";
	struct stream *st = take();
	char buf[8];

	assert_int_equal(st->ops->write(st, "request", 7), 7);
	assert_int_equal(chans[0].out_len, 7);
	assert_int_equal(st->ops->space(st), 77);
	st->ops->want(st, STREAM_WANT_READ);
	assert_int_equal(chans[0].want, STREAM_WANT_READ);
	assert_int_equal(offer(0, "reply"), 0);
	assert_int_equal(st->ops->read(st, buf, 2), -1);
	assert_int_equal(errno, EAGAIN);
	chans[0].in = reply;
	chans[0].in_len = 15;
	tell(0, STREAM_READABLE);
	assert_int_equal(last, STREAM_READABLE);
	assert_int_equal(st->ops->read(st, buf, 2), 2);
	assert_memory_equal(buf, "he", 2);
	/* What is offered may not come before what is held. */
	assert_int_equal(offer(0, "later"), 0);
	assert_int_equal(st->ops->read(st, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "llo", 3);
	assert_int_equal(offer(0, "later"), 5);
	st->offer = NULL;
	assert_int_equal(offer(0, "later"), 0);
	st->ops->end(st);
	assert_int_equal(chans[0].ended, 1);
	st->ops->close(st, STREAM_CLOSE);
	assert_int_equal(offered, 5);
}

static void
assert_reset(const char *reply, size_t len)
{
	struct stream *st = take();
	char buf[8];

	chans[0].in = reply;
	chans[0].in_len = len;
	assert_int_equal(st->ops->read(st, buf, sizeof(buf)), -1);
	assert_int_equal(errno, ECONNRESET);
	st->ops->close(st, STREAM_ABORT);
	teardown(NULL);
	setup(NULL);
}

/* A refusal comes too late for an answer: it is a reset. */
static void
test_refused(void **state)
{
	assert_reset("\5\5\0\1\0\0\0\0\0\0", 10);
	assert_reset("SSH-2.0-what", 12);
}

static void
pass(int seconds)
{
	clock_move(seconds * CLOCK_SECOND);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* One whose reply does not come is reset; one that has its reply is not. */
static void
test_late(void **state)
{
	struct stream *st[2];
	char buf[4];
	int i;

	for (i = 0; i < 2; i++) {
		open_chan((size_t)i, SSHCHAN_NO_FAILURE);
		assert_non_null(st[i] = spares_take(&spares));
		st[i]->cb = event_cb;
	}
	chans[0].in = "\5\0\0\1\0\0\0\0\0\0";
	chans[0].in_len = 10;
	assert_int_equal(st[0]->ops->read(st[0], buf, sizeof(buf)), -1);
	assert_int_equal(errno, EAGAIN);
	last = STREAM_READABLE;
	pass(PATIENCE - 1);
	assert_int_equal(last, STREAM_READABLE);
	pass(2);
	assert_int_equal(last, STREAM_RESET);
	assert_int_equal(st[1]->ops->read(st[1], buf, sizeof(buf)), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(st[0]->ops->read(st[0], buf, sizeof(buf)), -1);
	assert_int_equal(errno, EAGAIN);
	for (i = 0; i < 2; i++)
		st[i]->ops->close(st[i], STREAM_CLOSE);
}

static void
test_starved(void **state)
{
	int n, error;

	for (n = 1; n == 1 || starved(); n++) {
		spares_clear(&spares);
		memset(chans, 0, sizeof(chans));
		nchans = 0;
		starve(n);
		error = begin();
		starve(0);
		assert_true(error == 0 || nchans == 0);
		assert_int_equal(spares.nspares, nchans);
		assert_int_equal(nchans == 2, !starved());
	}
	/* Nor is there room for more than the session has. */
	spares_clear(&spares);
	memset(chans, 0, sizeof(chans));
	nchans = 0;
	max = 1;
	assert_int_equal(begin(), 0);
	assert_int_equal(spares.nspares, 1);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kept_ready), TEST(test_ends), TEST(test_passes),
		TEST(test_refused), TEST(test_late), TEST(test_starved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
