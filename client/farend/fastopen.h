/* SPDX-License-Identifier: ISC */
/*
 * Channels to sockstund that are open before they are wanted, so that a
 * request and the first bytes leave in one flight.
 */
#ifndef FASTOPEN_H
#define FASTOPEN_H

#include <sys/types.h>
#include <sys/queue.h>

struct spare;
struct sshloop;
struct stream;

TAILQ_HEAD(spare_list, spare);

struct fastopen {
	struct sshloop		*loop;
	struct spare_list	 ready;
	struct spare_list	 opening;
	size_t			 nspares;	/* ready and opening */
	size_t			 wanted;
};

void		 fastopen_init(struct fastopen *, struct sshloop *, size_t);
void		 fastopen_clear(struct fastopen *);
struct stream	*fastopen_take(struct fastopen *);

#endif
