/* SPDX-License-Identifier: ISC */
/* CONNECT: the client and its destination, joined by the far end. */
#include <sys/types.h>

#include "commands.h"
#include "conn.h"
#include "farend.h"
#include "socks.h"

/* Connects the client to its destination. */
void
cmdconnect_start(struct conn *c)
{
	conn_ask(c, SOCKS_CMD_CONNECT, &c->dst, conn_join);
}
