/* SPDX-License-Identifier: ISC */
/*
 * Where each command of SOCKS begins: the request is in the connection, which
 * is the command's until it ends with one of socksconn.h's last words.  The
 * connection may be gone when these return.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "socks.h"

struct socksconn;

void	cmdconnect_start(struct socksconn *);
void	cmdbind_start(struct socksconn *);
void	cmdresolve_start(struct socksconn *, enum socks_cmd);
void	udpassoc_start(struct socksconn *);

#endif
