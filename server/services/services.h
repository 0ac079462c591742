/* SPDX-License-Identifier: ISC */
/*
 * What the far end does for a client: a service for each of CONNECT, BIND, UDP
 * ASSOCIATE, RESOLVE and RESOLVE_PTR takes one request to its replies.  They
 * run in sockstund's dialer and in sockstun-server, with the user's rights;
 * whom the replies go to, and in which form, is the owner's to know.
 */
#ifndef SERVICES_H
#define SERVICES_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "addr.h"
#include "ratelimit.h"
#include "socks.h"

struct destrules;
struct event_base;
struct resolver;
struct service;
struct service_kind;
struct stream;
struct udpsock_pool;

TAILQ_HEAD(service_list, service);

/* Where services run, for whom, and within which limits. */
struct services {
	const struct service_kind *const *kinds;
	struct event_base	*base;
	struct resolver		*resolver;
	struct udpsock_pool	*udp;
	struct destrules	*rules;
	const char		*who;		/* for the log */
	const char		*from;		/* where that is; or NULL */
	struct ratelimit	 refusals;	/* lines about them */
	int			 dial_timeout;	/* seconds; 0: none */
	int			 udp_timeout;	/* seconds; 0: none */
	size_t			 max_udp;	/* associations at once */
	int			 gateway;	/* BIND beyond loopback */
	size_t			 nudp;
	struct service_list	 list;
};

/* The last word of a service. */
struct service_reply {
	enum socks_rep	 rep;
	struct addr	 bnd;
	const char	*reason;	/* as it was logged */
	int		 fd;		/* a connected socket, or -1 */
};

/* A stream for datagrams, and what was read from it already. */
struct service_link {
	struct stream	*stream;
	const void	*early;
	size_t		 len;
};

struct service_ops {
	/* BIND waits for its peer at this address. */
	void	(*bound)(struct service *, const struct addr *);
	/*
	 * UDP has a socket at this address: gives the stream on which frames
	 * shall go, the service's from now on.  Returns 0, or -1.
	 */
	int	(*link)(struct service *, const struct addr *,
		    struct service_link *);
	/*
	 * How it came out; the descriptor is the callee's.  After link: the
	 * association is over.  The service is gone after the call.
	 */
	void	(*done)(struct service *, const struct service_reply *);
};

/* How one command is served. */
struct service_kind {
	enum socks_cmd	 cmd;
	const char	*name;		/* for the log */
	size_t		 size;		/* of what begins with the service */
	/* The service may be gone when this returns. */
	void		(*start)(struct service *);
	/* Gives up what the kind has. */
	void		(*stop)(struct service *);
};

struct service {
	TAILQ_ENTRY(service)	 entry;
	struct services		*env;
	const struct service_kind *kind;
	const struct service_ops *ops;
	void			*arg;		/* the owner's */
	struct addr		 dst;
	/* For the log: "flow 17: connect for alice", and dst. */
	char			 subject[320];
	char			 to[ADDR_STRLEN];
};

void		 services_init(struct services *,
		    const struct service_kind *const *);
void		 services_clear(struct services *);
struct service	*service_new(struct services *, int, const struct addr *,
		    const struct service_ops *, void *);
void		 service_start(struct service *, uint32_t);
void		 service_cancel(struct service *);

/* For the files of the kinds alone. */
void		 service_done(struct service *, const char *,
		    const struct addr *, int);
void		 service_fail(struct service *, enum socks_rep, const char *);
void		 service_refuse(struct service *, enum socks_rep,
		    const char *);
void		 service_fail_errno(struct service *, int);
void		 service_over(struct service *, enum socks_rep, const char *);

#endif
