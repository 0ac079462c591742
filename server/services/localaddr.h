/* SPDX-License-Identifier: ISC */
/* Which of this host's addresses others reach it at. */
#ifndef LOCALADDR_H
#define LOCALADDR_H

#include "addr.h"

int	localaddr_towards(const struct addr *, struct addr *);
void	localaddr_public(enum addr_type, struct addr *);
void	localaddr_loopback(enum addr_type, struct addr *);

#endif
