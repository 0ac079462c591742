/* SPDX-License-Identifier: ISC */
/* Processes of a connection that were stopped, or outlived it. */
#ifndef STRAGGLERS_H
#define STRAGGLERS_H

#include <sys/types.h>
#include <sys/queue.h>
#include <signal.h>

#include "deadlines.h"

struct event_base;

struct stragglers {
	TAILQ_HEAD(, straggler)	 list;
	struct deadlines	 orphans;	/* have to end */
	struct deadlines	 stopped;	/* have to go on */
};

int	stragglers_init(struct stragglers *, struct event_base *);
void	stragglers_clear(struct stragglers *);
void	stragglers_note(struct stragglers *, const siginfo_t *);

#endif
