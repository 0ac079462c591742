/* SPDX-License-Identifier: ISC */
/*
 * Messages on their way to another process, in their order: what the pair has
 * no room for waits.
 */
#ifndef MSGQUEUE_H
#define MSGQUEUE_H

#include <sys/types.h>
#include <sys/queue.h>

struct event;
struct event_base;
struct msg;

/* An errno that no second try can mend; what waited is given up. */
typedef void msgqueue_failed_cb(int, void *);

struct msgqueue {
	TAILQ_HEAD(, msgqueue_entry) waiting;
	size_t			 n;		/* of them */
	int			 fd;
	struct event		*ev_write;	/* NULL before it starts */
	struct event		*ev_retry;
	msgqueue_failed_cb	*failed;
	void			*arg;
};

void	 msgqueue_init(struct msgqueue *, int, msgqueue_failed_cb *, void *);
int	 msgqueue_start(struct msgqueue *, struct event_base *);
void	 msgqueue_send(struct msgqueue *, struct msg *);
void	 msgqueue_clear(struct msgqueue *);

#endif
