/* SPDX-License-Identifier: ISC */
/* The last thing sockstund-net does before it listens to a stranger. */
#ifndef SANDBOX_H
#define SANDBOX_H

int	 sandbox_net_enter(int, int *);
int	 sandbox_net_grow(void);

#endif
