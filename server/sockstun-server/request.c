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
#include <unistd.h>

#include "addr.h"
#include "buf.h"
#include "flow.h"
#include "log.h"
#include "request.h"
#include "served.h"
#include "services.h"
#include "socks.h"
#include "stream.h"
#include "xmalloc.h"

struct request {
	struct services	*env;
	struct served	 served;	/* its stream may go to the service */
	struct service	*service;
	int		 bound;		/* a BIND that has its first reply */
	enum request_end end;
	request_cb	*cb;
	void		*arg;
};

static void
request_over(struct request *r)
{
	struct stream *st = r->served.stream;

	if (st != NULL)
		st->ops->close(st, STREAM_CLOSE);
	service_cancel(r->service);
	served_clear(&r->served);
	r->cb(r->end, r->arg);
	free(r);
}

static void
request_flow_cb(const struct flow_summary *sum, void *arg)
{
	struct request *r = arg;

	r->served.flow = NULL;
	if (r->bound) {
		log_info("bind for %s: %s after %.1f s, %llu bytes sent, %llu "
		    "received", r->env->who, sum->ending == STREAM_ABORT ?
		    "reset" : "closed", sum->seconds,
		    (unsigned long long)sum->b_to_a,
		    (unsigned long long)sum->a_to_b);
	}
	if (sum->ending == STREAM_ABORT)
		r->end = r->bound ? REQUEST_RESET : REQUEST_FAILED;
	request_over(r);
}

/*
 * Sends the last reply and ends: at once if the stream takes it and nothing
 * came that the client should not have sent.
 */
static void
request_part(struct request *r, enum socks_rep rep, const struct addr *bnd)
{
	u_char reply[SERVED_REPLIES_MAX];
	struct stream *st = r->served.stream;
	ssize_t sent;
	size_t n;

	n = served_last_reply(&r->served, reply, rep, bnd);
	r->bound = 0;
	if ((sent = st->ops->write(st, reply, n)) == -1)
		sent = 0;
	if ((size_t)sent == n && r->end == REQUEST_SERVED) {
		request_over(r);
		return;
	}
	r->served.flow = flow_farewell(r->env->base, st, reply + sent,
	    n - (size_t)sent, request_flow_cb, r);
	if (r->served.flow == NULL) {
		request_over(r);
		return;
	}
	r->served.stream = NULL;
	flow_start(r->served.flow);
}

/* Joins the peer of a BIND with the stream; consumes its socket. */
static void
request_relay(struct request *r, const struct service_reply *reply)
{
	struct stream *sock;

	if ((sock = sockstream_new(r->env->base, reply->fd)) == NULL)
		close(reply->fd);
	else if (served_relay(&r->served, sock, &reply->bnd, request_flow_cb,
	    r) == 0)
		return;
	else
		sock->ops->close(sock, STREAM_ABORT);
	request_part(r, SOCKS_REP_GENERAL, NULL);
}

/* The first reply of BIND; from now on its client may give it up. */
static void
request_bound_cb(struct service *sv, const struct addr *bnd)
{
	struct request *r = sv->arg;

	r->bound = 1;
	if (served_bound(&r->served, bnd) == -1)
		service_fail_errno(sv, errno);
}

/*
 * The reply to a UDP request is written at once, before any frame: nothing
 * was written yet, so that it fits.
 */
static int
request_link_cb(struct service *sv, const struct addr *bnd,
    struct service_link *link)
{
	struct request *r = sv->arg;
	struct stream *st = r->served.stream;
	u_char reply[SERVED_REPLIES_MAX];
	size_t n;

	n = served_last_reply(&r->served, reply, SOCKS_REP_OK, bnd);
	if (st->ops->write(st, reply, n) != (ssize_t)n) {
		/* A part of it may be gone: no other reply can follow. */
		r->served.stream = NULL;
		st->ops->close(st, STREAM_ABORT);
		errno = EPIPE;
		return -1;
	}
	st->ops->want(st, 0);
	link->stream = st;
	link->early = buf_data(&r->served.early);
	link->len = buf_len(&r->served.early);
	r->served.stream = NULL;
	return 0;
}

static void
request_done_cb(struct service *sv, const struct service_reply *reply)
{
	struct request *r = sv->arg;

	r->service = NULL;
	if (r->served.stream == NULL) {
		if (reply->rep != SOCKS_REP_OK)
			r->end = REQUEST_FAILED;
		request_over(r);
	} else if (reply->rep == SOCKS_REP_OK && reply->fd != -1)
		request_relay(r, reply);
	else
		request_part(r, reply->rep, &reply->bnd);
}

static const struct service_ops request_service_ops = {
	.bound = request_bound_cb,
	.link = request_link_cb,
	.done = request_done_cb,
};

/* It cannot be served: the log and a reply say so. */
static void
request_refuse(struct request *r, enum socks_rep rep, const char *reason)
{
	log_info("request of %s refused: %s", r->env->who, reason);
	r->end = REQUEST_FAILED;
	request_part(r, rep, NULL);
}

static void
request_serve(struct request *r, const struct socks_request *socks)
{
	r->service = service_new(r->env, socks->cmd, &socks->dst,
	    &request_service_ops, r);
	if (r->service == NULL) {
		request_refuse(r, SOCKS_REP_COMMAND,
		    "no command that is served here");
		return;
	}
	r->served.reads = 0;
	served_wait(&r->served);
	service_start(r->service, 0);
}

static void
request_read(struct request *r)
{
	struct socks_request socks;
	ssize_t n = served_read_request(&r->served, &socks);

	if (n > 0)
		request_serve(r, &socks);
	else if (n == SERVED_EEND)
		request_refuse(r, SOCKS_REP_GENERAL,
		    "the end before a request");
	else if (n < 0)
		request_refuse(r, n == SOCKS_EATYP ? SOCKS_REP_ATYP :
		    SOCKS_REP_GENERAL, socks_strerror((int)n));
}

static void
request_stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct request *r = arg;

	if (r->service == NULL && ev == STREAM_READABLE)
		request_read(r);
	else if (served_event(&r->served, ev) == -1) {
		if (ev == STREAM_RESET)
			r->end = REQUEST_FAILED;
		request_over(r);
	}
}

/* Serves one request on a stream, which it owns from now on. */
struct request *
request_start(struct services *env, struct stream *st, request_cb *cb,
    void *arg)
{
	struct request *r;

	r = xcalloc(1, sizeof(*r));
	r->env = env;
	r->end = REQUEST_SERVED;
	r->cb = cb;
	r->arg = arg;
	served_init(&r->served, env->base);
	r->served.stream = st;
	r->served.reads = 1;
	st->cb = request_stream_cb;
	st->arg = r;
	served_wait(&r->served);
	return r;
}

/* Ends it now; a connection is reset. */
void
request_stop(struct request *r)
{
	if (r->served.flow != NULL)
		flow_abort(r->served.flow);
	else
		request_over(r);
}
