/* SPDX-License-Identifier: ISC */
/*
 * RESOLVE and RESOLVE_PTR, as Tor has them: one reply, whose address is the
 * answer, and the end.
 */
#include <sys/types.h>

#include <stddef.h>

#include "addr.h"
#include "commands.h"
#include "farend.h"
#include "socks.h"
#include "conn.h"
#include "stream.h"

/* The port of a RESOLVE that wants IPv4 (sockstun-protocol(7)). */
#define CMDRESOLVE_IPV4		4

static void
cmdresolve_cancel(struct conn *c)
{
	farend_cancel(c->job);
}

static void
cmdresolve_tell(struct conn *c, struct addr *found)
{
	found->port = 0;
	if (conn_can_tell(c, found))
		conn_answer(c, found);
	else
		conn_failed(c, SOCKS_REP_HOST, "SOCKS4 has no form for "
		    "the address", "");
}

static void
cmdresolve_finish(struct conn *c, const struct farend_answer *answer,
    int is_good)
{
	struct addr found = answer->bnd;

	c->cancel = NULL;
	if (answer->stream != NULL)
		answer->stream->ops->close(answer->stream, STREAM_CLOSE);
	if (answer->rep != SOCKS_REP_OK)
		conn_failed(c, answer->rep, answer->text, answer->hint);
	else if (!is_good)
		conn_failed(c, SOCKS_REP_GENERAL,
		    "the far end's answer is of the wrong kind", "");
	else
		cmdresolve_tell(c, &found);
}

static void
cmdresolve_addr_cb(const struct farend_answer *answer, void *arg)
{
	cmdresolve_finish(arg, answer, answer->bnd.type == ADDR_IPV4 ||
	    answer->bnd.type == ADDR_IPV6);
}

static void
cmdresolve_name_cb(const struct farend_answer *answer, void *arg)
{
	cmdresolve_finish(arg, answer, answer->bnd.type == ADDR_NAME);
}

static void
cmdresolve_ask(struct conn *c, enum socks_cmd cmd, farend_cb *cb)
{
	if (!farend_serves(c->tunnel)) {
		conn_failed(c, SOCKS_REP_COMMAND, "no helper", "");
		return;
	}
	c->job = farend_ask(c->tunnel, cmd, &c->dst, cb, c);
	if (c->job == NULL)
		conn_failed(c, SOCKS_REP_GENERAL, "no channel", "");
	else
		c->cancel = cmdresolve_cancel;
}

/* Finds the address of a name, or the name of an address. */
void
cmdresolve_start(struct conn *c, enum socks_cmd cmd)
{
	int is_name = c->dst.type == ADDR_NAME;

	if (cmd == SOCKS_CMD_RESOLVE) {
		if (c->version == 4)
			c->dst.port = CMDRESOLVE_IPV4;
		if (is_name)
			cmdresolve_ask(c, cmd, cmdresolve_addr_cb);
		else
			cmdresolve_tell(c, &c->dst);
	} else if (c->version == 4)
		conn_failed(c, SOCKS_REP_COMMAND,
		    "SOCKS4 has no form for a name", "");
	else if (is_name)
		conn_failed(c, SOCKS_REP_ATYP, "it is no address", "");
	else
		cmdresolve_ask(c, cmd, cmdresolve_name_cb);
}
