/* SPDX-License-Identifier: ISC */
/*
 * Spare channels.  One that is taken is a stream whose user writes a SOCKS5
 * request and goes on at once; sockstund's reply is taken off here, in front
 * of the target's bytes, and one that tells of a failure resets the stream:
 *
 *	opening --> ready --> waiting for the reply --> passing bytes through
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "protocol.h"
#include "reply.h"
#include "socks.h"
#include "spares.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"

enum spare_state {
	SPARE_OPENING,
	SPARE_READY,
	SPARE_WAITING,
	SPARE_PASSING,
	SPARE_LATE		/* no reply came; it is being reset */
};

struct spare {
	struct stream		 stream;	/* first: the two are cast */
	TAILQ_ENTRY(spare)	 entry;		/* until it is taken */
	struct spares		*pool;
	struct stream		*chan;
	enum spare_state	 state;
	struct deadline		 deadline;	/* while SPARE_WAITING */
	struct reply		 reply;		/* and bytes of the target's */
};

/* Takes the reply off; -1 and errno if it is not there or a refusal. */
static int
spare_read_reply(struct spare *s)
{
	struct socks_reply reply;
	enum reply_status status = reply_read(&s->reply, s->chan, &reply);

	if (status == REPLY_MORE) {
		errno = EAGAIN;
		return -1;
	}
	deadline_stop(&s->deadline);
	if (status != REPLY_WHOLE || reply.rep != SOCKS_REP_OK) {
		log_verbose("fast open: %s", status != REPLY_WHOLE ?
		    reply_strerror(status) : socks_rep_name(reply.rep));
		errno = ECONNRESET;
		return -1;
	}
	s->state = SPARE_PASSING;
	return 0;
}

static ssize_t
spare_read(struct stream *st, void *buf, size_t len)
{
	struct spare *s = (struct spare *)st;
	struct reply *r = &s->reply;

	if (s->state == SPARE_WAITING && spare_read_reply(s) == -1)
		return -1;
	if (s->state == SPARE_LATE) {
		errno = ECONNRESET;
		return -1;
	}
	if (r->used == r->len)
		return s->chan->ops->read(s->chan, buf, len);
	if (len > r->len - r->used)
		len = r->len - r->used;
	memcpy(buf, r->data + r->used, len);
	r->used += len;
	return (ssize_t)len;
}

static ssize_t
spare_write(struct stream *st, const void *buf, size_t len)
{
	struct spare *s = (struct spare *)st;

	return s->chan->ops->write(s->chan, buf, len);
}

static size_t
spare_space(struct stream *st)
{
	struct spare *s = (struct spare *)st;

	return s->chan->ops->space(s->chan);
}

static void
spare_want(struct stream *st, int want)
{
	struct spare *s = (struct spare *)st;

	s->chan->ops->want(s->chan, want);
}

static void
spare_end(struct stream *st)
{
	struct spare *s = (struct spare *)st;

	s->chan->ops->end(s->chan);
}

static void
spare_close(struct stream *st, enum stream_ending ending)
{
	struct spare *s = (struct spare *)st;

	deadline_stop(&s->deadline);
	s->chan->ops->close(s->chan, ending);
	free(s);
}

static void
spare_late_cb(void *arg)
{
	struct spare *s = arg;

	log_verbose("fast open: no answer within %d seconds",
	    s->pool->replies.seconds);
	s->state = SPARE_LATE;
	s->stream.cb(&s->stream, STREAM_RESET, s->stream.arg);
}

static const struct stream_ops spare_ops = {
	.read = spare_read,
	.write = spare_write,
	.space = spare_space,
	.want = spare_want,
	.end = spare_end,
	.close = spare_close,
};

static void
spare_drop(struct spare *s)
{
	struct spares *f = s->pool;

	TAILQ_REMOVE(s->state == SPARE_READY ? &f->ready : &f->opening, s,
	    entry);
	f->nspares--;
	free(s);
}

/* The channel's events; before it is taken only its end matters. */
static void
spare_chan_cb(struct stream *chan, enum stream_event ev, void *arg)
{
	struct spare *s = arg;

	if (s->state != SPARE_READY) {
		s->stream.cb(&s->stream, ev, s->stream.arg);
		return;
	}
	if (ev == STREAM_HANGUP || ev == STREAM_RESET) {
		chan->ops->close(chan, STREAM_CLOSE);
		spare_drop(s);
	}
}

static size_t
spare_chan_offer(struct stream *chan, const void *data, size_t len, void *arg)
{
	struct spare *s = arg;

	if (s->state != SPARE_PASSING || s->reply.used != s->reply.len ||
	    s->stream.offer == NULL)
		return 0;
	return s->stream.offer(&s->stream, data, len, s->stream.arg);
}

static void
spare_opened_cb(struct sshchan *chan, int failure, const char *text,
    void *arg)
{
	struct spare *s = arg;
	struct spares *f = s->pool;

	if (failure != SSHCHAN_NO_FAILURE) {
		/* Another one would probably be refused, too: not now. */
		log_debug("fast open: no spare channel: %s", text);
		spare_drop(s);
		return;
	}
	TAILQ_REMOVE(&f->opening, s, entry);
	TAILQ_INSERT_TAIL(&f->ready, s, entry);
	s->state = SPARE_READY;
	s->chan->cb = spare_chan_cb;
	s->chan->offer = spare_chan_offer;
	s->chan->arg = s;
}

/* Asks for spare channels until so many are ready or on their way. */
static void
spares_fill(struct spares *f, size_t wanted)
{
	struct sshchan *chan;
	struct spare *s;

	while (f->nspares < wanted) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			return;
		chan = sshopen_direct(&f->loop->chans, "spare", 0,
		    SERVICE_SPARE, 0, spare_opened_cb, s);
		if (chan == NULL) {
			free(s);
			return;
		}
		s->stream.ops = &spare_ops;
		s->pool = f;
		s->chan = &chan->stream;
		TAILQ_INSERT_TAIL(&f->opening, s, entry);
		f->nspares++;
	}
}

/*
 * Keeps so many channels ready on a session to sockstund; 0 for none.  One that
 * was taken is reset if its reply does not come within so many seconds.  -1
 * when memory is out.
 */
int
spares_init(struct spares *f, struct event_base *base, struct sshloop *loop,
    size_t wanted, int seconds)
{
	f->loop = loop;
	f->nspares = 0;
	f->wanted = wanted;
	TAILQ_INIT(&f->ready);
	TAILQ_INIT(&f->opening);
	if (deadlines_init(&f->replies, base, seconds, spare_late_cb) == -1)
		return -1;
	spares_fill(f, wanted);
	return 0;
}

/* Closes those that were not taken. */
void
spares_clear(struct spares *f)
{
	struct spare *s;

	while ((s = TAILQ_FIRST(&f->ready)) != NULL ||
	    (s = TAILQ_FIRST(&f->opening)) != NULL) {
		s->chan->ops->close(s->chan, STREAM_CLOSE);
		spare_drop(s);
	}
	deadlines_clear(&f->replies);
}

/*
 * A stream, the caller's from now on, on which a SOCKS5 request is to be
 * written first; what is read from it comes from the target.  NULL when none
 * is ready.
 */
struct stream *
spares_take(struct spares *f)
{
	struct spare *s;

	if ((s = TAILQ_FIRST(&f->ready)) == NULL) {
		/* All may have been refused: try whether there is room now. */
		spares_fill(f, f->wanted > 0);
		return NULL;
	}
	TAILQ_REMOVE(&f->ready, s, entry);
	f->nspares--;
	s->state = SPARE_WAITING;
	deadline_set(&s->deadline, &f->replies, s);
	spares_fill(f, f->wanted);
	return &s->stream;
}
