/* SPDX-License-Identifier: ISC */
/*
 * RESOLVE and RESOLVE_PTR, the commands of Tor's socks-extensions: one name or
 * address in, one reply out.  The rules are asked for the host alone, since
 * there is no port.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <netdb.h>

#include <event2/event.h>

#include "addr.h"
#include "destrules.h"
#include "eventloop.h"
#include "kinds.h"
#include "lookup.h"
#include "resolver.h"
#include "services.h"
#include "socks.h"

/* The port of a RESOLVE says which addresses are wanted. */
#define NAMESERV_ONLY_IPV4	4
#define NAMESERV_ONLY_IPV6	6

struct nameserv {
	struct service		 sv;		/* first: the two are cast */
	struct lookup		 lookup;
	struct resolver_query	*query;		/* of a RESOLVE_PTR */
	struct event		*ev_timeout;
};

static void
nameserv_stop(struct service *sv)
{
	struct nameserv *n = (struct nameserv *)sv;

	lookup_stop(&n->lookup);
	resolver_cancel(n->query);
	if (n->ev_timeout != NULL)
		event_free(n->ev_timeout);
}

static void
nameserv_lookup_cb(enum socks_rep rep, const char *reason,
    const struct addrinfo *list, void *arg)
{
	struct nameserv *n = arg;
	struct addr a;

	if (rep != SOCKS_REP_OK) {
		service_fail(&n->sv, rep, reason);
		return;
	}
	for (; list != NULL; list = list->ai_next) {
		if (lookup_filter(&n->lookup, list) == 0 &&
		    addr_from_sockaddr(&a, list->ai_addr) == 0)
			break;
	}
	if (list != NULL) {
		addr_unmap(&a);
		a.port = 0;
		service_done(&n->sv, "resolved", &a, -1);
	} else if (n->lookup.refused != NULL)
		service_fail(&n->sv, SOCKS_REP_RULESET, n->lookup.refused);
	else
		service_fail(&n->sv, SOCKS_REP_HOST,
		    "no address of a known family");
}

static void
nameserv_start(struct service *sv)
{
	struct nameserv *n = (struct nameserv *)sv;
	int family = AF_UNSPEC;

	if (sv->dst.port == NAMESERV_ONLY_IPV4)
		family = AF_INET;
	else if (sv->dst.port == NAMESERV_ONLY_IPV6)
		family = AF_INET6;
	lookup_start(&n->lookup, sv->env, &sv->dst, family, DEST_TELL,
	    nameserv_lookup_cb, n);
}

static void
nameserv_ptr_cb(int error, const char *name, void *arg)
{
	struct nameserv *n = arg;
	const char *reason;
	enum socks_rep rep = lookup_rep(error, &reason);
	struct addr a;

	n->query = NULL;
	if (rep != SOCKS_REP_OK)
		service_fail(&n->sv, rep, reason);
	/* It is whatever the owner of the zone put there. */
	else if (addr_parse_host(&a, name, 0) == -1 || a.type != ADDR_NAME)
		service_fail(&n->sv, SOCKS_REP_HOST,
		    "its name is not one of a host");
	else
		service_done(&n->sv, "resolved", &a, -1);
}

static void
nameserv_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	struct nameserv *n = arg;

	service_fail(&n->sv, SOCKS_REP_HOST, "name resolution timed out");
}

static int
nameserv_ask_name(struct nameserv *n, const struct addr *a)
{
	struct services *env = n->sv.env;
	struct timeval tv = { env->dial_timeout, 0 };

	if (tv.tv_sec > 0) {
		n->ev_timeout = evtimer_new(env->base, nameserv_timeout_cb,
		    n);
		if (n->ev_timeout == NULL ||
		    eventloop_watch(n->ev_timeout, &tv) == -1)
			return -1;
	}
	n->query = resolver_ask_name(env->resolver, a, nameserv_ptr_cb, n);
	return n->query == NULL ? -1 : 0;
}

static void
nameserv_start_ptr(struct service *sv)
{
	struct nameserv *n = (struct nameserv *)sv;
	struct addr a = sv->dst;
	struct destverdict v;
	const char *reason;

	addr_unmap(&a);
	reason = destrules_check(sv->env->rules, &a, DEST_TELL, &v);
	if (reason != NULL)
		service_fail(sv, SOCKS_REP_RULESET, reason);
	else if (a.type != ADDR_IPV4 && a.type != ADDR_IPV6)
		service_fail(sv, SOCKS_REP_ATYP, "not an address");
	else if (nameserv_ask_name(n, &a) == -1)
		service_fail_errno(sv, ENOMEM);
}

const struct service_kind nameserv_kind = {
	.cmd = SOCKS_CMD_RESOLVE,
	.name = "resolve",
	.size = sizeof(struct nameserv),
	.start = nameserv_start,
	.stop = nameserv_stop,
};

const struct service_kind nameserv_ptr_kind = {
	.cmd = SOCKS_CMD_RESOLVE_PTR,
	.name = "resolve",
	.size = sizeof(struct nameserv),
	.start = nameserv_start_ptr,
	.stop = nameserv_stop,
};
