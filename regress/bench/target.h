/* SPDX-License-Identifier: ISC */
/*
 * What the flows of a measurement are connected to: a process of its own that
 * does what the first byte of each connection says.
 */
#ifndef TARGET_H
#define TARGET_H

#include <sys/types.h>
#include <stdatomic.h>
#include <stdint.h>

#define TARGET_ECHO	'E'	/* sends back what follows */
#define TARGET_SOURCE	'S'	/* sends zeros until the peer closes */
#define TARGET_SINK	'K'	/* counts what follows */

struct target {
	uint16_t	 port;
	pid_t		 pid;		/* 0: it is not ours */
	_Atomic uint64_t *sunk;		/* bytes, shared with the process */
};

void	 target_start(struct target *, uint16_t, const char *);
void	 target_join(struct target *, uint16_t, const char *);
void	 target_stop(struct target *);

#endif
