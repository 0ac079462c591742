/* SPDX-License-Identifier: ISC */
/*
 * One connection of a SOCKS client.
 *
 *	GREETING --> REQUEST --> OPENING --> REPLY --> FLOW
 *	  (SOCKS5)      |        (channel)  (sockstund)
 *	                '--> FLOW, as a farewell, when it is refused
 *
 * Bytes that follow the request at once are kept for the target.  A stock SSH
 * server answers the opening of the channel; sockstund opens it at once and
 * says in a SOCKS5 reply on it how the dial went.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "buf.h"
#include "flow.h"
#include "log.h"
#include "openfail.h"
#include "service.h"
#include "socks.h"
#include "socksconn.h"
#include "sshchan.h"
#include "stream.h"

/* Seconds a client has to finish its request. */
#define SOCKSCONN_PATIENCE	60
/* The request and what may follow it before the flow stands. */
#define SOCKSCONN_EARLY_MAX	32768

enum conn_state {
	CONN_GREETING,
	CONN_REQUEST,
	CONN_OPENING,
	CONN_REPLY,
	CONN_FLOW
};

struct socksconn {
	TAILQ_ENTRY(socksconn) entry;
	struct tunnel	*tunnel;
	uint64_t	 id;
	char		*peer;
	struct stream	*local;
	struct sshchan	*chan;
	struct flow	*flow;
	struct event	*timeout;
	enum conn_state	 state;
	struct buf	 in;		/* from the client */
	struct buf	 reply;		/* from sockstund, until it is whole */
	int		 version;	/* of SOCKS; 0 = not known yet */
	struct addr	 dst;
	char		 name[ADDR_STRLEN];	/* dst as text */
};

static void
socksconn_free(struct socksconn *c)
{
	TAILQ_REMOVE(&c->tunnel->conns, c, entry);
	if (c->local != NULL)
		c->local->ops->close(c->local, STREAM_CLOSE);
	if (c->chan != NULL)
		sshchan_stream(c->chan)->ops->close(sshchan_stream(c->chan),
		    STREAM_ABORT);
	if (c->timeout != NULL)
		event_free(c->timeout);
	buf_clear(&c->in);
	buf_clear(&c->reply);
	free(c->peer);
	free(c);
}

static void
socksconn_done_cb(const struct flow_summary *sum, void *arg)
{
	struct socksconn *c = arg;

	if (c->name[0] != '\0')
		log_verbose("flow %llu: %s: %s after %.1f s, %llu bytes sent, "
		    "%llu received", (unsigned long long)c->id, c->name,
		    sum->ending == STREAM_ABORT ? "reset" : "closed",
		    sum->seconds, (unsigned long long)sum->a_to_b,
		    (unsigned long long)sum->b_to_a);
	socksconn_free(c);
}

/* Sends last words to the client and lets it go. */
static void
socksconn_dismiss(struct socksconn *c, const u_char *data, size_t len)
{
	evtimer_del(c->timeout);
	c->flow = flow_farewell(c->tunnel->base, c->local, data, len,
	    socksconn_done_cb, c);
	if (c->flow == NULL) {
		socksconn_free(c);
		return;
	}
	c->state = CONN_FLOW;
	c->local = NULL;
	flow_start(c->flow);
}

static size_t
socksconn_encode_reply(const struct socksconn *c, u_char *buf, size_t size,
    enum socks_rep rep, const struct addr *bnd)
{
	if (c->version == 4)
		return socks_encode_reply4(buf, size, rep, bnd);
	return socks_encode_reply5(buf, size, rep, bnd);
}

/* Refuses the request; the connection may be gone after it. */
static void
socksconn_refuse(struct socksconn *c, enum socks_rep rep)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	if (c->chan != NULL) {
		sshchan_stream(c->chan)->ops->close(sshchan_stream(c->chan),
		    STREAM_CLOSE);
		c->chan = NULL;
	}
	len = socksconn_encode_reply(c, reply, sizeof(reply), rep, NULL);
	c->name[0] = '\0';
	socksconn_dismiss(c, reply, len);
}

/*
 * Joins client and far stream, which is consumed: first goes to the client
 * after the reply of success, and last to the target before early data.
 */
static void
socksconn_join(struct socksconn *c, struct stream *far,
    const struct addr *bnd, const void *first, size_t first_len,
    const void *last, size_t last_len)
{
	struct flow *f;
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	len = socksconn_encode_reply(c, reply, sizeof(reply), SOCKS_REP_OK,
	    bnd);
	f = flow_new(c->tunnel->base, c->local, far, socksconn_done_cb, c);
	if (f == NULL) {
		far->ops->close(far, STREAM_ABORT);
		socksconn_free(c);
		return;
	}
	c->local = NULL;
	c->flow = f;
	c->state = CONN_FLOW;
	if (flow_prefix_to_a(f, reply, len) == -1 ||
	    flow_prefix_to_a(f, first, first_len) == -1 ||
	    flow_prefix_to_b(f, last, last_len) == -1 ||
	    flow_prefix_to_b(f, buf_data(&c->in), buf_len(&c->in)) == -1) {
		flow_abort(f);
		return;
	}
	buf_clear(&c->in);
	flow_start(f);
}

/* The channel is connected; extra bytes of the target's came already. */
static void
socksconn_relay(struct socksconn *c, const struct addr *bnd,
    const void *extra, size_t extra_len)
{
	struct stream *far = sshchan_stream(c->chan);

	c->chan = NULL;
	socksconn_join(c, far, bnd, extra, extra_len, NULL, 0);
}

/* Success is told at once, on the word of a channel kept for this. */
static int
socksconn_open_fast(struct socksconn *c)
{
	struct stream *far;
	u_char request[SOCKS5_MESSAGE_MAX];
	size_t len;

	if ((far = fastopen_take(&c->tunnel->fastopen)) == NULL)
		return 0;
	len = socks_encode_request5(request, sizeof(request),
	    SOCKS_CMD_CONNECT, &c->dst);
	socksconn_join(c, far, NULL, NULL, 0, request, len);
	return 1;
}

static void
socksconn_failed(struct socksconn *c, enum socks_rep rep, const char *why,
    const char *hint)
{
	char text[SSHCHAN_REASON_MAX * 4];

	log_verbose("flow %llu: %s: %s%s", (unsigned long long)c->id, c->name,
	    log_safe(why, strlen(why), text, sizeof(text)), hint);
	socksconn_refuse(c, rep);
}

/* Reads sockstund's reply; surplus bytes are the target's. */
static void
socksconn_reply_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct socksconn *c = arg;
	struct socks_reply reply;
	u_char *space;
	ssize_t n, used;

	if (ev == STREAM_RESET || ev == STREAM_WRITABLE) {
		socksconn_failed(c, SOCKS_REP_GENERAL, "channel reset", "");
		return;
	}
	if ((space = buf_reserve(&c->reply, SOCKS5_MESSAGE_MAX)) == NULL) {
		socksconn_failed(c, SOCKS_REP_GENERAL, "out of memory", "");
		return;
	}
	n = st->ops->read(st, space, SOCKS5_MESSAGE_MAX);
	if (n > 0)
		buf_commit(&c->reply, (size_t)n);
	used = socks_decode_reply5(&reply, buf_data(&c->reply),
	    buf_len(&c->reply));
	if (used == 0 && n == -1 && errno == EAGAIN)
		return;
	if (used == 0 && n > 0) {
		st->ops->want(st, STREAM_WANT_READ);
		return;
	}
	if (used <= 0)
		socksconn_failed(c, SOCKS_REP_GENERAL,
		    "the far end sent no proper reply", "");
	else if (reply.rep != SOCKS_REP_OK)
		socksconn_failed(c, reply.rep, socks_rep_name(reply.rep), "");
	else
		socksconn_relay(c, &reply.bnd,
		    buf_data(&c->reply) + used,
		    buf_len(&c->reply) - (size_t)used);
}

static void
socksconn_opened_cb(struct sshchan *chan, int failure, const char *text,
    void *arg)
{
	struct socksconn *c = arg;
	struct stream *st = sshchan_stream(chan);

	if (failure != SSHCHAN_NO_FAILURE) {
		c->chan = NULL;
		socksconn_failed(c, openfail_rep(failure, text),
		    *text != '\0' ? text : "open failed",
		    openfail_hint(failure));
		return;
	}
	if (!c->tunnel->native) {
		socksconn_relay(c, NULL, NULL, 0);
		return;
	}
	c->state = CONN_REPLY;
	st->cb = socksconn_reply_cb;
	st->arg = c;
	st->ops->want(st, STREAM_WANT_READ);
}

static void
socksconn_open(struct socksconn *c)
{
	char host[ADDR_STRLEN];

	evtimer_del(c->timeout);
	c->state = CONN_OPENING;
	addr_format(&c->dst, c->name, sizeof(c->name));
	addr_format_host(&c->dst, host, sizeof(host));
	log_debug("flow %llu: %s: opening for %s", (unsigned long long)c->id,
	    c->name, c->peer);
	if (socksconn_open_fast(c))
		return;
	c->chan = sshchan_open(c->tunnel->loop, host, c->dst.port,
	    c->tunnel->native ? SERVICE_CONNECT : "127.0.0.1", 0,
	    socksconn_opened_cb, c);
	if (c->chan == NULL)
		socksconn_failed(c, SOCKS_REP_GENERAL, "no channel", "");
}

/* What a decoder refused, as the client is told it. */
static void
socksconn_bad_request(struct socksconn *c, ssize_t error)
{
	log_info("client %s: %s", c->peer, socks_strerror(error));
	if (error == SOCKS_EATYP)
		socksconn_refuse(c, SOCKS_REP_ATYP);
	else
		socksconn_refuse(c, SOCKS_REP_GENERAL);
}

static void
socksconn_take_request(struct socksconn *c)
{
	struct socks_request req;
	ssize_t n;

	if (c->version == 4)
		n = socks_decode_request4(&req, buf_data(&c->in),
		    buf_len(&c->in));
	else
		n = socks_decode_request5(&req, buf_data(&c->in),
		    buf_len(&c->in));
	if (n == 0)
		return;
	if (n < 0) {
		socksconn_bad_request(c, n);
		return;
	}
	buf_consume(&c->in, (size_t)n);
	c->dst = req.dst;
	if (req.cmd != SOCKS_CMD_CONNECT) {
		log_info("client %s: command %s (%u) is not supported",
		    c->peer, socks_cmd_name(req.cmd), req.cmd);
		socksconn_refuse(c, SOCKS_REP_COMMAND);
		return;
	}
	socksconn_open(c);
}

static void
socksconn_take_greeting(struct socksconn *c)
{
	struct socks_greeting greeting;
	u_char answer[2];
	ssize_t n;
	size_t len;

	n = socks_decode_greeting(&greeting, buf_data(&c->in),
	    buf_len(&c->in));
	if (n == 0)
		return;
	if (n < 0 || !socks_greeting_offers(&greeting, SOCKS_METHOD_NONE)) {
		log_info("client %s: offers no acceptable authentication "
		    "method", c->peer);
		len = socks_encode_method(answer, sizeof(answer),
		    SOCKS_METHOD_UNACCEPTABLE);
		socksconn_dismiss(c, answer, len);
		return;
	}
	buf_consume(&c->in, (size_t)n);
	len = socks_encode_method(answer, sizeof(answer), SOCKS_METHOD_NONE);
	/* Two bytes into an empty socket buffer: they fit, or it is broken. */
	if (c->local->ops->write(c->local, answer, len) != (ssize_t)len) {
		socksconn_free(c);
		return;
	}
	c->state = CONN_REQUEST;
	socksconn_take_request(c);
}

static const char *
stranger_name(u_char first)
{
	if (first == 0x16)
		return "a TLS hello";
	if (strchr("GHPCDOT", first) != NULL && first != '\0')
		return "an HTTP request";
	if (first == 'S')
		return "an SSH banner";
	return "not SOCKS";
}

/* Returns -1 when it is no SOCKS, and the connection may be gone. */
static int
socksconn_take_version(struct socksconn *c)
{
	u_char first = buf_data(&c->in)[0];

	if (first == 4 || first == 5) {
		c->version = first;
		c->state = first == 4 ? CONN_REQUEST : CONN_GREETING;
		return 0;
	}
	log_info("client %s: %s (first byte 0x%02x), not SOCKS; closed",
	    c->peer, stranger_name(first), first);
	socksconn_dismiss(c, NULL, 0);
	return -1;
}

static void
socksconn_advance(struct socksconn *c)
{
	if (c->version == 0 && socksconn_take_version(c) == -1)
		return;
	if (c->state == CONN_GREETING)
		socksconn_take_greeting(c);
	else if (c->state == CONN_REQUEST)
		socksconn_take_request(c);
}

/* Reads the conversation, and early data while the channel opens. */
static void
socksconn_local_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct socksconn *c = arg;
	u_char *space;
	size_t room = buf_space(&c->in);
	ssize_t n;

	if (room == 0 || (space = buf_reserve(&c->in, room)) == NULL) {
		st->ops->want(st, 0);
		return;
	}
	n = st->ops->read(st, space, room);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1 || (n == 0 && c->state < CONN_OPENING)) {
		if (n == 0 && buf_len(&c->in) > 0)
			log_info("client %s: ended in the middle of its "
			    "request", c->peer);
		socksconn_free(c);
		return;
	}
	if (n == 0) {
		/* It may have sent all and wait for the answer. */
		st->ops->want(st, 0);
		return;
	}
	buf_commit(&c->in, (size_t)n);
	if (c->state < CONN_OPENING)
		socksconn_advance(c);
}

static void
socksconn_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	struct socksconn *c = arg;

	log_info("client %s: no request within %d seconds", c->peer,
	    SOCKSCONN_PATIENCE);
	socksconn_free(c);
}

/*
 * Serves a client that just connected; the descriptor is non-blocking and
 * owned from now on, peer names it in the log.
 */
void
socksconn_new(struct tunnel *t, int fd, const char *peer)
{
	static const struct timeval patience = {
		.tv_sec = SOCKSCONN_PATIENCE
	};
	struct socksconn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return;
	}
	c->tunnel = t;
	c->id = ++t->last_id;
	buf_init(&c->in, SOCKSCONN_EARLY_MAX);
	buf_init(&c->reply, 2 * SOCKS5_MESSAGE_MAX);
	TAILQ_INSERT_TAIL(&t->conns, c, entry);
	c->peer = strdup(peer);
	c->timeout = evtimer_new(t->base, socksconn_timeout_cb, c);
	if ((c->local = sockstream_new(t->base, fd)) == NULL)
		close(fd);
	if (c->peer == NULL || c->timeout == NULL || c->local == NULL) {
		log_warnx("client %s: out of memory", peer);
		socksconn_free(c);
		return;
	}
	event_add(c->timeout, &patience);
	c->local->cb = socksconn_local_cb;
	c->local->arg = c;
	c->local->ops->want(c->local, STREAM_WANT_READ);
}

/*
 * An authenticated session, which stays the caller's, ready for clients; with
 * spares channels kept open ahead of them if the far end is a sockstund.
 */
void
tunnel_init(struct tunnel *t, struct event_base *base, struct sshloop *loop,
    int native, size_t spares)
{
	memset(t, 0, sizeof(*t));
	t->base = base;
	t->loop = loop;
	t->native = native;
	TAILQ_INIT(&t->conns);
	fastopen_init(&t->fastopen, loop, native ? spares : 0);
}

/* Lets go of all clients; those in the middle of a flow see a reset. */
void
tunnel_clear(struct tunnel *t)
{
	struct socksconn *c;

	fastopen_clear(&t->fastopen);
	while ((c = TAILQ_FIRST(&t->conns)) != NULL)
		if (c->state == CONN_FLOW)
			flow_abort(c->flow);
		else
			socksconn_free(c);
}
