/* SPDX-License-Identifier: ISC */
/* Which addresses are this host's, and at which others reach it. */
#ifndef LOCALADDR_H
#define LOCALADDR_H

#include <sys/types.h>
#include <stdint.h>

#include "addr.h"

/* A socket to ask the kernel by. */
struct localaddr {
	int		fd;
	uint32_t	seq;		/* of the last question */
};

/* Where the kernel sends what goes to an address. */
enum localaddr_kind {
	LOCALADDR_ELSEWHERE,	/* or nowhere */
	LOCALADDR_OWN,		/* to this host itself */
	LOCALADDR_BROADCAST	/* to everybody on a link */
};

int	localaddr_open(struct localaddr *);
void	localaddr_close(struct localaddr *);
int	localaddr_ask(struct localaddr *, const struct addr *);
int	localaddr_towards(const struct addr *, struct addr *);
void	localaddr_public(enum addr_type, struct addr *);
void	localaddr_loopback(enum addr_type, struct addr *);

#endif
