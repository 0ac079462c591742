/* SPDX-License-Identifier: ISC */
/* Many waits that may all take the same time. */
#ifndef DEADLINES_H
#define DEADLINES_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

struct event;
struct event_base;

/* Embedded in what waits.  All zero, it has no deadline. */
struct deadline {
	TAILQ_ENTRY(deadline)	 entry;
	struct deadlines	*all;		/* NULL: none is set */
	int64_t			 at;		/* ns, monotonic */
	void			*arg;
};

/* That wait is over its time; its deadline is set no more. */
typedef void deadlines_cb(void *);

struct deadlines {
	TAILQ_HEAD(, deadline)	 waiting;	/* the first is due first */
	struct event		*ev;
	int			 seconds;
	deadlines_cb		*cb;
};

int	deadlines_init(struct deadlines *, struct event_base *, int,
	    deadlines_cb *);
void	deadlines_clear(struct deadlines *);
void	deadline_set(struct deadline *, struct deadlines *, void *);
void	deadline_stop(struct deadline *);

#endif
