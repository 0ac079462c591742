/* SPDX-License-Identifier: ISC */
/*
 * Where each command of SOCKS begins: the request is in the connection, which
 * is the command's until it ends with one of conn.h's last words.  The
 * connection may be gone when these return.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "socks.h"

struct conn;

void	cmdconnect_start(struct conn *);
void	cmdbind_start(struct conn *);
void	cmdresolve_start(struct conn *, enum socks_cmd);
void	cmdudp_start(struct conn *);

#endif
