/* SPDX-License-Identifier: ISC */
/*
 * RESOLVE and RESOLVE_PTR, as Tor has them: one reply, whose address is the
 * answer, and the end.
 */
#include <sys/types.h>

#include <stddef.h>

#include "addr.h"
#include "commands.h"
#include "conn.h"
#include "farend.h"
#include "socks.h"
#include "stream.h"

/* With this port a RESOLVE wants an IPv4 address (sockstun-protocol(7)). */
#define CMDRESOLVE_IPV4		4

static void
cmdresolve_tell(struct conn *c, struct addr *found)
{
	found->port = 0;
	if (conn_can_tell(c, found))
		conn_end(c, SOCKS_REP_OK, found);
	else
		conn_fail(c, SOCKS_REP_HOST, "SOCKS4 has no form for the "
		    "address");
}

static void
cmdresolve_granted_cb(struct conn *c, const struct farend_answer *answer)
{
	struct addr found = answer->bnd;

	if (answer->stream != NULL)
		answer->stream->ops->close(answer->stream, STREAM_CLOSE);
	/* A name is asked for its address, and an address for its name. */
	if ((found.type == ADDR_NAME) == (c->dst.type == ADDR_NAME))
		conn_fail(c, SOCKS_REP_GENERAL,
		    "the far end's answer is of the wrong kind");
	else
		cmdresolve_tell(c, &found);
}

/* Finds the address of a name. */
void
cmdresolve_start(struct conn *c)
{
	static const struct addr ipv6 = { .type = ADDR_IPV6 };

	if (!conn_can_tell(c, &ipv6))
		c->dst.port = CMDRESOLVE_IPV4;
	if (c->dst.type == ADDR_NAME)
		conn_ask(c, SOCKS_CMD_RESOLVE, &c->dst, cmdresolve_granted_cb);
	else
		cmdresolve_tell(c, &c->dst);
}

/* Finds the name of an address. */
void
cmdresolve_start_ptr(struct conn *c)
{
	if (c->dst.type == ADDR_NAME)
		conn_fail(c, SOCKS_REP_ATYP, "it is no address");
	else
		conn_ask(c, SOCKS_CMD_RESOLVE_PTR, &c->dst,
		    cmdresolve_granted_cb);
}
