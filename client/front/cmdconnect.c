/* SPDX-License-Identifier: ISC */
/* CONNECT: the client and its destination, joined by the far end. */
#include <sys/types.h>

#include "commands.h"
#include "conn.h"
#include "farend.h"
#include "socks.h"

static void
cmdconnect_answer_cb(const struct farend_answer *answer, void *arg)
{
	struct conn *c = arg;

	if (answer->result == FAREND_GRANTED)
		conn_join(c, answer);
	else
		conn_pass_refusal(c, answer);
}

/* Connects the client to its destination. */
void
cmdconnect_start(struct conn *c)
{
	conn_ask(c, SOCKS_CMD_CONNECT, &c->dst, cmdconnect_answer_cb);
}
