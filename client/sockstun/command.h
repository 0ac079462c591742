/* SPDX-License-Identifier: ISC */
/* The command of `-- command`: runs while the proxy is up. */
#ifndef COMMAND_H
#define COMMAND_H

#include <sys/types.h>

pid_t	command_start(char *const [], const char *, int);
int	command_status(int);

#endif
