/* SPDX-License-Identifier: ISC */
/* Giving up the capabilities of a process before it executes a program. */
#ifndef RENOUNCE_H
#define RENOUNCE_H

void	 renounce_prepare(void);
int	 renounce_all_but_chroot(void);

#endif
