/* SPDX-License-Identifier: ISC */
/*
 * The names that datagrams of one association are sent to: each is looked up
 * once and kept for a while, and what is sent meanwhile waits.
 */
#ifndef UDPNAMES_H
#define UDPNAMES_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/tree.h>
#include <stdint.h>

#include "addr.h"

struct services;

RB_HEAD(udpname_tree, udpname);
TAILQ_HEAD(udpname_list, udpname);

struct udpnames_ops {
	/* A datagram for a name, to an address that the rules permit. */
	void	(*send)(const struct addr *, const void *, size_t, void *);
	/* A name that the rules do not permit, or none of its addresses. */
	void	(*refused)(const struct addr *, const char *, void *);
};

struct udpnames {
	struct services		*env;
	const struct udpnames_ops *ops;
	void			*arg;
	int			 family;	/* AF_UNSPEC, or AF_INET */
	struct udpname_tree	 names;
	struct udpname_list	 by_use;	/* the oldest first */
	size_t			 n;
	size_t			 nwaiting;	/* datagrams */
	size_t			 waiting;	/* bytes of them */
	uint64_t		 dropped;	/* datagrams */
	uint64_t		 refused;
};

void	udpnames_init(struct udpnames *, struct services *, int,
	    const struct udpnames_ops *, void *);
void	udpnames_clear(struct udpnames *);
void	udpnames_send(struct udpnames *, const struct addr *, const void *,
	    size_t);

#endif
