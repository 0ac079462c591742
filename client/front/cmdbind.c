/* SPDX-License-Identifier: ISC */
/*
 * BIND: the far end waits for one connection.  Its first reply says where, the
 * second who has come; then the two are joined:
 *
 *	asking --> first reply --> waiting --> second reply --> flow
 *
 * A far end without the service is asked for its own forwarding instead
 * (bindfallback.c).  The client's going ends the wait.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>

#include "addr.h"
#include "buf.h"
#include "commands.h"
#include "farend.h"
#include "bindfallback.h"
#include "socks.h"
#include "conn.h"
#include "stream.h"
#include "tunnel.h"

struct cmdbind {
	struct conn	*conn;
	struct farend_ask	*ask;		/* for the first reply */
	struct stream		*far;		/* of the second */
	struct buf		 reply;
	struct bindfallback	*remote;	/* instead of those three */
};

static void
bind_free(struct cmdbind *b)
{
	buf_clear(&b->reply);
	free(b);
}

static void
cmdbind_cancel(struct conn *c)
{
	struct cmdbind *b = c->job;

	if (b->ask != NULL)
		farend_cancel(b->ask);
	if (b->far != NULL)
		b->far->ops->close(b->far, STREAM_CLOSE);
	if (b->remote != NULL)
		bindfallback_cancel(b->remote);
	bind_free(b);
}

/* Keeps early data; a client that goes, or half goes, waits no more. */
static void
bind_local_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct conn *c = arg;
	ssize_t n = conn_read(c);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != ENOBUFS))
		conn_free(c);
}

/* Sends a reply; returns -1 when the connection is gone. */
static int
bind_tell(struct cmdbind *b, const struct addr *bnd)
{
	struct conn *c = b->conn;

	if (!conn_can_tell(c, bnd)) {
		conn_failed(c, SOCKS_REP_GENERAL, "SOCKS4 has no form "
		    "for the far end's address", "");
		return -1;
	}
	if (conn_tell(c, bnd) == -1) {
		conn_free(c);
		return -1;
	}
	return 0;
}

/* The peer has come: what it sent already goes to the client. */
static void
bind_join(struct cmdbind *b, struct stream *far, const struct addr *peer,
    const void *first, size_t len)
{
	struct conn *c = b->conn;
	static const struct addr none;

	b->far = NULL;
	if (!conn_can_tell(c, peer))
		peer = &none;
	conn_join(c, far, peer, first, len, NULL, 0);
	bind_free(b);
}

static void
bind_far_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct cmdbind *b = arg;
	struct socks_reply reply;
	int n;

	n = farend_read_reply(st, &b->reply, &reply);
	if (n == FAREND_MORE && ev != STREAM_RESET)
		return;
	if (n <= 0)
		conn_failed(b->conn, SOCKS_REP_GENERAL,
		    farend_strerror(n), "");
	else if (reply.rep != SOCKS_REP_OK)
		conn_failed(b->conn, reply.rep,
		    socks_rep_name(reply.rep), "");
	else
		bind_join(b, st, &reply.bnd, buf_data(&b->reply) + n,
		    buf_len(&b->reply) - (size_t)n);
}

static void
bind_remote_listening_cb(const struct addr *bnd, void *arg)
{
	bind_tell(arg, bnd);
}

static void
bind_remote_failed_cb(int rep, const char *why, const char *hint, void *arg)
{
	struct cmdbind *b = arg;

	conn_failed(b->conn, rep, why, hint);
}

static void
bind_remote_connected_cb(struct stream *far, const struct addr *peer,
    void *arg)
{
	struct cmdbind *b = arg;

	bindfallback_cancel(b->remote);
	b->remote = NULL;
	bind_join(b, far, peer, NULL, 0);
}

static const struct bindfallback_ops bind_remote_ops = {
	.listening = bind_remote_listening_cb,
	.connected = bind_remote_connected_cb,
	.failed = bind_remote_failed_cb,
};

static void
bind_start_remote(struct cmdbind *b)
{
	struct conn *c = b->conn;

	if (c->dst.type == ADDR_NAME) {
		conn_failed(c, SOCKS_REP_ATYP, "the SSH server cannot "
		    "tell a peer by its name", "");
		return;
	}
	b->remote = bindfallback_start(c->tunnel, &c->dst, &bind_remote_ops, b);
	if (b->remote == NULL)
		conn_failed(c, SOCKS_REP_GENERAL, "out of memory", "");
}

static void
bind_answer_cb(const struct farend_answer *answer, void *arg)
{
	struct cmdbind *b = arg;

	b->ask = NULL;
	if (answer->unserved) {
		bind_start_remote(b);
		return;
	}
	if (answer->rep != SOCKS_REP_OK) {
		conn_failed(b->conn, answer->rep, answer->text,
		    answer->hint);
		return;
	}
	b->far = answer->stream;
	b->far->cb = bind_far_cb;
	b->far->arg = b;
	if (buf_append(&b->reply, answer->surplus, answer->len) == -1) {
		conn_failed(b->conn, SOCKS_REP_GENERAL, "out of memory",
		    "");
		return;
	}
	if (bind_tell(b, &answer->bnd) == -1)
		return;
	b->far->ops->want(b->far, STREAM_WANT_READ);
	bind_far_cb(b->far, STREAM_READABLE, b);
}

/* Waits at the far end for a connection to the client. */
void
cmdbind_start(struct conn *c)
{
	struct cmdbind *b;

	if ((b = calloc(1, sizeof(*b))) == NULL) {
		conn_failed(c, SOCKS_REP_GENERAL, "out of memory", "");
		return;
	}
	b->conn = c;
	buf_init(&b->reply, 2 * SOCKS5_MESSAGE_MAX);
	c->job = b;
	c->cancel = cmdbind_cancel;
	c->local->cb = bind_local_cb;
	if (!farend_serves(c->tunnel)) {
		bind_start_remote(b);
		return;
	}
	b->ask = farend_ask(c->tunnel, SOCKS_CMD_BIND, &c->dst,
	    bind_answer_cb, b);
	if (b->ask == NULL)
		conn_failed(c, SOCKS_REP_GENERAL, "no channel", "");
}
