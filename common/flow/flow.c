/* SPDX-License-Identifier: ISC */
/*
 * Relays between two streams of any kind.  Each direction is a half with its
 * own state; events change states, actions never do:
 *
 *	          source at its end           held bytes sent, end told
 *	OPEN ------------------------> DRAIN ---------------------------> DONE
 *	  \                                                                ^
 *	   '------------- nobody reads the destination any more -----------'
 *
 * The flow is over when both halves are DONE, or at once when a stream was
 * reset; then the other stream is reset too.  A half holds at most one chunk
 * in memory, and reads its source only when the destination takes bytes.
 *
 * Knows neither sockets nor SSH.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "buf.h"
#include "eventloop.h"
#include "flow.h"
#include "monotime.h"
#include "stream.h"
#include "uninit.h"

/* Two full packets towards OpenSSH and libssh, as sshpace.c has them written. */
#define FLOW_CHUNK	65516
/* Chunks that one event may move before others have their turn. */
#define FLOW_TURNS	8
/* The most a half holds: what flow_prefix_to_a() may queue before the start. */
#define FLOW_HELD_MAX	(2 * FLOW_CHUNK)
/* Seconds that a farewell waits for the other side to close. */
#define FLOW_FAREWELL	5

enum half_state {
	HALF_OPEN,
	HALF_DRAIN,
	HALF_DONE
};

struct half {
	struct stream	*src;
	struct stream	*dst;		/* NULL: what is read is dropped */
	struct buf	 held;
	enum half_state	 state;
	const struct half *back;	/* the other direction */
	int		 want_read;	/* waits for the source */
	int		 want_write;	/* waits for the destination */
	uint64_t	 bytes;
};

struct flow {
	struct half	 up;		/* a to b */
	struct half	 down;		/* b to a */
	struct stream	*a;
	struct stream	*b;
	struct event	*timeout;
	flow_done_cb	*done;
	void		*arg;
	int64_t		 began;		/* ns */
	int		 broken;	/* a stream failed inside an offer */
};

static void
flow_finish(struct flow *f, enum stream_ending ending)
{
	struct flow_summary sum = {
		.a_to_b = f->up.bytes,
		.b_to_a = f->down.bytes,
		.seconds = (double)(monotime_ns() - f->began) / MONOTIME_SECOND,
		.ending = ending,
	};

	f->a->ops->close(f->a, ending);
	if (f->b != NULL)
		f->b->ops->close(f->b, ending);
	if (f->timeout != NULL)
		event_free(f->timeout);
	buf_clear(&f->up.held);
	buf_clear(&f->down.held);
	if (f->done != NULL)
		f->done(&sum, f->arg);
	free(f);
}

/*
 * Writes what is held.  Returns 1 when nothing is left, 0 to wait for the
 * destination, -1 when it is broken.
 */
static int
half_flush(struct half *h)
{
	size_t len, space;
	ssize_t n;

	if (buf_len(&h->held) == 0)
		return 1;
	while ((len = buf_len(&h->held)) > 0) {
		if ((space = h->dst->ops->space(h->dst)) == 0)
			return 0;
		n = h->dst->ops->write(h->dst, buf_data(&h->held),
		    len < space ? len : space);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		buf_consume(&h->held, (size_t)n);
		h->bytes += (uint64_t)n;
		if (n == 0)
			return 0;
	}
	/* Most flows never hold anything again, so the memory is freed. */
	buf_clear(&h->held);
	return 1;
}

/* Writes a chunk just read; holds what the destination does not take. */
static int
half_write(struct half *h, const u_char *chunk, size_t len)
{
	ssize_t n;

	if (h->dst == NULL)
		return 1;
	n = h->dst->ops->write(h->dst, chunk, len);
	if (n == -1) {
		if (errno != EAGAIN)
			return -1;
		n = 0;
	}
	h->bytes += (uint64_t)n;
	if ((size_t)n == len)
		return 1;
	if (buf_append(&h->held, chunk + n, len - (size_t)n) == -1)
		return -1;
	return 0;
}

/*
 * Moves one chunk.  Returns 1 to go on, 0 when something must be waited for
 * (want_read, want_write say what), -1 when a stream is broken.
 */
static int
half_step(struct half *h)
{
	/* The kernel fills a page-aligned buffer faster, as in sshwire.c. */
	UNINITIALIZED u_char chunk[FLOW_CHUNK] __attribute__((aligned(4096)));
	size_t len, space = sizeof(chunk);
	ssize_t n;
	int r;

	if ((r = half_flush(h)) != 1) {
		h->want_write = r == 0;
		return r;
	}
	if (h->state == HALF_DRAIN) {
		/* If the other half is done, both are closed anyway. */
		if (h->dst != NULL && h->back->state != HALF_DONE)
			h->dst->ops->end(h->dst);
		h->state = HALF_DONE;
	}
	if (h->state == HALF_DONE)
		return 0;
	if (h->dst != NULL && (space = h->dst->ops->space(h->dst)) == 0) {
		h->want_write = 1;
		return 0;
	}
	len = space < sizeof(chunk) ? space : sizeof(chunk);
	n = h->src->ops->read(h->src, chunk, len);
	if (n == -1) {
		h->want_read = 1;
		return errno == EAGAIN ? 0 : -1;
	}
	if (n == 0) {
		h->state = HALF_DRAIN;
		return 1;
	}
	if ((r = half_write(h, chunk, (size_t)n)) == 0)
		h->want_write = 1;
	/* A read that did not fill the chunk has emptied the source. */
	if (r != 1 || (size_t)n == len)
		return r;
	h->want_read = 1;
	return 0;
}

static int
half_pump(struct half *h)
{
	int turn, r = 1;

	h->want_read = h->want_write = 0;
	for (turn = 0; turn < FLOW_TURNS && r == 1; turn++)
		r = half_step(h);
	if (r == 1)
		h->want_read = 1;
	return r;
}

static void
flow_update_wants(struct flow *f)
{
	f->a->ops->want(f->a, (f->up.want_read ? STREAM_WANT_READ : 0) |
	    (f->down.want_write ? STREAM_WANT_WRITE : 0));
	if (f->b != NULL)
		f->b->ops->want(f->b,
		    (f->down.want_read ? STREAM_WANT_READ : 0) |
		    (f->up.want_write ? STREAM_WANT_WRITE : 0));
}

/*
 * To be called after an event was handled: if the flow is over, it is gone when
 * this returns.
 */
static void
flow_settle(struct flow *f, int r)
{
	if (r == -1 || f->broken)
		flow_finish(f, STREAM_ABORT);
	else if (f->up.state == HALF_DONE && f->down.state == HALF_DONE)
		flow_finish(f, STREAM_CLOSE);
	else
		flow_update_wants(f);
}

static void
half_drop(struct half *h)
{
	h->state = HALF_DONE;
	h->want_read = h->want_write = 0;
	buf_clear(&h->held);
}

static void
flow_stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct flow *f = arg;
	struct half *from = st == f->a ? &f->up : &f->down;
	struct half *to = st == f->a ? &f->down : &f->up;
	int r = 0;

	/*
	 * The stream failed inside an offer; a read may not report that again.
	 */
	if (f->broken) {
		flow_finish(f, STREAM_ABORT);
		return;
	}
	switch (ev) {
	case STREAM_READABLE:
		r = half_pump(from);
		break;
	case STREAM_WRITABLE:
		r = half_pump(to);
		break;
	case STREAM_HANGUP:
		half_drop(to);
		r = half_pump(from);
		break;
	case STREAM_RESET:
		r = -1;
		break;
	}
	flow_settle(f, r);
}

/*
 * Passes bytes on from the source's own memory; called from inside the source.
 */
static size_t
flow_offer(struct stream *st, const void *data, size_t len, void *arg)
{
	struct flow *f = arg;
	struct half *h = st == f->a ? &f->up : &f->down;
	ssize_t n;

	if (h->state != HALF_OPEN || h->want_write || h->dst == NULL ||
	    buf_len(&h->held) > 0 || f->broken)
		return 0;
	n = h->dst->ops->write(h->dst, data, len);
	if (n == -1) {
		if (errno != EAGAIN)
			f->broken = 1;
		return 0;
	}
	h->bytes += (uint64_t)n;
	return (size_t)n;
}

static void
flow_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	flow_finish(arg, STREAM_CLOSE);
}

static void
half_init(struct half *h, struct stream *src, struct stream *dst,
    const struct half *back)
{
	h->src = src;
	h->dst = dst;
	h->back = back;
	buf_init(&h->held, FLOW_HELD_MAX);
}

/*
 * A flow between two streams, which it owns from now on; nothing moves before
 * flow_start.  At most one of the two may be a channel of a given SSH session:
 * it offers bytes from inside libssh, and writing them to another channel of
 * that session would re-enter it.  NULL when memory is out; the streams are
 * then still the caller's.
 */
struct flow *
flow_new(struct event_base *base, struct stream *a, struct stream *b,
    flow_done_cb *done, void *arg)
{
	struct flow *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->a = a;
	f->b = b;
	f->done = done;
	f->arg = arg;
	half_init(&f->up, a, b, &f->down);
	half_init(&f->down, b, a, &f->up);
	f->began = monotime_ns();
	return f;
}

/*
 * Queues bytes that a is sent before any that come from b.  Returns 0, or -1
 * when they are too many.
 */
int
flow_prefix_to_a(struct flow *f, const void *data, size_t len)
{
	return buf_append(&f->down.held, data, len);
}

/* The same for b. */
int
flow_prefix_to_b(struct flow *f, const void *data, size_t len)
{
	return buf_append(&f->up.held, data, len);
}

/*
 * Takes over the streams' events and begins to relay.  The flow may be over,
 * and gone, when this returns.
 */
void
flow_start(struct flow *f)
{
	int r;

	f->a->cb = flow_stream_cb;
	f->a->offer = flow_offer;
	f->a->arg = f;
	if (f->b != NULL) {
		f->b->cb = flow_stream_cb;
		f->b->offer = flow_offer;
		f->b->arg = f;
	}
	if ((r = half_pump(&f->down)) != -1)
		r = half_pump(&f->up);
	flow_settle(f, r);
}

/* Ends a flow now; both sides see a reset.  The flow is gone after it. */
void
flow_abort(struct flow *f)
{
	flow_finish(f, STREAM_ABORT);
}

/* The bytes that have gone from a to b, and back, until now. */
void
flow_count(const struct flow *f, uint64_t *a_to_b, uint64_t *b_to_a)
{
	*a_to_b = f->up.bytes;
	*b_to_a = f->down.bytes;
}

/*
 * A flow that sends bytes to a stream (owned from now on) and closes it.  What
 * the peer still sends is read and dropped until it closes too, since closing a
 * socket with unread bytes resets it and may destroy what was just sent.
 * Nothing moves before flow_start.  NULL when memory is out; the stream is then
 * still the caller's.
 */
struct flow *
flow_farewell(struct event_base *base, struct stream *a, const void *data,
    size_t len, flow_done_cb *done, void *arg)
{
	static const struct timeval limit = { .tv_sec = FLOW_FAREWELL };
	struct flow *f;

	if ((f = flow_new(base, a, NULL, done, arg)) == NULL)
		return NULL;
	f->down.state = HALF_DRAIN;
	f->timeout = evtimer_new(base, flow_timeout_cb, f);
	if (f->timeout == NULL || flow_prefix_to_a(f, data, len) == -1) {
		if (f->timeout != NULL)
			event_free(f->timeout);
		buf_clear(&f->down.held);
		free(f);
		return NULL;
	}
	eventloop_watch(f->timeout, &limit);
	return f;
}
