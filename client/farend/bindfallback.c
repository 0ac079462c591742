/* SPDX-License-Identifier: ISC */
/*
 * Has an SSH server wait on a port of its own for one peer.  The port is
 * chosen here, and chosen again if the server refuses it; from then on only
 * the named peer gets a channel.
 *
 * The server's GatewayPorts decides on which addresses it listens, and it does
 * not tell them, so the first reply names a loopback address, where it listens
 * in any case.  Asked for all addresses, a server calls it a success when it
 * got only some of them.  So for a peer on the server's own host it is asked
 * for a single loopback address, of the peer's family.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "addr.h"
#include "answer.h"
#include "bindfallback.h"
#include "eventloop.h"
#include "log.h"
#include "protocol.h"
#include "socks.h"
#include "sshchan.h"
#include "sshforward.h"
#include "sshloop.h"

/* Ports that are tried before BIND is refused. */
#define BINDFALLBACK_TRIES	4
/* Few systems use these for outgoing connections: they are often free. */
#define BINDFALLBACK_PORT_MIN	61000
#define BINDFALLBACK_PORT_MAX	65535

struct bindfallback {
	struct sshloop			*loop;
	struct addr			 peer;	/* who may connect */
	int				 named;	/* 0: anybody may */
	const char			*where;	/* address to listen on */
	struct sshforward		*forward;
	struct event			*timeout;
	farend_cb			*cb;
	void				*arg;
	uint16_t			 port;
	int				 tries;
};

/* The address for the server to listen on; "": all that it permits. */
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
	struct bindfallback *b = arg;
	struct addr a;
	char text[ADDR_STRLEN];

	if (addr_parse_host(&a, host, b->peer.port) == 0) {
		addr_unmap(&a);
		if (!b->named || addr_equal(&a, &b->peer))
			return 1;
	}
	log_info("BIND: %s port %d is not the peer that is waited for",
	    log_safe(host, strlen(host), text, sizeof(text)), port);
	return 0;
}

static void
bindfallback_listening_cb(void *arg)
{
	struct bindfallback *b = arg;
	struct farend_answer answer = { .result = FAREND_BOUND };

	addr_parse_host(&answer.bnd, *b->where != '\0' ? b->where :
	    "127.0.0.1", b->port);
	b->cb(&answer, b->arg);
}

static void
bindfallback_connected_cb(struct sshchan *chan, const char *host, int port,
    void *arg)
{
	struct bindfallback *b = arg;
	struct farend_answer answer = {
		.result = FAREND_GRANTED,
		.stream = &chan->stream,
	};

	if (addr_parse_host(&answer.bnd, host, (uint16_t)port) == -1)
		memset(&answer.bnd, 0, sizeof(answer.bnd));
	addr_unmap(&answer.bnd);
	b->cb(&answer, b->arg);
}

static void
bindfallback_fail(struct bindfallback *b, enum farend_result result, int rep,
    const char *text, const char *hint)
{
	struct farend_answer answer = {
		.result = result,
		.rep = rep,
		.text = text,
		.hint = hint,
	};

	b->cb(&answer, b->arg);
}

static void	bindfallback_failed_cb(enum sshconn_answer, void *);

static const struct sshforward_ops bindfallback_forward_ops = {
	.permit = bindfallback_permit,
	.listening = bindfallback_listening_cb,
	.failed = bindfallback_failed_cb,
	.connected = bindfallback_connected_cb,
};

static int
bindfallback_try(struct bindfallback *b)
{
	b->tries++;
	b->port = (uint16_t)(BINDFALLBACK_PORT_MIN + arc4random_uniform(
	    BINDFALLBACK_PORT_MAX - BINDFALLBACK_PORT_MIN + 1));
	b->forward = sshforward_listen(&b->loop->forwards, b->where, b->port,
	    &bindfallback_forward_ops, b);
	return b->forward != NULL ? 0 : -1;
}

static void
bindfallback_failed_cb(enum sshconn_answer why, void *arg)
{
	struct bindfallback *b = arg;

	sshforward_close(b->forward);
	b->forward = NULL;
	if (why == SSHCONN_LOST)
		bindfallback_fail(b, FAREND_LOST, SOCKS_REP_GENERAL,
		    "session lost", "");
	else if (b->tries == BINDFALLBACK_TRIES || bindfallback_try(b) == -1)
		bindfallback_fail(b, FAREND_REFUSED, SOCKS_REP_RULESET,
		    "the SSH server forwards no port", " (see "
		    "AllowTcpForwarding, DisableForwarding and PermitListen "
		    "in its sshd_config)");
}

static void
bindfallback_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	bindfallback_fail(arg, FAREND_REFUSED, SOCKS_REP_TTL,
	    "nobody came in time", "");
}

/*
 * Waits for a peer at this address, or for anybody if it is unspecified; the
 * port is not looked at.  The answers come from the loop: FAREND_BOUND, and
 * then another, after which it is to be cancelled.  NULL when memory is out or
 * the session is lost.
 */
struct bindfallback *
bindfallback_start(struct event_base *base, struct sshloop *loop,
    const struct addr *peer, farend_cb *cb, void *arg)
{
	static const struct timeval patience = {
		.tv_sec = SERVICE_BIND_WAIT
	};
	struct bindfallback *b;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return NULL;
	b->loop = loop;
	b->peer = *peer;
	addr_unmap(&b->peer);
	b->named = !addr_is_unspecified(&b->peer);
	b->where = bindfallback_where(&b->peer);
	b->cb = cb;
	b->arg = arg;
	b->timeout = evtimer_new(base, bindfallback_timeout_cb, b);
	if (b->timeout == NULL ||
	    eventloop_watch(b->timeout, &patience) == -1 ||
	    bindfallback_try(b) == -1) {
		bindfallback_cancel(b);
		return NULL;
	}
	return b;
}

/* Waits no more; a connection that was handed over stays. */
void
bindfallback_cancel(struct bindfallback *b)
{
	if (b->timeout != NULL)
		event_free(b->timeout);
	if (b->forward != NULL)
		sshforward_close(b->forward);
	free(b);
}
