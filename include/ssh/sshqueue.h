/* SPDX-License-Identifier: ISC */
/*
 * The queue that a connection causes on its path, and the rate beyond which
 * it would cause a longer one than it may.
 */
#ifndef SSHQUEUE_H
#define SSHQUEUE_H

#include <sys/types.h>
#include <stdint.h>

struct tcppath;

enum sshqueue_state {
	SSHQUEUE_FREE,		/* as fast as TCP likes */
	SSHQUEUE_HELD,		/* at the rate of the path */
	SSHQUEUE_RIVAL		/* the queue is not ours: free for a while */
};

struct sshqueue {
	int64_t			 bound;		/* ns a byte may wait there */
	enum sshqueue_state	 state;
	double			 rate;		/* bytes a second, when held */
	double			 path;		/* what the path does */
	double			 proven;	/* and did without a rival */
	int64_t			 queue;		/* ns, at the last look */
	int64_t			 trips[2];	/* ns, shortest of this period
						 * and the last; 0: none yet */
	int64_t			 period;	/* began then, ns */
	int64_t			 began;		/* the measurement; 0: none */
	int64_t			 takes;		/* ns */
	uint32_t		 delivered;	/* segments, when it began */
	int			 empty;		/* in a row without a queue */
	int			 stubborn;	/* beyond the bound, and stays */
	int64_t			 until;		/* a rival is let alone */
};

void	 sshqueue_init(struct sshqueue *, int64_t);
void	 sshqueue_pause(struct sshqueue *);
double	 sshqueue_look(struct sshqueue *, const struct tcppath *, int64_t);

#endif
