/* SPDX-License-Identifier: ISC */
/* What a running sockstun answers on its control socket. */
#ifndef ANSWERS_H
#define ANSWERS_H

#include "control.h"

struct clients;
struct listeners;
struct session;

/* What is told of, and what may be ordered. */
struct answers {
	struct session		*session;
	struct clients		*clients;
	const struct listeners	*listeners;
	void			(*stop)(void *);	/* no more clients */
	void			(*exit)(void *);	/* now */
	void			*arg;
};

extern const struct control_command answers_commands[];

#endif
