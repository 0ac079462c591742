/* SPDX-License-Identifier: ISC */
/* Does the other end of a pair still take messages? */
#ifndef BEAT_H
#define BEAT_H

#include <sys/types.h>
#include <stdint.h>

struct event;
struct event_base;
struct msgqueue;

#define BEAT_SECONDS	3	/* between two messages */
#define BEAT_MISSED	3	/* of the other side, and it is silent */

struct beat {
	struct event	*ev;
	struct msgqueue	*queue;
	uint32_t	 type;
	u_int		 missed;
	void		(*silent)(void *);
	void		*arg;
};

int	beat_start(struct beat *, struct event_base *, struct msgqueue *,
	    uint32_t, int, void (*)(void *), void *);
void	beat_heard(struct beat *);
void	beat_stop(struct beat *);

#endif
