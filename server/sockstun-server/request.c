/* SPDX-License-Identifier: ISC */
/*
 * Serves one request on a stream, as sockstun-protocol(7) says of session
 * channels: a SOCKS5 request in, a reply out, then what the service is about.
 *
 *	REQUEST -> SERVICE -> (first reply of BIND ->) last reply and
 *	    the connection (BIND) | the association (UDP) | nothing more
 *
 * Where the stream comes from, and what follows its end, is not known here.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "buf.h"
#include "flow.h"
#include "log.h"
#include "request.h"
#include "services.h"
#include "socks.h"
#include "stream.h"
#include "xmalloc.h"

/* What a client may send while a BIND waits; then it must wait too. */
#define REQUEST_EARLY	16384

struct request {
	struct services	*env;
	struct stream	*stream;	/* NULL: given to a flow or a link */
	struct flow	*flow;
	struct service	*service;
	struct buf	 early;		/* of the request, or behind it */
	struct buf	 reply;		/* of BIND, the first, unsent */
	int		 bound;
	enum request_end end;
	request_cb	*cb;
	void		*arg;
};

static void
request_over(struct request *s)
{
	if (s->stream != NULL)
		s->stream->ops->close(s->stream, STREAM_CLOSE);
	service_cancel(s->service);
	buf_clear(&s->early);
	buf_clear(&s->reply);
	s->cb(s->end, s->arg);
	free(s);
}

static void
request_flow_cb(const struct flow_summary *sum, void *arg)
{
	struct request *s = arg;

	s->flow = NULL;
	if (s->bound) {
		log_info("bind for %s: %s after %.1f s, %llu bytes sent, %llu "
		    "received", s->env->who, sum->ending == STREAM_ABORT ?
		    "reset" : "closed", sum->seconds,
		    (unsigned long long)sum->b_to_a,
		    (unsigned long long)sum->a_to_b);
	}
	if (sum->ending == STREAM_ABORT)
		s->end = s->bound ? REQUEST_RESET : REQUEST_FAILED;
	request_over(s);
}

/*
 * Sends the last reply, behind what is left of the first, and ends: at once if
 * the stream takes it and nothing came that it does not want.
 */
static void
request_part(struct request *s, enum socks_rep rep,
    const struct addr *bnd)
{
	u_char reply[2 * SOCKS5_MESSAGE_MAX];
	size_t n = buf_len(&s->reply);
	ssize_t sent;
	struct flow *f;

	if (n > 0)
		memcpy(reply, buf_data(&s->reply), n);
	n += socks_encode_reply5(reply + n, sizeof(reply) - n, rep, bnd);
	s->bound = 0;
	if ((sent = s->stream->ops->write(s->stream, reply, n)) == -1)
		sent = 0;
	if ((size_t)sent == n && s->end == REQUEST_SERVED) {
		request_over(s);
		return;
	}
	f = flow_farewell(s->env->base, s->stream, reply + sent,
	    n - (size_t)sent, request_flow_cb, s);
	if (f == NULL) {
		request_over(s);
		return;
	}
	s->stream = NULL;
	s->flow = f;
	flow_start(f);
}

/* Joins the peer of a BIND with the stream; consumes its socket. */
static void
request_relay(struct request *s, const struct service_reply *r)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	struct stream *sock;
	struct flow *f;
	size_t n;

	if ((sock = sockstream_new(s->env->base, r->fd)) == NULL) {
		close(r->fd);
		request_part(s, SOCKS_REP_GENERAL, NULL);
		return;
	}
	f = flow_new(s->env->base, sock, s->stream, request_flow_cb, s);
	if (f == NULL) {
		sock->ops->close(sock, STREAM_ABORT);
		request_part(s, SOCKS_REP_GENERAL, NULL);
		return;
	}
	s->stream = NULL;
	s->flow = f;
	n = socks_encode_reply5(reply, sizeof(reply), SOCKS_REP_OK, &r->bnd);
	if (flow_prefix_to_b(f, buf_data(&s->reply), buf_len(&s->reply)) ==
	    -1 || flow_prefix_to_b(f, reply, n) == -1 ||
	    flow_prefix_to_a(f, buf_data(&s->early), buf_len(&s->early)) ==
	    -1) {
		flow_abort(f);
		return;
	}
	flow_start(f);
}

static void
request_want(struct request *s)
{
	int want = 0;

	if (s->service == NULL || s->bound)
		want |= STREAM_WANT_READ;
	if (buf_space(&s->early) == 0)
		want &= ~STREAM_WANT_READ;
	if (buf_len(&s->reply) > 0)
		want |= STREAM_WANT_WRITE;
	s->stream->ops->want(s->stream, want);
}

/* The first reply of BIND; from now on its client may give it up. */
static void
request_bound_cb(struct service *sv, const struct addr *bnd)
{
	struct request *s = sv->arg;
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t n;

	n = socks_encode_reply5(reply, sizeof(reply), SOCKS_REP_OK, bnd);
	buf_append(&s->reply, reply, n);
	s->bound = 1;
	request_want(s);
}

/*
 * The reply to a UDP request is written at once, before any frame: nothing
 * was written yet, so that it fits.
 */
static int
request_link_cb(struct service *sv, const struct addr *bnd,
    struct service_link *link)
{
	struct request *s = sv->arg;
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t n;

	n = socks_encode_reply5(reply, sizeof(reply), SOCKS_REP_OK, bnd);
	if (s->stream->ops->write(s->stream, reply, n) != (ssize_t)n) {
		errno = EPIPE;
		return -1;
	}
	link->stream = s->stream;
	link->early = buf_data(&s->early);
	link->len = buf_len(&s->early);
	s->stream->ops->want(s->stream, 0);
	s->stream = NULL;
	return 0;
}

static void
request_done_cb(struct service *sv, const struct service_reply *r)
{
	struct request *s = sv->arg;

	s->service = NULL;
	if (s->stream == NULL) {
		if (r->rep != SOCKS_REP_OK)
			s->end = REQUEST_FAILED;
		request_over(s);
	} else if (r->rep == SOCKS_REP_OK && r->fd != -1)
		request_relay(s, r);
	else
		request_part(s, r->rep, &r->bnd);
}

static const struct service_ops request_service_ops = {
	.bound = request_bound_cb,
	.link = request_link_cb,
	.done = request_done_cb,
};

/* Nothing that can be served: says so, if there is somebody to hear it. */
static void
request_refuse(struct request *s, enum socks_rep rep,
    const char *reason)
{
	log_info("request of %s refused: %s", s->env->who, reason);
	s->end = REQUEST_FAILED;
	request_part(s, rep, NULL);
}

static void
request_serve(struct request *s, const struct socks_request *req)
{
	s->service = service_new(s->env, req->cmd, &req->dst,
	    &request_service_ops, s);
	if (s->service == NULL) {
		request_refuse(s, SOCKS_REP_COMMAND,
		    "no command that is served here");
		return;
	}
	request_want(s);
	service_start(s->service);
}

/* Reads on.  Returns 0 at the end, -1 when there is nothing, or 1. */
static int
request_read(struct request *s, size_t room)
{
	u_char *space;
	ssize_t n;

	if (room == 0)
		return -1;
	if ((space = buf_reserve(&s->early, room)) == NULL)
		return 0;
	n = s->stream->ops->read(s->stream, space, room);
	if (n == -1)
		return errno == EAGAIN ? -1 : 0;
	buf_commit(&s->early, (size_t)n);
	return n > 0;
}

/* A request is read no further than it can be long. */
static void
request_take_request(struct request *s)
{
	struct socks_request req;
	ssize_t n;
	int r;

	r = request_read(s, SOCKS5_MESSAGE_MAX - buf_len(&s->early));
	n = socks_decode_request5(&req, buf_data(&s->early),
	    buf_len(&s->early));
	if (n > 0) {
		buf_consume(&s->early, (size_t)n);
		request_serve(s, &req);
	} else if (n < 0)
		request_refuse(s, n == SOCKS_EATYP ? SOCKS_REP_ATYP :
		    SOCKS_REP_GENERAL, socks_strerror(n));
	else if (r == 0)
		request_refuse(s, SOCKS_REP_GENERAL,
		    "the end before a request");
}

/* The client of a BIND that waits: early bytes, or it gives up. */
static void
request_wait(struct request *s)
{
	if (request_read(s, buf_space(&s->early)) == 0)
		request_over(s);
	else
		request_want(s);
}

static void
request_send_reply(struct request *s)
{
	ssize_t n;

	n = s->stream->ops->write(s->stream, buf_data(&s->reply),
	    buf_len(&s->reply));
	if (n == -1 && errno != EAGAIN) {
		request_over(s);
		return;
	}
	if (n > 0)
		buf_consume(&s->reply, (size_t)n);
	request_want(s);
}

static void
request_stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct request *s = arg;

	switch (ev) {
	case STREAM_READABLE:
		if (s->service == NULL)
			request_take_request(s);
		else
			request_wait(s);
		break;
	case STREAM_WRITABLE:
		request_send_reply(s);
		break;
	default:
		request_over(s);
		break;
	}
}

/* Serves one request on a stream, which it owns from now on. */
struct request *
request_start(struct services *env, struct stream *st, request_cb *cb,
    void *arg)
{
	struct request *s;

	s = xcalloc(1, sizeof(*s));
	s->env = env;
	s->stream = st;
	s->end = REQUEST_SERVED;
	s->cb = cb;
	s->arg = arg;
	buf_init(&s->early, REQUEST_EARLY);
	buf_init(&s->reply, SOCKS5_MESSAGE_MAX);
	st->cb = request_stream_cb;
	st->arg = s;
	request_want(s);
	return s;
}

/* Ends it now; a connection is reset. */
void
request_stop(struct request *s)
{
	if (s->flow != NULL)
		flow_abort(s->flow);
	else
		request_over(s);
}
