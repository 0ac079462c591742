/* SPDX-License-Identifier: ISC */
/* All SOCKS clients, and what their connections share. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <stdint.h>

#include "deadlines.h"

struct cliconf;
struct command;
struct dialect;
struct event_base;
struct farend;
struct listener;
struct udpsock_pool;

TAILQ_HEAD(conn_list, conn);

/* May be NULL; with "arg". */
typedef void clients_cb(void *);

struct clients {
	struct event_base	*base;
	const struct cliconf	*conf;
	const struct command	*commands;	/* ended by one without start */
	const struct dialect	*dialect;	/* that a client begins with */
	struct farend		*farend;	/* NULL: no session is up */
	struct deadlines	 requests;	/* to be made */
	struct deadlines	 answers;	/* to come from the far end */
	struct deadlines	 peers;		/* of BIND, to come to it */
	int			 may_come;	/* there may be one later */
	clients_cb		*want;	/* one lacks a session */
	clients_cb		*idle;	/* none is left */
	void			*arg;
	struct conn_list	 conns;
	struct conn_list	 waiting;	/* until a session is up */
	uint64_t		 last_id;	/* of a connection */
	size_t			 nassocs;	/* UDP associations */
	struct udpsock_pool	*udp;		/* for them; NULL: none yet */
	u_char			*datagram;	/* a buffer for one, or NULL */
};

int	clients_init(struct clients *, struct event_base *,
	    const struct cliconf *, const struct command *,
	    const struct dialect *);
void	clients_set_farend(struct clients *, struct farend *, int);
void	clients_accept_cb(struct listener *, int, const struct sockaddr *,
	    socklen_t, void *);
void	clients_clear(struct clients *);

#endif
