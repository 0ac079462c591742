/* SPDX-License-Identifier: ISC */
/* What the connections of all clients of one session share. */
#ifndef TUNNEL_H
#define TUNNEL_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "spares.h"
#include "helper.h"

struct cliconf;
struct event_base;
struct farend_ask;
struct conn;
struct sshloop;
struct udpsock_pool;

TAILQ_HEAD(farend_list, farend_ask);
TAILQ_HEAD(conn_list, conn);

struct tunnel {
	struct event_base	*base;
	struct sshloop		*loop;
	const struct cliconf	*conf;
	int			 native;	/* the far end is a sockstund */
	struct spares		 spares;
	struct helper		 helper;	/* where it is not */
	struct farend_list	 lookups;	/* wait for their turn */
	size_t			 nlookups;	/* have it */
	struct conn_list	 conns;
	uint64_t		 last_id;
	size_t			 nassocs;	/* UDP associations */
	struct udpsock_pool	*udp;		/* of theirs; NULL: none yet */
	u_char			*datagram;	/* room for one, or NULL */
	int			 told_forward;	/* what BIND without it means */
};

void	tunnel_init(struct tunnel *, struct event_base *, struct sshloop *,
	    const struct cliconf *, int);
void	tunnel_clear(struct tunnel *);

#endif
