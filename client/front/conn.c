/* SPDX-License-Identifier: ISC */
/*
 * One connection of a SOCKS client.
 *
 *	GREETING --> REQUEST --> COMMAND --> FLOW
 *	  (SOCKS5)      |           |          ^
 *	                '-----------+----------'
 *	                  as a farewell, when it is refused
 *
 * What a command does is not known here, but where it begins (cmd*.c,
 * cmdudp.c).  Bytes that follow the request at once are kept for it.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "buf.h"
#include "commands.h"
#include "flow.h"
#include "log.h"
#include "socks.h"
#include "conn.h"
#include "stream.h"
#include "tunnel.h"

/* Seconds a client has to finish its request. */
#define CONN_PATIENCE	60
/* The request and what may follow it before the flow stands. */
#define CONN_EARLY_MAX	32768
/* Bytes of a reason for the log. */
#define CONN_REASON_MAX	256

/* A command gives up what it has begun, once. */
static void
conn_cancel(struct conn *c)
{
	void (*cancel)(struct conn *) = c->cancel;

	c->cancel = NULL;
	if (cancel != NULL)
		cancel(c);
}

/* Ends a connection that is no flow yet. */
void
conn_free(struct conn *c)
{
	conn_cancel(c);
	TAILQ_REMOVE(&c->tunnel->conns, c, entry);
	if (c->local != NULL)
		c->local->ops->close(c->local, STREAM_CLOSE);
	if (c->timeout != NULL)
		event_free(c->timeout);
	buf_clear(&c->in);
	buf_clear(&c->reply);
	free(c->peer);
	free(c);
}

/* Ends a connection now, whatever its state; a flow's ends see a reset. */
void
conn_abort(struct conn *c)
{
	if (c->state == CONN_FLOW)
		flow_abort(c->flow);
	else
		conn_free(c);
}

static void
conn_done_cb(const struct flow_summary *sum, void *arg)
{
	struct conn *c = arg;

	if (c->label[0] != '\0')
		log_verbose("flow %llu: %s: %s after %.1f s, %llu bytes sent, "
		    "%llu received", (unsigned long long)c->id, c->label,
		    sum->ending == STREAM_ABORT ? "reset" : "closed",
		    sum->seconds, (unsigned long long)sum->a_to_b,
		    (unsigned long long)sum->b_to_a);
	conn_free(c);
}

/* Sends last words to the client and lets it go. */
static void
conn_dismiss(struct conn *c, const u_char *data, size_t len)
{
	evtimer_del(c->timeout);
	c->label[0] = '\0';
	c->flow = flow_farewell(c->tunnel->base, c->local, data, len,
	    conn_done_cb, c);
	if (c->flow == NULL) {
		conn_free(c);
		return;
	}
	c->state = CONN_FLOW;
	c->local = NULL;
	flow_start(c->flow);
}

static size_t
conn_encode_reply(const struct conn *c, u_char *buf, size_t size,
    int rep, const struct addr *bnd)
{
	if (c->version == 4)
		return socks_encode_reply4(buf, size, (enum socks_rep)rep,
		    bnd);
	return socks_encode_reply5(buf, size, (enum socks_rep)rep, bnd);
}

/*
 * Gives the command up and tells the client the outcome; the connection may
 * be gone after it.
 */
static void
conn_end(struct conn *c, int rep, const struct addr *bnd)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	conn_cancel(c);
	len = conn_encode_reply(c, reply, sizeof(reply), rep, bnd);
	conn_dismiss(c, reply, len);
}

/* Refuses the request; the connection may be gone after it. */
void
conn_refuse(struct conn *c, int rep)
{
	conn_end(c, rep, NULL);
}

/* The same, with a line in the log: why, and what to do about it. */
void
conn_failed(struct conn *c, int rep, const char *why,
    const char *hint)
{
	char text[CONN_REASON_MAX * 4];

	log_verbose("flow %llu: %s: %s%s", (unsigned long long)c->id, c->label,
	    log_safe(why, strlen(why), text, sizeof(text)), hint);
	conn_refuse(c, rep);
}

/* A reply of success, and the end: all that was asked for was an answer. */
void
conn_answer(struct conn *c, const struct addr *bnd)
{
	conn_end(c, SOCKS_REP_OK, bnd);
}

/* Has a reply of the client's version a form for this address? */
int
conn_can_tell(const struct conn *c, const struct addr *bnd)
{
	struct addr a = *bnd;

	addr_unmap(&a);
	return c->version != 4 || a.type == ADDR_IPV4;
}

/*
 * Sends a reply of success, after which the command goes on.  -1 when the
 * client does not take it; the connection is still there.
 */
int
conn_tell(struct conn *c, const struct addr *bnd)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	len = conn_encode_reply(c, reply, sizeof(reply), SOCKS_REP_OK,
	    bnd);
	/* Few bytes into an empty socket buffer: they fit, or it is broken. */
	return c->local->ops->write(c->local, reply, len) == (ssize_t)len ?
	    0 : -1;
}

/*
 * Joins client and far stream, which is consumed: first goes to the client
 * after the reply of success, and last to the target before early data.  The
 * command is over, and the connection may be gone when this returns.
 */
void
conn_join(struct conn *c, struct stream *far,
    const struct addr *bnd, const void *first, size_t first_len,
    const void *last, size_t last_len)
{
	struct flow *f;
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	c->cancel = NULL;
	len = conn_encode_reply(c, reply, sizeof(reply), SOCKS_REP_OK,
	    bnd);
	f = flow_new(c->tunnel->base, c->local, far, conn_done_cb, c);
	if (f == NULL) {
		far->ops->close(far, STREAM_ABORT);
		conn_free(c);
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

/* What a decoder refused, as the client is told it. */
static void
conn_bad_request(struct conn *c, ssize_t error)
{
	log_info("client %s: %s", c->peer, socks_strerror(error));
	if (error == SOCKS_EATYP)
		conn_refuse(c, SOCKS_REP_ATYP);
	else
		conn_refuse(c, SOCKS_REP_GENERAL);
}

/* Does what the client asks for; the connection may be gone after it. */
static void
conn_begin(struct conn *c, int cmd)
{
	char name[ADDR_STRLEN];

	evtimer_del(c->timeout);
	c->state = CONN_COMMAND;
	addr_format(&c->dst, name, sizeof(name));
	if (cmd == SOCKS_CMD_CONNECT)
		strlcpy(c->label, name, sizeof(c->label));
	else
		snprintf(c->label, sizeof(c->label), "%s %s",
		    socks_cmd_name(cmd), name);
	log_debug("flow %llu: %s: for %s", (unsigned long long)c->id,
	    c->label, c->peer);
	switch (cmd) {
	case SOCKS_CMD_CONNECT:
		cmdconnect_start(c);
		break;
	case SOCKS_CMD_BIND:
		cmdbind_start(c);
		break;
	case SOCKS_CMD_UDP:
		cmdudp_start(c);
		break;
	case SOCKS_CMD_RESOLVE:
	case SOCKS_CMD_RESOLVE_PTR:
		cmdresolve_start(c, (enum socks_cmd)cmd);
		break;
	default:
		log_info("client %s: command %u is not known", c->peer,
		    (unsigned int)cmd);
		conn_refuse(c, SOCKS_REP_COMMAND);
	}
}

static void
conn_take_request(struct conn *c)
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
		conn_bad_request(c, n);
		return;
	}
	buf_consume(&c->in, (size_t)n);
	c->dst = req.dst;
	conn_begin(c, req.cmd);
}

static void
conn_take_greeting(struct conn *c)
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
		conn_dismiss(c, answer, len);
		return;
	}
	buf_consume(&c->in, (size_t)n);
	len = socks_encode_method(answer, sizeof(answer), SOCKS_METHOD_NONE);
	/* Two bytes into an empty socket buffer: they fit, or it is broken. */
	if (c->local->ops->write(c->local, answer, len) != (ssize_t)len) {
		conn_free(c);
		return;
	}
	c->state = CONN_REQUEST;
	conn_take_request(c);
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
conn_take_version(struct conn *c)
{
	u_char first = buf_data(&c->in)[0];

	if (first == 4 || first == 5) {
		c->version = first;
		c->state = first == 4 ? CONN_REQUEST : CONN_GREETING;
		return 0;
	}
	log_info("client %s: %s (first byte 0x%02x), not SOCKS; closed",
	    c->peer, stranger_name(first), first);
	conn_dismiss(c, NULL, 0);
	return -1;
}

static void
conn_advance(struct conn *c)
{
	if (c->version == 0 && conn_take_version(c) == -1)
		return;
	if (c->state == CONN_GREETING)
		conn_take_greeting(c);
	else if (c->state == CONN_REQUEST)
		conn_take_request(c);
}

/*
 * Reads what the client sends, as far as there is room.  Bytes, 0 at the end,
 * or -1 and errno: EAGAIN when there is nothing now, ENOBUFS when there is no
 * room.
 */
ssize_t
conn_read(struct conn *c)
{
	struct stream *st = c->local;
	size_t room = buf_space(&c->in);
	u_char *space;
	ssize_t n;

	if (room == 0 || (space = buf_reserve(&c->in, room)) == NULL) {
		st->ops->want(st, 0);
		errno = ENOBUFS;
		return -1;
	}
	if ((n = st->ops->read(st, space, room)) > 0)
		buf_commit(&c->in, (size_t)n);
	return n;
}

/* Reads the conversation, and early data while a command is under way. */
static void
conn_local_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct conn *c = arg;
	ssize_t n = conn_read(c);

	if (n == -1 && (errno == EAGAIN || errno == ENOBUFS))
		return;
	if (n == -1 || (n == 0 && c->state != CONN_COMMAND)) {
		if (n == 0 && buf_len(&c->in) > 0)
			log_info("client %s: ended in the middle of its "
			    "request", c->peer);
		conn_free(c);
		return;
	}
	if (n == 0)
		/* It may have sent all and wait for the answer. */
		st->ops->want(st, 0);
	else if (c->state != CONN_COMMAND)
		conn_advance(c);
}

static void
conn_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	log_info("client %s: no request within %d seconds", c->peer,
	    CONN_PATIENCE);
	conn_free(c);
}

/*
 * Serves a client that just connected; the descriptor is non-blocking and
 * owned from now on, peer names it in the log.
 */
void
conn_new(struct tunnel *t, int fd, const char *peer)
{
	static const struct timeval patience = {
		.tv_sec = CONN_PATIENCE
	};
	struct conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return;
	}
	c->tunnel = t;
	c->id = ++t->last_id;
	c->fd = fd;
	buf_init(&c->in, CONN_EARLY_MAX);
	buf_init(&c->reply, 2 * SOCKS5_MESSAGE_MAX);
	TAILQ_INSERT_TAIL(&t->conns, c, entry);
	c->peer = strdup(peer);
	c->timeout = evtimer_new(t->base, conn_timeout_cb, c);
	if ((c->local = sockstream_new(t->base, fd)) == NULL)
		close(fd);
	if (c->peer == NULL || c->timeout == NULL || c->local == NULL) {
		log_warnx("client %s: out of memory", peer);
		conn_free(c);
		return;
	}
	event_add(c->timeout, &patience);
	c->local->cb = conn_local_cb;
	c->local->arg = c;
	c->local->ops->want(c->local, STREAM_WANT_READ);
}
