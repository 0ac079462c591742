/* SPDX-License-Identifier: ISC */
/*
 * Datagrams over a stream.  Frames to be sent are queued and written together
 * once the loop has handled its other events; frames that arrive are decoded
 * where they were read, and only an incomplete one is copied.  Memory is held
 * only while bytes wait.
 *
 * Knows neither sockets nor SSH, nor what a datagram is for.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "addr.h"
#include "buf.h"
#include "dgramlink.h"
#include "socks.h"
#include "socksudp.h"
#include "stream.h"
#include "uninit.h"

/* One full packet towards OpenSSH and libssh: 32 KiB less the headers. */
#define DGRAMLINK_CHUNK	32758
/* Chunks that one event may read before others have their turn. */
#define DGRAMLINK_TURNS	8
/* The first allocation of a queue. */
#define DGRAMLINK_FIRST	16384

/* Bytes that may wait to be written: in one link, and in all of them. */
#define DGRAMLINK_QUEUE	(1024 * 1024)
#define DGRAMLINK_QUEUES	(64 * DGRAMLINK_QUEUE)

struct dgramlink {
	struct stream	*stream;
	struct event	*kick;		/* to flush, or to tell of the end */
	const struct dgramlink_ops *ops;
	void		*arg;
	struct buf	 in;		/* a frame not yet complete */
	struct buf	 cut;		/* rest of a frame partly written */
	struct buf	 out;		/* then these frames */
	size_t		 left;		/* rest of out's first, if cut; or 0 */
	int		 started;
	int		 waiting;	/* for STREAM_WRITABLE */
	int		 deaf;		/* the peer takes nothing any more */
	int		 ended;		/* the peer sends nothing any more */
	int		 error;		/* errno or SOCKS_E*; or 0 */
	struct dgramlink_count count;
};

/* Notes that n bytes of the queue were written. */
static void
dgramlink_wrote(struct dgramlink *l, size_t n)
{
	size_t part, size;

	while (n > 0) {
		if ((size = l->left) == 0)
			size = socksudp_frame_size(buf_data(&l->out),
			    buf_len(&l->out));
		part = n < size ? n : size;
		if ((l->left = size - part) == 0)
			l->count.sent++;
		buf_consume(&l->out, part);
		n -= part;
	}
}

/*
 * Writes what waits.  Returns 1 when nothing is left, 0 to wait for the
 * stream, -1 when it is broken.
 */
static int
dgramlink_flush(struct dgramlink *l)
{
	struct stream *st = l->stream;
	size_t len, space;
	struct buf *b;
	ssize_t n;

	for (;;) {
		b = buf_len(&l->cut) > 0 ? &l->cut : &l->out;
		if ((len = buf_len(b)) == 0)
			return 1;
		if (len > DGRAMLINK_CHUNK)
			len = DGRAMLINK_CHUNK;
		if ((space = st->ops->space(st)) == 0)
			return 0;
		n = st->ops->write(st, buf_data(b), len < space ? len : space);
		if (n == -1)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0)
			return 0;
		if (b == &l->out)
			dgramlink_wrote(l, (size_t)n);
		else {
			buf_consume(b, (size_t)n);
			l->count.sent += buf_len(b) == 0;
		}
	}
}

static void
dgramlink_drop_queue(struct dgramlink *l)
{
	buf_clear(&l->cut);
	buf_clear(&l->out);
	l->left = 0;
	l->waiting = 0;
}

/*
 * Flushes.  A stream whose peer only stopped reading (EPIPE) may still bring
 * datagrams.
 */
static void
dgramlink_push(struct dgramlink *l)
{
	switch (dgramlink_flush(l)) {
	case 1:
		dgramlink_drop_queue(l);
		break;
	case 0:
		l->waiting = 1;
		break;
	default:
		if (errno == EPIPE)
			l->deaf = 1;
		else
			l->error = errno;
		dgramlink_drop_queue(l);
		break;
	}
}

static void
dgramlink_tell(struct dgramlink *l, const struct socksudp *d)
{
	l->count.received++;
	l->ops->datagram(&d->addr, d->data, d->len, l->arg);
}

/* Completes the frame that waits.  Returns the bytes taken, or -1. */
static ssize_t
dgramlink_complete(struct dgramlink *l, const u_char *p, size_t len)
{
	struct socksudp d;
	size_t off = 0, n;
	ssize_t size;

	while (buf_len(&l->in) > 0 && off < len) {
		n = socksudp_frame_size(buf_data(&l->in), buf_len(&l->in)) -
		    buf_len(&l->in);
		if (n > len - off)
			n = len - off;
		if (buf_append(&l->in, p + off, n) == -1) {
			l->error = errno;
			return -1;
		}
		off += n;
		size = socksudp_decode_frame(&d, buf_data(&l->in),
		    buf_len(&l->in));
		if (size < 0) {
			l->error = (int)size;
			return -1;
		}
		if (size > 0) {
			dgramlink_tell(l, &d);
			buf_clear(&l->in);
		}
	}
	return (ssize_t)off;
}

/* Takes bytes of the stream.  Returns 0, or -1 with the error noted. */
static int
dgramlink_feed(struct dgramlink *l, const u_char *p, size_t len)
{
	struct socksudp d;
	ssize_t n;

	if ((n = dgramlink_complete(l, p, len)) == -1)
		return -1;
	p += n;
	len -= (size_t)n;
	while (len > 0 && (n = socksudp_decode_frame(&d, p, len)) != 0) {
		if (n < 0) {
			l->error = (int)n;
			return -1;
		}
		dgramlink_tell(l, &d);
		p += n;
		len -= (size_t)n;
	}
	if (buf_append(&l->in, p, len) == -1) {
		l->error = errno;
		return -1;
	}
	return 0;
}

static void
dgramlink_pull(struct dgramlink *l)
{
	UNINITIALIZED u_char chunk[DGRAMLINK_CHUNK];
	ssize_t n;
	int turn;

	for (turn = 0; turn < DGRAMLINK_TURNS; turn++) {
		n = l->stream->ops->read(l->stream, chunk, sizeof(chunk));
		if (n == -1 && errno != EAGAIN && errno != EPIPE)
			l->error = errno;
		else if (n == 0 || (n == -1 && (l->deaf || errno == EPIPE)))
			l->ended = 1;
		if (n <= 0 || dgramlink_feed(l, chunk, (size_t)n) == -1)
			return;
		/*
		 * A short read has most often emptied the stream; if not, the
		 * loop reports it again.
		 */
		if ((size_t)n < sizeof(chunk) && !l->deaf)
			return;
	}
}

/*
 * To be called after an event was handled; the link may be gone when it
 * returns.
 */
static void
dgramlink_settle(struct dgramlink *l)
{
	if (l->error == 0 && l->deaf && !l->ended)
		dgramlink_pull(l);
	if (l->error > 0)
		l->ops->ended(strerror(l->error), l->arg);
	else if (l->error < 0)
		l->ops->ended(socks_strerror(l->error), l->arg);
	else if (l->ended)
		l->ops->ended(NULL, l->arg);
	else
		l->stream->ops->want(l->stream, STREAM_WANT_READ |
		    (l->waiting ? STREAM_WANT_WRITE : 0));
}

static void
dgramlink_stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct dgramlink *l = arg;

	switch (ev) {
	case STREAM_READABLE:
		if (l->error == 0)
			dgramlink_pull(l);
		break;
	case STREAM_WRITABLE:
		l->waiting = 0;
		dgramlink_push(l);
		break;
	case STREAM_HANGUP:
		l->deaf = 1;
		dgramlink_drop_queue(l);
		break;
	case STREAM_RESET:
		l->error = ECONNRESET;
		break;
	}
	dgramlink_settle(l);
}

/* Decodes bytes in the stream's own memory; called from inside the stream. */
static size_t
dgramlink_offer(struct stream *st, const void *data, size_t len, void *arg)
{
	struct dgramlink *l = arg;

	if (l->error != 0 || l->ended)
		return 0;
	if (dgramlink_feed(l, data, len) == -1)
		event_active(l->kick, 0, 0);
	return len;
}

static void
dgramlink_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct dgramlink *l = arg;

	if (!l->waiting && !l->deaf && l->error == 0)
		dgramlink_push(l);
	dgramlink_settle(l);
}

/*
 * The limit for the queue of a new link when there are n, itself counted.  A
 * peer that does not read can fill all its queues, so the more there are, the
 * shorter new ones get, down to two of the largest frames.
 */
size_t
dgramlink_share(size_t n)
{
	size_t share = DGRAMLINK_QUEUES / n;

	if (share < 2 * SOCKSUDP_FRAME_MAX)
		return 2 * SOCKSUDP_FRAME_MAX;
	return share < DGRAMLINK_QUEUE ? share : DGRAMLINK_QUEUE;
}

/*
 * A link over a stream, which it owns from now on; at most limit bytes wait to
 * be written.  Nothing moves before dgramlink_start.  NULL when memory is out;
 * the stream is then still the caller's.
 */
struct dgramlink *
dgramlink_new(struct event_base *base, struct stream *st, size_t limit,
    const struct dgramlink_ops *ops, void *arg)
{
	struct dgramlink *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	if ((l->kick = evtimer_new(base, dgramlink_kick_cb, l)) == NULL) {
		free(l);
		return NULL;
	}
	l->stream = st;
	l->ops = ops;
	l->arg = arg;
	buf_init(&l->in, SOCKSUDP_FRAME_MAX);
	buf_init(&l->cut, SOCKSUDP_FRAME_MAX);
	buf_init(&l->out, limit);
	return l;
}

/*
 * Takes over the stream's events, and the bytes that were already read from it,
 * whose datagrams are delivered before this returns.  Returns 0, or -1 when
 * those bytes are malformed or memory is out: ended() is then not called, and
 * the caller closes the link.
 */
int
dgramlink_start(struct dgramlink *l, const void *data, size_t len)
{
	l->stream->cb = dgramlink_stream_cb;
	l->stream->offer = dgramlink_offer;
	l->stream->arg = l;
	l->started = 1;
	if (len > 0 && dgramlink_feed(l, data, len) == -1)
		return -1;
	l->stream->ops->want(l->stream, STREAM_WANT_READ);
	if (buf_len(&l->out) > 0)
		event_active(l->kick, 0, 0);
	return 0;
}

/* Drops the oldest datagram of which nothing is written yet; -1: none is. */
static int
dgramlink_drop_oldest(struct dgramlink *l)
{
	if (l->left > 0) {
		if (buf_append(&l->cut, buf_data(&l->out), l->left) == -1)
			return -1;
		buf_consume(&l->out, l->left);
		l->left = 0;
	}
	if (buf_len(&l->out) == 0)
		return -1;
	buf_consume(&l->out, socksudp_frame_size(buf_data(&l->out),
	    buf_len(&l->out)));
	l->count.dropped++;
	return 0;
}

/*
 * Makes room for a frame of so many bytes.  Returns -1 when that is impossible.
 */
static int
dgramlink_make_room(struct dgramlink *l, size_t size)
{
	if (l->started && !l->waiting &&
	    size + buf_len(&l->cut) > buf_space(&l->out)) {
		dgramlink_push(l);
		event_active(l->kick, 0, 0);
	}
	if (size > l->out.limit || l->deaf || l->error != 0)
		return -1;
	while (size + buf_len(&l->cut) > buf_space(&l->out)) {
		if (dgramlink_drop_oldest(l) == -1)
			return -1;
	}
	return 0;
}

/*
 * Queues a datagram from or to an endpoint.  Older ones are dropped to make
 * room; the datagram itself is dropped when it has more than
 * SOCKSUDP_PAYLOAD_MAX bytes or no endpoint, or when memory is out.
 */
void
dgramlink_send(struct dgramlink *l, const struct addr *a, const void *data,
    size_t len)
{
	u_char header[SOCKSUDP_HEADER_MAX], *p;
	size_t n, size;

	if (len > SOCKSUDP_PAYLOAD_MAX ||
	    (n = socksudp_encode_header(header, sizeof(header), (uint16_t)len,
	    a)) == 0 || dgramlink_make_room(l, n + len) == -1) {
		l->count.dropped++;
		return;
	}
	size = n + len;
	if (l->out.base == NULL && size < DGRAMLINK_FIRST &&
	    buf_space(&l->out) >= DGRAMLINK_FIRST)
		size = DGRAMLINK_FIRST;
	if ((p = buf_reserve(&l->out, size)) == NULL) {
		l->count.dropped++;
		return;
	}
	memcpy(p, header, n);
	if (len > 0)
		memcpy(p + n, data, len);
	if (buf_len(&l->out) == 0 && l->started)
		event_active(l->kick, 0, 0);
	buf_commit(&l->out, n + len);
}

/* What was sent, received and dropped so far. */
const struct dgramlink_count *
dgramlink_count(const struct dgramlink *l)
{
	return &l->count;
}

/*
 * Frees the link and closes its stream; what waits is written if the stream
 * takes it now, and dropped otherwise.
 */
void
dgramlink_close(struct dgramlink *l, enum stream_ending ending)
{
	if (ending == STREAM_CLOSE && !l->deaf && l->error == 0)
		dgramlink_flush(l);
	l->stream->ops->close(l->stream, ending);
	event_free(l->kick);
	buf_clear(&l->in);
	buf_clear(&l->cut);
	buf_clear(&l->out);
	free(l);
}
