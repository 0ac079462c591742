/* SPDX-License-Identifier: ISC */
/* The channels of one authenticated client, from asking to the last byte. */
#ifndef NETFLOW_H
#define NETFLOW_H

#include <sys/types.h>
#include <sys/tree.h>
#include <stdint.h>

#include <libssh/libssh.h>

#include "deadlines.h"
#include "netsession.h"
#include "ratelimit.h"

struct event_base;
struct priv;
struct priv_ops;
struct privsep_request;
struct sshloop;

enum netflow_kind {
	NETFLOW_NATIVE,		/* a sockstun's; its opening is the request */
	NETFLOW_SPARE,		/* a sockstun's; the request comes on it */
	NETFLOW_FOREIGN		/* any other client's */
};

RB_HEAD(netflow_tree, netflow);

struct netflows {
	struct event_base	*base;
	struct sshloop		*loop;
	struct priv		*priv;
	struct netflow_tree	 asked;		/* not answered yet, by id */
	struct deadlines	 answers;	/* of the dialer */
	struct deadlines	 peers;		/* its answers to BIND */
	size_t			 nunopened;	/* of them without a channel */
	size_t			 max;		/* channels and those */
	struct netsessions	 sessions;
	const char		*who;		/* for the log; the caller's */
	struct ratelimit	 lines;		/* about odd requests */
	uint32_t		 last_id;
};

int	netflows_init(struct netflows *, struct event_base *, struct priv *,
	    size_t, int, const char *);
void	netflows_clear(struct netflows *);
int	netflows_open(struct netflows *, ssh_message, enum netflow_kind,
	    const struct privsep_request *);

/* What the dialer says goes to the flows: to be given to priv_start(). */
extern const struct priv_ops netflows_priv_ops;

#endif
