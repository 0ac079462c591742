/* SPDX-License-Identifier: ISC */
/*
 * How fast a session's connection drains, and from that how much may wait
 * unsent: a few milliseconds' worth.
 */
#ifndef SSHPACE_H
#define SSHPACE_H

#include <sys/types.h>
#include <stdint.h>

#include "sshqueue.h"

struct sshpace {
	int		 fd;
	size_t		 quantum;	/* bytes of one turn */
	int		 backlog;	/* bytes that may wait in the kernel */
	double		 rate;		/* bytes a second; 0: not known yet */
	int		 measuring;	/* something has waited ever since */
	int64_t		 lull;		/* nothing has since; 0: it does */
	int64_t		 since;		/* ns */
	uint64_t	 sent;		/* bytes, by then */
	int64_t		 held_up;	/* ns, by then: see tcppath */
	double		 limit;		/* bytes a second that the kernel may
					 * send; 0: as it likes */
	struct sshqueue	 queue;		/* on the path; set its bound */
};

void	sshpace_init(struct sshpace *, int);
int	sshpace_may_send(const struct sshpace *);
void	sshpace_note(struct sshpace *, uint64_t, int);

#endif
