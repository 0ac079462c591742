/* SPDX-License-Identifier: ISC */
/*
 * A stream on which one SOCKS5 request is served: what comes early is kept
 * until there is somebody to take it, and replies are sent in their order.
 */
#ifndef SERVED_H
#define SERVED_H

#include <sys/types.h>

#include "buf.h"
#include "flow.h"
#include "socks.h"
#include "stream.h"

struct addr;

#define SERVED_EARLY_MAX	16384	/* bytes; then the client must wait */
#define SERVED_REPLIES_MAX	(2 * SOCKS5_MESSAGE_MAX)

/* The client ended before its request did; below any enum socks_error. */
#define SERVED_EEND		(-100)

struct served {
	struct event_base	*base;
	struct stream		*stream; /* NULL: none yet, or given away */
	struct flow		*flow;	/* to which it was given, if it was */
	int			 reads;	/* early bytes are wanted */
	struct buf		 early;
	struct buf		 first;	/* BIND's first reply, if unsent */
};

void	 served_init(struct served *, struct event_base *);
void	 served_clear(struct served *);
ssize_t	 served_read_request(struct served *, struct socks_request *);
void	 served_wait(struct served *);
int	 served_event(struct served *, enum stream_event);
int	 served_bound(struct served *, const struct addr *);
size_t	 served_last_reply(const struct served *, u_char *, enum socks_rep,
	    const struct addr *);
int	 served_relay(struct served *, struct stream *, const struct addr *,
	    flow_done_cb *, void *);

#endif
