/* SPDX-License-Identifier: ISC */
/*
 * CONNECT: resolves, connects to the first permitted address that answers,
 * and hands the socket over, all within ConnectTimeout.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "connect.h"
#include "kinds.h"
#include "lookup.h"
#include "monotime.h"
#include "services.h"
#include "socks.h"

struct connserv {
	struct service	 sv;		/* first: the two are cast */
	struct lookup	 lookup;
	struct connect	*connect;
	int64_t		 deadline;	/* ns, monotonic */
};

static void
connserv_stop(struct service *sv)
{
	struct connserv *c = (struct connserv *)sv;

	lookup_stop(&c->lookup);
	connect_cancel(c->connect);
}

static void
connserv_connect_cb(int fd, int error, void *arg)
{
	struct connserv *c = arg;
	struct addr bnd;

	c->connect = NULL;
	if (fd != -1) {
		addr_of_socket(&bnd, fd);
		service_done(&c->sv, "connected", &bnd, fd);
	} else if (error == EACCES && c->lookup.refused != NULL)
		service_fail(&c->sv, SOCKS_REP_RULESET, c->lookup.refused);
	else
		service_fail_errno(&c->sv, error);
}

/* What is left until the deadline, at least a microsecond. */
static struct timeval
connserv_time_left(const struct connserv *c)
{
	int64_t left = (c->deadline - monotime_ns()) / 1000;
	struct timeval tv;

	if (left < 1)
		left = 1;
	tv.tv_sec = left / 1000000;
	tv.tv_usec = left % 1000000;
	return tv;
}

static int
connserv_filter(const struct addrinfo *ai, void *arg)
{
	struct connserv *c = arg;

	return lookup_filter(&c->lookup, ai);
}

static void
connserv_lookup_cb(enum socks_rep rep, const char *reason,
    const struct addrinfo *list, void *arg)
{
	struct connserv *c = arg;
	struct timeval left = connserv_time_left(c);
	struct services *env = c->sv.env;

	if (rep != SOCKS_REP_OK) {
		service_fail(&c->sv, rep, reason);
		return;
	}
	if (c->sv.dst.port == 0) {
		service_fail_errno(&c->sv, EADDRNOTAVAIL);
		return;
	}
	c->connect = connect_start(env->base, list, env->dial_timeout > 0 ?
	    &left : NULL, connserv_filter, connserv_connect_cb, c);
	if (c->connect == NULL)
		service_fail_errno(&c->sv, ENOMEM);
}

static void
connserv_start(struct service *sv)
{
	struct connserv *c = (struct connserv *)sv;

	c->deadline = monotime_ns() +
	    sv->env->dial_timeout * MONOTIME_SECOND;
	lookup_start(&c->lookup, sv->env, &sv->dst, AF_UNSPEC, DEST_SEND,
	    connserv_lookup_cb, c);
}

const struct service_kind connserv_kind = {
	.cmd = SOCKS_CMD_CONNECT,
	.name = "connect",
	.size = sizeof(struct connserv),
	.start = connserv_start,
	.stop = connserv_stop,
};
