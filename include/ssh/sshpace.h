/* SPDX-License-Identifier: ISC */
/*
 * How fast a session's connection drains, and from that how much may wait
 * unsent: a few milliseconds' worth.
 */
#ifndef SSHPACE_H
#define SSHPACE_H

#include <sys/types.h>
#include <stdint.h>

struct sshpace {
	int		 fd;
	size_t		 quantum;	/* bytes of one turn */
	int		 backlog;	/* bytes that may wait in the kernel */
	double		 rate;		/* bytes a second; 0: not known yet */
	int		 measuring;	/* something has waited ever since */
	int64_t		 since;		/* ns */
	uint64_t	 sent;		/* bytes, by then */
};

void	sshpace_init(struct sshpace *, int);
void	sshpace_note(struct sshpace *, uint64_t, int);

#endif
