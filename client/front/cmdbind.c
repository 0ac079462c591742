/* SPDX-License-Identifier: ISC */
/*
 * BIND: the far end waits for one connection.  Its first answer says where,
 * the second who has come; then the two are joined:
 *
 *	asking --> first reply --> waiting --> second reply --> flow
 *
 * The client's going ends the wait.
 */
#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "addr.h"
#include "commands.h"
#include "conn.h"
#include "farend.h"
#include "socks.h"

/* Keeps early data; a client that goes, or half goes, waits no more. */
static void
cmdbind_readable(struct conn *c)
{
	ssize_t n = conn_read(c);

	if (n == 0 || (n == -1 && errno != EAGAIN && errno != ENOBUFS))
		conn_free(c);
}

/* The far end waits there. */
static void
cmdbind_bound(struct conn *c, const struct addr *bnd)
{
	if (!conn_can_tell(c, bnd))
		conn_fail(c, SOCKS_REP_GENERAL, "SOCKS4 has no form for the "
		    "far end's address");
	else if (conn_tell(c, bnd) == -1)
		conn_free(c);
	else
		farend_await(&c->ask);
}

/* The peer has come: what it sent already goes to the client. */
static void
cmdbind_connected(struct conn *c, const struct farend_answer *answer)
{
	struct farend_answer told = *answer;

	if (!conn_can_tell(c, &answer->bnd))
		memset(&told.bnd, 0, sizeof(told.bnd));
	conn_join(c, &told);
}

static void
cmdbind_granted_cb(struct conn *c, const struct farend_answer *answer)
{
	if (answer->result == FAREND_BOUND)
		cmdbind_bound(c, &answer->bnd);
	else
		cmdbind_connected(c, answer);
}

/* Waits at the far end for a connection to the client. */
void
cmdbind_start(struct conn *c)
{
	c->readable = cmdbind_readable;
	conn_ask(c, SOCKS_CMD_BIND, &c->dst, cmdbind_granted_cb);
}
