/* SPDX-License-Identifier: ISC */
/* The channels of one authenticated client, from asking to the last byte. */
#ifndef NETFLOW_H
#define NETFLOW_H

#include <sys/types.h>
#include <sys/tree.h>
#include <stdint.h>

#include <libssh/libssh.h>

struct addr;
struct event_base;
struct priv;
struct priv_dialed;
struct netflow;
struct sshloop;

RB_HEAD(netflow_tree, netflow);

struct netflows {
	struct event_base	*base;
	struct sshloop		*loop;
	struct priv		*priv;
	struct netflow_tree	 dials;		/* not answered yet, by id */
	size_t			 ndials;	/* of them without a channel */
	size_t			 max;		/* channels and dials at once */
	size_t			 nsessions;	/* "session" channels */
	uint32_t		 last_id;
};

void	netflows_init(struct netflows *, struct event_base *, struct priv *,
	    size_t);
void	netflows_clear(struct netflows *);
void	netflows_open_service(struct netflows *, ssh_message, const char *,
	    uint16_t, const char *);
int	netflows_open_foreign(struct netflows *, ssh_message, const char *,
	    uint16_t, const char *, uint16_t);
void	netflows_bound(uint32_t, const struct addr *, void *);
void	netflows_dialed(const struct priv_dialed *, void *);

#endif
