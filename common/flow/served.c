/* SPDX-License-Identifier: ISC */
/*
 * One request on a stream, from its first byte to the flow that comes of it:
 *
 *	served_read_request -> served_wait, events -> served_relay, or a last
 *	    reply
 *
 * The owner knows what is asked, of whom, and what the answer is; the stream's
 * callback is the owner's, too.
 */
#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "buf.h"
#include "flow.h"
#include "served.h"
#include "socks.h"
#include "stream.h"

/* Nothing yet; the owner puts the stream into it when there is one. */
void
served_init(struct served *s, struct event_base *base)
{
	memset(s, 0, sizeof(*s));
	s->base = base;
	buf_init(&s->early, SERVED_EARLY_MAX);
	buf_init(&s->first, SOCKS5_MESSAGE_MAX);
}

/* Frees what was kept; the stream and the flow are the owner's to end. */
void
served_clear(struct served *s)
{
	buf_clear(&s->early);
	buf_clear(&s->first);
}

/* Reads at most so many bytes more.  1, 0 to wait, or -1 at the end. */
static int
served_read(struct served *s, size_t room)
{
	u_char *space;
	ssize_t n;

	if (room == 0)
		return 0;
	if ((space = buf_reserve(&s->early, room)) == NULL)
		return -1;
	if ((n = s->stream->ops->read(s->stream, space, room)) == -1)
		return errno == EAGAIN ? 0 : -1;
	buf_commit(&s->early, (size_t)n);
	return n == 0 ? -1 : 1;
}

/*
 * Reads a request from the stream, no further than one can be long; what
 * follows it is kept.  Returns 1 when it is there, 0 to wait for more, a
 * negative enum socks_error, or SERVED_EEND.
 */
ssize_t
served_read_request(struct served *s, struct socks_request *req)
{
	ssize_t used;
	int r;

	r = served_read(s, SOCKS5_MESSAGE_MAX - buf_len(&s->early));
	used = socks_decode_request5(req, buf_data(&s->early),
	    buf_len(&s->early));
	if (used > 0) {
		buf_consume(&s->early, (size_t)used);
		return 1;
	}
	return used == 0 && r == -1 ? SERVED_EEND : used;
}

/* Asks the stream for the events that served_event() handles. */
void
served_wait(struct served *s)
{
	int want = 0;

	if (s->reads && buf_space(&s->early) > 0)
		want |= STREAM_WANT_READ;
	if (buf_len(&s->first) > 0)
		want |= STREAM_WANT_WRITE;
	s->stream->ops->want(s->stream, want);
}

static int
served_write_first(struct served *s)
{
	ssize_t n;

	if (buf_len(&s->first) == 0)
		return 0;
	n = s->stream->ops->write(s->stream, buf_data(&s->first),
	    buf_len(&s->first));
	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	buf_consume(&s->first, (size_t)n);
	return 0;
}

/*
 * An event of the stream while the answer is awaited.  Returns 0, or -1 when
 * the client has given up: then the owner closes the stream.
 */
int
served_event(struct served *s, enum stream_event ev)
{
	int r = -1;

	if (ev == STREAM_READABLE)
		r = served_read(s, buf_space(&s->early));
	else if (ev == STREAM_WRITABLE)
		r = served_write_first(s);
	if (r == -1)
		return -1;
	served_wait(s);
	return 0;
}

/*
 * Tells the client where a BIND waits for its peer.  From now on early bytes
 * are read, so that it is seen if the client goes.  -1 without memory.
 */
int
served_bound(struct served *s, const struct addr *bnd)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t n;

	n = socks_encode_reply5(reply, sizeof(reply), SOCKS_REP_OK, bnd);
	if (buf_append(&s->first, reply, n) == -1)
		return -1;
	s->reads = 1;
	served_wait(s);
	return 0;
}

/*
 * Encodes the last reply, behind what is unsent of the first, into
 * SERVED_REPLIES_MAX bytes.  Returns how many are used.
 */
size_t
served_last_reply(const struct served *s, u_char *reply, enum socks_rep rep,
    const struct addr *bnd)
{
	size_t n = buf_len(&s->first);

	if (n > 0)
		memcpy(reply, buf_data(&s->first), n);
	return n + socks_encode_reply5(reply + n, SERVED_REPLIES_MAX - n, rep,
	    bnd);
}

/*
 * Joins the stream with another: the last reply goes before its bytes (none
 * if bnd is NULL), and to it goes what came early.  Both are the flow's from
 * then on, which may be over when this returns.  -1 without memory: then
 * nothing has changed.
 */
int
served_relay(struct served *s, struct stream *other, const struct addr *bnd,
    flow_done_cb *done, void *arg)
{
	u_char reply[SERVED_REPLIES_MAX];
	size_t n = 0;
	struct flow *f;
	int error;

	f = flow_new(s->base, other, s->stream, done, arg);
	if (f == NULL)
		return -1;
	if (bnd != NULL)
		n = served_last_reply(s, reply, SOCKS_REP_OK, bnd);
	error = flow_prefix_to_b(f, reply, n) == -1 ||
	    flow_prefix_to_a(f, buf_data(&s->early),
	    buf_len(&s->early)) == -1;
	s->stream = NULL;
	s->flow = f;
	served_clear(s);
	if (error)
		flow_abort(f);
	else
		flow_start(f);
	return 0;
}
