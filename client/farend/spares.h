/* SPDX-License-Identifier: ISC */
/*
 * Channels to sockstund that are open before they are wanted, so that a
 * request and the first bytes leave in one flight.
 */
#ifndef SPARES_H
#define SPARES_H

#include <sys/types.h>
#include <sys/queue.h>

#include "deadlines.h"

struct event_base;
struct sshloop;
struct stream;

TAILQ_HEAD(spare_list, spare);

struct spares {
	struct sshloop		*loop;
	struct spare_list	 ready;
	struct spare_list	 opening;
	size_t			 nspares;	/* ready and opening */
	size_t			 wanted;	/* to be kept ready */
	struct deadlines	 replies;
};

int		 spares_init(struct spares *, struct event_base *,
		    struct sshloop *, size_t, int);
void		 spares_clear(struct spares *);
struct stream	*spares_take(struct spares *);

#endif
