/* SPDX-License-Identifier: ISC */
/*
 * Has an SSH server wait on a port of its own for one peer.  The port is
 * chosen here, and chosen again if the server refuses it; from then on only
 * the named peer gets a channel.
 *
 * Which addresses the server listens on is its GatewayPorts' affair and is
 * not told, so the address of the first reply is one that holds in any case.
 * A server that waits on some of several addresses calls that a success: for
 * a peer on the server itself one address is enough.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "addr.h"
#include "log.h"
#include "bindfallback.h"
#include "socks.h"
#include "sshchan.h"
#include "sshforward.h"
#include "sshloop.h"
#include "tunnel.h"

/* Two minutes, as RFC 1928's authors had it. */
#define BINDFALLBACK_PATIENCE	120
/* Ports that are asked for before it is given up. */
#define BINDFALLBACK_TRIES	4
/* Few systems give these to clients. */
#define BINDFALLBACK_PORT_MIN	61000
#define BINDFALLBACK_PORT_MAX	65535

struct bindfallback {
	struct tunnel			*tunnel;
	struct addr			 peer;	/* who may connect */
	int				 named;	/* not everybody */
	const char			*where;	/* the server listens */
	struct sshforward		*forward;
	struct event			*timeout;
	const struct bindfallback_ops	*ops;
	void				*arg;
	uint16_t			 port;
	int				 tries;
};

/* Where the server is to listen for this peer; "" wherever it may. */
static const char *
bindfallback_where(const struct addr *peer)
{
	if (addr_is_loopback(peer))
		return peer->type == ADDR_IPV4 ? "127.0.0.1" : "::1";
	return "";
}

static int
bindfallback_permit(const char *host, int port, void *arg)
{
	struct bindfallback *rb = arg;
	struct addr a;
	char text[ADDR_STRLEN];

	if (addr_parse_host(&a, host, rb->peer.port) == 0) {
		addr_unmap(&a);
		if (!rb->named || addr_equal(&a, &rb->peer))
			return 1;
	}
	log_info("BIND: %s port %d is not the peer that is waited for",
	    log_safe(host, strlen(host), text, sizeof(text)), port);
	return 0;
}

static void
bindfallback_listening_cb(void *arg)
{
	struct bindfallback *rb = arg;
	struct addr bnd;

	if (!rb->tunnel->told_forward)
		log_info("BIND uses the SSH server's own forwarding: peers "
		    "reach it at 127.0.0.1 of the server, and at other "
		    "addresses only if GatewayPorts in its sshd_config "
		    "permits");
	rb->tunnel->told_forward = 1;
	addr_parse_host(&bnd, *rb->where != '\0' ? rb->where : "127.0.0.1",
	    rb->port);
	rb->ops->listening(&bnd, rb->arg);
}

static void
bindfallback_connected_cb(struct sshchan *chan, const char *host, int port,
    void *arg)
{
	struct bindfallback *rb = arg;
	struct addr peer;

	if (addr_parse_host(&peer, host, (uint16_t)port) == -1)
		memset(&peer, 0, sizeof(peer));
	addr_unmap(&peer);
	rb->ops->connected(sshchan_stream(chan), &peer, rb->arg);
}

static void	bindfallback_failed_cb(enum sshconn_answer, void *);

static const struct sshforward_ops bindfallback_forward_ops = {
	.permit = bindfallback_permit,
	.listening = bindfallback_listening_cb,
	.failed = bindfallback_failed_cb,
	.connected = bindfallback_connected_cb,
};

static int
bindfallback_try(struct bindfallback *rb)
{
	rb->tries++;
	rb->port = (uint16_t)(BINDFALLBACK_PORT_MIN + arc4random_uniform(
	    BINDFALLBACK_PORT_MAX - BINDFALLBACK_PORT_MIN + 1));
	rb->forward = sshforward_listen(sshloop_forwards(rb->tunnel->loop),
	    rb->where, rb->port, &bindfallback_forward_ops, rb);
	return rb->forward != NULL ? 0 : -1;
}

static void
bindfallback_failed_cb(enum sshconn_answer why, void *arg)
{
	struct bindfallback *rb = arg;

	sshforward_close(rb->forward);
	rb->forward = NULL;
	if (why == SSHCONN_LOST)
		rb->ops->failed(SOCKS_REP_GENERAL, "session lost", "",
		    rb->arg);
	else if (rb->tries == BINDFALLBACK_TRIES || bindfallback_try(rb) == -1)
		rb->ops->failed(SOCKS_REP_RULESET, "the SSH server forwards "
		    "no port", " (see AllowTcpForwarding, DisableForwarding "
		    "and PermitListen in its sshd_config)", rb->arg);
}

static void
bindfallback_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	struct bindfallback *rb = arg;

	rb->ops->failed(SOCKS_REP_TTL, "nobody came in time", "", rb->arg);
}

/*
 * Waits for a peer at this address, or for anybody if it is unspecified; the
 * port is not looked at.  NULL when memory is out or the session is lost.
 */
struct bindfallback *
bindfallback_start(struct tunnel *t, const struct addr *peer,
    const struct bindfallback_ops *ops, void *arg)
{
	static const struct timeval patience = {
		.tv_sec = BINDFALLBACK_PATIENCE
	};
	struct bindfallback *rb;

	if ((rb = calloc(1, sizeof(*rb))) == NULL)
		return NULL;
	rb->tunnel = t;
	rb->peer = *peer;
	addr_unmap(&rb->peer);
	rb->named = !addr_is_unspecified(&rb->peer);
	rb->where = bindfallback_where(&rb->peer);
	rb->ops = ops;
	rb->arg = arg;
	rb->timeout = evtimer_new(t->base, bindfallback_timeout_cb, rb);
	if (rb->timeout == NULL || bindfallback_try(rb) == -1) {
		bindfallback_cancel(rb);
		return NULL;
	}
	event_add(rb->timeout, &patience);
	return rb;
}

/* Waits no more; a connection that was handed over stays. */
void
bindfallback_cancel(struct bindfallback *rb)
{
	if (rb->timeout != NULL)
		event_free(rb->timeout);
	if (rb->forward != NULL)
		sshforward_close(rb->forward);
	free(rb);
}
