/* SPDX-License-Identifier: ISC */
/*
 * Where one user's traffic may go: what the configuration denies, then what
 * it and the user's key permit, which must both, and then which special
 * addresses must be named (destrules_guard).  With none of these all is
 * permitted.
 */
#ifndef DESTRULES_H
#define DESTRULES_H

#include <sys/types.h>
#include <netinet/in.h>
#include <stdint.h>

#include "addr.h"
#include "localaddr.h"
#include "ruleset.h"

struct conf_list;

enum destrules_set {
	DESTRULES_DENY,		/* DenyOpen */
	DESTRULES_CONF,		/* PermitOpen */
	DESTRULES_KEY,		/* permitopen= of the key */
	DESTRULES_N
};

/* What is asked about a destination. */
enum dest_use {
	DEST_SEND,		/* may one send to host and port? */
	DEST_PEER,		/* may it connect to here, from any port? */
	DEST_TELL		/* may one be told of it? */
};

#define DESTRULES_CACHE	1024
#define DESTRULES_WHY	256	/* bytes of a reason */

/* A place of the cache: an address, and whether the rules permit it. */
struct destrules_cached {
	struct in6_addr	 addr;
	uint16_t	 port;
	u_char		 type;		/* enum addr_type; 0: free */
	u_char		 permitted;
};

/* What each set says of a destination as it was named. */
struct destverdict {
	enum ruleset_verdict	 by[DESTRULES_N];
	enum dest_use		 use;
	int			 localhost;	/* by that name, by a rule */
	char			 why[DESTRULES_WHY];
};

struct destrules {
	struct ruleset	*set[DESTRULES_N];	/* NULL: no rules */
	int		 off;			/* AllowTcpForwarding no */
	int		 guarded;
	int		 permit_local;		/* PermitLocal */
	struct localaddr local;
	struct destverdict datagram;		/* of the last one refused */
	int64_t		 cached_until;		/* ns, monotonic */
	struct destrules_cached cache[DESTRULES_CACHE];
};

void		 destrules_init(struct destrules *, int);
void		 destrules_load(struct destrules *, enum destrules_set,
		    const struct conf_list *);
void		 destrules_guard(struct destrules *, int);
int		 destrules_guards_broadcast(const struct destrules *);
void		 destrules_clear(struct destrules *);
const char	*destrules_none(const struct destrules *);
const char	*destrules_check(const struct destrules *,
		    const struct addr *, enum dest_use, struct destverdict *);
const char	*destrules_check_addr(struct destrules *,
		    struct destverdict *, const struct addr *);
int		 destrules_pass(struct destrules *, const struct addr *,
		    const char **);

#endif
