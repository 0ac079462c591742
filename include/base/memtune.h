/* SPDX-License-Identifier: ISC */
/* A setting of the C library's that must be in the environment at exec. */
#ifndef MEMTUNE_H
#define MEMTUNE_H

/* For the environment of a program to be executed, or NULL. */
const char	*memtune_variable(void);
void		 memtune_reexec(char *const []);

#endif
