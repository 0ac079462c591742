/* SPDX-License-Identifier: ISC */
/*
 * Whether the way to the peer still carries anything, known within seconds
 * after something was sent.
 */
#ifndef SSHPULSE_H
#define SSHPULSE_H

#include <sys/types.h>
#include <stdint.h>

struct sshpulse {
	uint64_t	 in;		/* bytes that had come and gone when */
	uint64_t	 out;		/* it was last looked */
	int		 waits;		/* for what was sent to be answered */
	int		 answered;	/* in part at least */
	int64_t		 since;		/* when any came or the first was sent */
	int64_t		 probed;	/* when, ns; 0: not while it waits */
};

struct tcppath;

enum sshpulse_verdict {
	SSHPULSE_CALM,		/* nothing is waited for */
	SSHPULSE_WAITING,
	SSHPULSE_ASK,		/* the peer must be made to answer */
	SSHPULSE_DEAD
};

int	 sshpulse_note(struct sshpulse *, uint64_t, uint64_t, int64_t);
enum sshpulse_verdict sshpulse_look(struct sshpulse *, int64_t,
	    const struct tcppath *);

#endif
