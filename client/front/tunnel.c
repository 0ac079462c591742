/* SPDX-License-Identifier: ISC */
/* A session that is ready for clients, and its end for them. */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "cliconf.h"
#include "spares.h"
#include "helper.h"
#include "conn.h"
#include "tunnel.h"
#include "udpsock.h"

/* Channels kept open by FastOpen: a browser's connections to one host. */
#define TUNNEL_SPARES	8

/*
 * An authenticated session, which stays the caller's, ready for clients;
 * native if the far end is a sockstund.
 */
void
tunnel_init(struct tunnel *t, struct event_base *base, struct sshloop *loop,
    const struct cliconf *conf, int native)
{
	memset(t, 0, sizeof(*t));
	t->base = base;
	t->loop = loop;
	t->conf = conf;
	t->native = native;
	TAILQ_INIT(&t->conns);
	TAILQ_INIT(&t->lookups);
	helper_init(&t->helper, loop, conf->remote_helper);
	spares_init(&t->spares, loop,
	    native && conf->fast_open ? TUNNEL_SPARES : 0);
}

/* Lets go of all clients; those in the middle of a flow see a reset. */
void
tunnel_clear(struct tunnel *t)
{
	struct conn *c;

	spares_clear(&t->spares);
	while ((c = TAILQ_FIRST(&t->conns)) != NULL)
		conn_abort(c);
	udpsock_pool_free(t->udp);
	free(t->datagram);
}
