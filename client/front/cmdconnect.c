/* SPDX-License-Identifier: ISC */
/*
 * CONNECT: a channel to the destination.  A stock SSH server answers the
 * opening of the channel; sockstund opens it at once and says in a SOCKS5
 * reply on it how the dial went.  A spare channel, where there is one, takes
 * request and data at once.
 */
#include <sys/types.h>

#include <stddef.h>

#include "addr.h"
#include "commands.h"
#include "farend.h"
#include "spares.h"
#include "refusal.h"
#include "protocol.h"
#include "socks.h"
#include "conn.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"
#include "tunnel.h"

static void
cmdconnect_cancel(struct conn *c)
{
	struct stream *st;

	if (c->chan == NULL)
		return;
	st = sshchan_stream(c->chan);
	c->chan = NULL;
	st->ops->close(st, STREAM_CLOSE);
}

/* Success is told at once, on the word of a channel kept for this. */
static int
cmdconnect_open_fast(struct conn *c)
{
	struct stream *far;
	u_char request[SOCKS5_MESSAGE_MAX];
	size_t len;

	if ((far = spares_take(&c->tunnel->spares)) == NULL)
		return 0;
	len = socks_encode_request5(request, sizeof(request),
	    SOCKS_CMD_CONNECT, &c->dst);
	conn_join(c, far, NULL, NULL, 0, request, len);
	return 1;
}

/* The channel is connected; extra bytes of the target's came already. */
static void
cmdconnect_relay(struct conn *c, const struct addr *bnd,
    const void *extra, size_t extra_len)
{
	struct stream *far = sshchan_stream(c->chan);

	c->chan = NULL;
	conn_join(c, far, bnd, extra, extra_len, NULL, 0);
}

/* Reads sockstund's reply; surplus bytes are the target's. */
static void
cmdconnect_reply_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct conn *c = arg;
	struct socks_reply reply;
	int n;

	if (ev == STREAM_RESET || ev == STREAM_WRITABLE) {
		conn_failed(c, SOCKS_REP_GENERAL, "channel reset", "");
		return;
	}
	n = farend_read_reply(st, &c->reply, &reply);
	if (n == FAREND_MORE)
		return;
	if (n < 0)
		conn_failed(c, SOCKS_REP_GENERAL, farend_strerror(n),
		    "");
	else if (reply.rep != SOCKS_REP_OK)
		conn_failed(c, reply.rep, socks_rep_name(reply.rep), "");
	else
		cmdconnect_relay(c, &reply.bnd, buf_data(&c->reply) + n,
		    buf_len(&c->reply) - (size_t)n);
}

static void
cmdconnect_opened_cb(struct sshchan *chan, int failure, const char *text,
    void *arg)
{
	struct conn *c = arg;
	struct stream *st = sshchan_stream(chan);

	if (failure != SSHCHAN_NO_FAILURE) {
		c->chan = NULL;
		conn_failed(c, refusal_rep(failure, text),
		    *text != '\0' ? text : "open failed",
		    refusal_hint(failure));
		return;
	}
	if (!c->tunnel->native) {
		cmdconnect_relay(c, NULL, NULL, 0);
		return;
	}
	st->cb = cmdconnect_reply_cb;
	st->arg = c;
	st->ops->want(st, STREAM_WANT_READ);
}

/* Connects the client to its destination. */
void
cmdconnect_start(struct conn *c)
{
	char host[ADDR_STRLEN];

	if (cmdconnect_open_fast(c))
		return;
	addr_format_host(&c->dst, host, sizeof(host));
	c->cancel = cmdconnect_cancel;
	c->chan = sshopen_direct(sshloop_channels(c->tunnel->loop), host,
	    c->dst.port, c->tunnel->native ? SERVICE_CONNECT : "127.0.0.1",
	    0, cmdconnect_opened_cb, c);
	if (c->chan == NULL)
		conn_failed(c, SOCKS_REP_GENERAL, "no channel", "");
}
