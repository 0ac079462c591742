/* SPDX-License-Identifier: ISC */
/*
 * One connection of a SOCKS client: the conversation until its flow stands,
 * and what is said of the flow afterwards.
 */
#ifndef SOCKSCONN_H
#define SOCKSCONN_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "fastopen.h"

struct event_base;
struct socksconn;
struct sshloop;

TAILQ_HEAD(socksconn_list, socksconn);

/* What the connections of one session share. */
struct tunnel {
	struct event_base	*base;
	struct sshloop		*loop;
	int			 native;	/* the far end is a sockstund */
	struct fastopen		 fastopen;
	struct socksconn_list	 conns;
	uint64_t		 last_id;
};

void	tunnel_init(struct tunnel *, struct event_base *, struct sshloop *,
	    int, size_t);
void	tunnel_clear(struct tunnel *);
void	socksconn_new(struct tunnel *, int, const char *);

#endif
