/* SPDX-License-Identifier: ISC */
/* What holds a process even without its filter of system calls. */
#ifndef ENCLOSE_H
#define ENCLOSE_H

/* What was not to be had. */
#define ENCLOSE_NO_ROOT		0x01
#define ENCLOSE_NO_LANDLOCK	0x02

int	 enclose_inherited(int);
int	 enclose_enter(int, int *);

#endif
