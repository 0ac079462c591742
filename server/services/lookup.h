/* SPDX-License-Identifier: ISC */
/*
 * One destination under the rules, and the addresses that it has.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <sys/types.h>

#include "addr.h"
#include "destrules.h"
#include "socks.h"

struct addrinfo;
struct event;
struct resolver_query;
struct services;

/*
 * SOCKS_REP_OK and the addresses, which are gone after the call and of which
 * lookup_filter says which may be used; or a failure and its reason.
 */
typedef void lookup_cb(enum socks_rep, const char *,
    const struct addrinfo *, void *);

struct lookup {
	struct services		*env;
	struct destverdict	 verdict;
	const char		*refused;	/* why, of some address */
	struct resolver_query	*query;
	struct event		*ev_timeout;
	lookup_cb		*cb;
	void			*arg;
};

void	 lookup_start(struct lookup *, struct services *,
	    const struct addr *, int, enum dest_use, lookup_cb *, void *);
void	 lookup_stop(struct lookup *);
enum socks_rep lookup_rep(int, const char **);
int	 lookup_filter(struct lookup *, const struct addrinfo *);

#endif
