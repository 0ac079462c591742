/* SPDX-License-Identifier: ISC */
/*
 * BIND (RFC 1928, section 4): listens where the peer that the client named
 * can reach this host, tells where that is, and hands over the first
 * connection of that peer.  Others are reset, and the wait goes on.
 *
 *	LOOKUP of the peer -> WAIT, bound was told -> done
 *
 * A client that names no peer (0.0.0.0 or ::) takes whoever comes, if the
 * rules permit every peer.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "destrules.h"
#include "eventloop.h"
#include "kinds.h"
#include "listener.h"
#include "localaddr.h"
#include "log.h"
#include "lookup.h"
#include "protocol.h"
#include "services.h"
#include "socks.h"
#include "stream.h"

#define BINDSERV_PEERS		64	/* addresses of its name */
#define BINDSERV_BACKLOG	16
#define BINDSERV_LINES		8	/* of log, about strangers */

struct bindserv {
	struct service	 sv;		/* first: the two are cast */
	struct lookup	 lookup;
	struct listener	*listener;
	struct event	*ev_deadline;
	size_t		 npeers;	/* 0: anybody */
	struct addr	*peers;
	u_int		 strangers;
};

static void
bindserv_stop(struct service *sv)
{
	struct bindserv *b = (struct bindserv *)sv;

	lookup_stop(&b->lookup);
	listener_free(b->listener);
	if (b->ev_deadline != NULL)
		event_free(b->ev_deadline);
	free(b->peers);
}

static int
bindserv_is_peer(struct bindserv *b, const struct addr *from)
{
	struct addr a = *from;
	size_t i;

	for (i = 0; i < b->npeers; i++) {
		a.port = b->peers[i].port;
		if (addr_equal(&a, &b->peers[i]))
			return 1;
	}
	return b->npeers == 0 && destrules_check_addr(b->sv.env->rules,
	    &b->lookup.verdict, from) == NULL;
}

/* Somebody else came: resets that connection. */
static void
bindserv_turn_away(struct bindserv *b, const struct addr *from, int fd)
{
	char text[ADDR_STRLEN];

	if (b->strangers++ < BINDSERV_LINES)
		log_info("%s: %s waits, connection from %s refused",
		    b->sv.subject, b->sv.to,
		    addr_format(from, text, sizeof(text)));
	sockstream_set_reset(fd, 1);
	close(fd);
}

static void
bindserv_accept_cb(struct listener *l, int fd, const struct sockaddr *sa,
    socklen_t len, void *arg)
{
	struct bindserv *b = arg;
	struct addr from;

	addr_from_sockaddr(&from, sa);
	addr_unmap(&from);
	if (bindserv_is_peer(b, &from))
		service_done(&b->sv, "accepted its peer", &from, fd);
	else
		bindserv_turn_away(b, &from, fd);
}

static void
bindserv_deadline_cb(evutil_socket_t fd, short what, void *arg)
{
	struct bindserv *b = arg;

	service_fail(&b->sv, SOCKS_REP_TTL, "nobody came in time");
}

/* A socket that listens at an address for a flow, or -1 with errno. */
static int
bindserv_open(const struct addr *at)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	addr_to_sockaddr(at, &ss, &len);
	fd = listener_open((struct sockaddr *)&ss, len, BINDSERV_BACKLOG);
	if (fd != -1)
		sockstream_set_reset(fd, 1);
	return fd;
}

/* The events of a listening socket; -1 without memory. */
static int
bindserv_wait(struct bindserv *b, int fd)
{
	static const struct timeval deadline = { SERVICE_BIND_WAIT, 0 };
	struct event_base *base = b->sv.env->base;

	b->listener = listener_new(base, fd, bindserv_accept_cb, b);
	if (b->listener == NULL) {
		close(fd);
		return -1;
	}
	b->ev_deadline = evtimer_new(base, bindserv_deadline_cb, b);
	if (b->ev_deadline == NULL)
		return -1;
	return eventloop_watch(b->ev_deadline, &deadline);
}

/* Listens at an address; a port that is busy is replaced by any. */
static void
bindserv_listen(struct bindserv *b, struct addr *at)
{
	char text[ADDR_STRLEN];
	struct addr bound;
	int fd;

	if ((fd = bindserv_open(at)) == -1 && errno == EADDRINUSE) {
		at->port = 0;
		fd = bindserv_open(at);
	}
	if (fd == -1) {
		service_fail_errno(&b->sv, errno);
		return;
	}
	if (addr_of_socket(&bound, fd) == 0)
		*at = bound;
	if (bindserv_wait(b, fd) == -1) {
		service_fail_errno(&b->sv, ENOMEM);
		return;
	}
	log_verbose("%s: %s may connect to %s", b->sv.subject, b->sv.to,
	    addr_format(at, text, sizeof(text)));
	b->sv.ops->bound(&b->sv, at);
}

/* Keeps the permitted addresses of the peer; returns how many there are. */
static size_t
bindserv_keep_peers(struct bindserv *b, const struct addrinfo *list)
{
	const struct addrinfo *ai;

	b->peers = calloc(BINDSERV_PEERS, sizeof(*b->peers));
	if (b->peers == NULL)
		return 0;
	for (ai = list; ai != NULL && b->npeers < BINDSERV_PEERS;
	    ai = ai->ai_next) {
		if (lookup_filter(&b->lookup, ai) != 0 || addr_from_sockaddr(
		    &b->peers[b->npeers], ai->ai_addr) == -1)
			continue;
		addr_unmap(&b->peers[b->npeers++]);
	}
	return b->npeers;
}

/* Listens on the route to the first address that has one. */
static void
bindserv_lookup_cb(enum socks_rep rep, const char *reason,
    const struct addrinfo *list, void *arg)
{
	struct bindserv *b = arg;
	struct addr at;
	size_t i;

	if (rep != SOCKS_REP_OK) {
		service_fail(&b->sv, rep, reason);
		return;
	}
	if (bindserv_keep_peers(b, list) == 0) {
		if (b->lookup.refused != NULL)
			service_fail(&b->sv, SOCKS_REP_RULESET,
			    b->lookup.refused);
		else
			service_fail_errno(&b->sv, ENOMEM);
		return;
	}
	for (i = 0; i < b->npeers; i++) {
		if (localaddr_towards(&b->peers[i], &at) == 0)
			break;
	}
	if (i == b->npeers)
		service_fail_errno(&b->sv, errno);
	else if (!b->sv.env->gateway && !addr_is_loopback(&at))
		service_fail(&b->sv, SOCKS_REP_RULESET,
		    "not permitted by rules (GatewayPorts)");
	else
		bindserv_listen(b, &at);
}

/* No peer is named, so anybody may come; the client may wish for a port. */
static void
bindserv_start_open(struct bindserv *b)
{
	static const struct addr anybody = { .type = ADDR_NONE };
	struct destverdict *v = &b->lookup.verdict;
	const struct addr *dst = &b->sv.dst;
	struct services *env = b->sv.env;
	const char *reason;
	struct addr at;

	if (env->gateway)
		localaddr_public(dst->type, &at);
	else
		localaddr_loopback(dst->type, &at);
	reason = destrules_check(env->rules, &anybody, DEST_PEER, v);
	/* Nobody but this host can connect to loopback: may it at all? */
	if (reason == NULL && addr_is_loopback(&at))
		reason = destrules_check_addr(env->rules, v, &at);
	if (reason != NULL) {
		service_fail(&b->sv, SOCKS_REP_RULESET, reason);
		return;
	}
	at.port = dst->port;
	bindserv_listen(b, &at);
}

static void
bindserv_start(struct service *sv)
{
	struct bindserv *b = (struct bindserv *)sv;
	struct addr dst = sv->dst;

	addr_unmap(&dst);
	if (addr_is_unspecified(&dst))
		bindserv_start_open(b);
	else
		lookup_start(&b->lookup, sv->env, &dst, AF_UNSPEC,
		    DEST_PEER, bindserv_lookup_cb, b);
}

const struct service_kind bindserv_kind = {
	.cmd = SOCKS_CMD_BIND,
	.name = "bind",
	.size = sizeof(struct bindserv),
	.start = bindserv_start,
	.stop = bindserv_stop,
};
