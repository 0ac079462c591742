/* SPDX-License-Identifier: ISC */
/* The commands of SOCKS. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "conn.h"

/* All that there are; the last has no start. */
extern const struct command commands[];

void	cmdconnect_start(struct conn *);
void	cmdbind_start(struct conn *);
void	cmdresolve_start(struct conn *);
void	cmdresolve_start_ptr(struct conn *);
void	cmdudp_start(struct conn *);

#endif
