/* SPDX-License-Identifier: ISC */
/* A setting of the C library's that must be in the environment at exec. */
#ifndef GLIBCTUNE_H
#define GLIBCTUNE_H

/* For the environment of a program to be executed, or NULL. */
const char	*glibctune_variable(void);
void		 glibctune_reexec(char *const []);

#endif
