/* SPDX-License-Identifier: ISC */
/*
 * Where one user's traffic may go: the rules of the configuration and those
 * of the user's key, which must both permit.  With none of them all is
 * permitted.
 */
#ifndef DESTRULES_H
#define DESTRULES_H

#include <sys/types.h>
#include <netinet/in.h>
#include <stdint.h>

#include "ruleset.h"

struct addr;
struct conf_list;

enum destrules_set {
	DESTRULES_CONF,		/* PermitOpen */
	DESTRULES_KEY,		/* permitopen= of the key */
	DESTRULES_N
};

#define DESTRULES_CACHE	1024

/* A place of the cache: an address, and whether the rules permit it. */
struct destrules_cached {
	struct in6_addr	 addr;
	uint16_t	 port;
	u_char		 type;		/* enum addr_type; 0: free */
	u_char		 permitted;
};

struct destrules {
	struct ruleset	*set[DESTRULES_N];	/* NULL: permits all */
	int		 off;			/* AllowTcpForwarding no */
	struct destrules_cached cache[DESTRULES_CACHE];
};

/* What each set says of a destination as it was named. */
struct destverdict {
	enum ruleset_verdict	 by[DESTRULES_N];
	int			 any_port;
};

void		 destrules_init(struct destrules *, int);
void		 destrules_load(struct destrules *, enum destrules_set,
		    const struct conf_list *);
void		 destrules_clear(struct destrules *);
const char	*destrules_none(const struct destrules *);
const char	*destrules_check(const struct destrules *,
		    const struct addr *, int, struct destverdict *);
const char	*destrules_check_addr(const struct destrules *,
		    const struct destverdict *, const struct addr *);
int		 destrules_pass(struct destrules *, const struct addr *,
		    int *);

#endif
