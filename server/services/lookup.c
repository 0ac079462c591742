/* SPDX-License-Identifier: ISC */
/*
 * From a destination to the addresses that may be used for it:
 *
 *	rules on the name -> resolver -> rules on each address
 *
 * What the addresses are for is not known here.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include <event2/event.h>

#include "addr.h"
#include "destrules.h"
#include "eventloop.h"
#include "lookup.h"
#include "resolver.h"
#include "services.h"
#include "socks.h"

/* Ends a lookup without its callback; may be called again. */
void
lookup_stop(struct lookup *l)
{
	resolver_cancel(l->query);
	l->query = NULL;
	if (l->ev_timeout != NULL)
		event_free(l->ev_timeout);
	l->ev_timeout = NULL;
}

/* Tells of a failure; the lookup may be gone when this returns. */
static void
lookup_fail(struct lookup *l, enum socks_rep rep, const char *reason)
{
	lookup_stop(l);
	l->cb(rep, reason, NULL, l->arg);
}

/*
 * May this address be used?  Returns 0, or an errno; the last reason of a
 * refusal by the rules, EACCES, is kept in the lookup.
 */
int
lookup_filter(struct lookup *l, const struct addrinfo *ai)
{
	struct addr a;
	const char *reason;

	if (addr_from_sockaddr(&a, ai->ai_addr) == -1)
		return EAFNOSUPPORT;
	addr_unmap(&a);
	reason = destrules_check_addr(l->env->rules, &l->verdict, &a);
	if (reason == NULL)
		return 0;
	l->refused = reason;
	return EACCES;
}

/* What an EAI_* code or 0 comes to, errno set with EAI_SYSTEM, and why. */
enum socks_rep
lookup_rep(int error, const char **reason)
{
	if (error == 0) {
		*reason = "resolved";
		return SOCKS_REP_OK;
	}
	*reason = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
	return error == EAI_SYSTEM || error == EAI_MEMORY ?
	    SOCKS_REP_GENERAL : SOCKS_REP_HOST;
}

static void
lookup_resolved_cb(int error, struct addrinfo *res, void *arg)
{
	struct lookup *l = arg;
	const char *reason;
	enum socks_rep rep = lookup_rep(error, &reason);

	l->query = NULL;
	lookup_stop(l);
	l->cb(rep, reason, res, l->arg);
	if (res != NULL)
		freeaddrinfo(res);
}

static void
lookup_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	lookup_fail(arg, SOCKS_REP_HOST, "name resolution timed out");
}

/* An address needs no resolver. */
static void
lookup_literal(struct lookup *l, const struct addr *dst)
{
	struct sockaddr_storage ss;
	struct addrinfo ai;
	socklen_t len;

	memset(&ai, 0, sizeof(ai));
	addr_to_sockaddr(dst, &ss, &len);
	ai.ai_family = ss.ss_family;
	ai.ai_socktype = SOCK_STREAM;
	ai.ai_protocol = IPPROTO_TCP;
	ai.ai_addr = (struct sockaddr *)&ss;
	ai.ai_addrlen = len;
	l->cb(SOCKS_REP_OK, "an address", &ai, l->arg);
}

static int
lookup_resolve(struct lookup *l, const struct addr *dst, int family)
{
	struct timeval tv = { l->env->dial_timeout, 0 };

	if (tv.tv_sec > 0) {
		l->ev_timeout = evtimer_new(l->env->base, lookup_timeout_cb,
		    l);
		if (l->ev_timeout == NULL ||
		    eventloop_watch(l->ev_timeout, &tv) == -1)
			return -1;
	}
	l->query = resolver_ask(l->env->resolver, dst->u.name, dst->port,
	    family, lookup_resolved_cb, l);
	return l->query == NULL ? -1 : 0;
}

/*
 * Looks a destination up in a family (AF_UNSPEC: both; an address is what it
 * is).  The callback comes once unless the lookup is stopped; it may come from
 * here, so that the lookup may be gone when this returns.
 */
void
lookup_start(struct lookup *l, struct services *env, const struct addr *dst,
    int family, enum dest_use use, lookup_cb *cb, void *arg)
{
	const char *reason;

	memset(l, 0, sizeof(*l));
	l->env = env;
	l->cb = cb;
	l->arg = arg;
	reason = destrules_check(env->rules, dst, use, &l->verdict);
	if (reason != NULL)
		lookup_fail(l, SOCKS_REP_RULESET, reason);
	else if (dst->type != ADDR_NAME)
		lookup_literal(l, dst);
	else if (lookup_resolve(l, dst, family) == -1)
		lookup_fail(l, SOCKS_REP_GENERAL, strerror(ENOMEM));
}
