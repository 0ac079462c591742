/* SPDX-License-Identifier: ISC */
/*
 * UDP ASSOCIATE (RFC 1928, section 7): one socket for all destinations of
 * both families.  Its port is the same to every destination, and a datagram
 * from anywhere is passed on with its true source (RFC 4787: mapping and
 * filtering that do not depend on the endpoint).  The rules are asked about
 * each datagram; nothing is allocated or logged for each.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <netinet/ip.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "destrules.h"
#include "dgramlink.h"
#include "eventloop.h"
#include "kinds.h"
#include "localaddr.h"
#include "log.h"
#include "monotime.h"
#include "services.h"
#include "socks.h"
#include "udpnames.h"
#include "udpsock.h"

#define UDPSERV_LINES	16		/* of log, about refused datagrams */

struct udpserv {
	struct service		 sv;	/* first: the two are cast */
	struct udpsock		*sock;
	struct dgramlink	*link;
	struct udpnames		 names;
	struct event		*ev_idle;
	int			 family;
	int			 counted;
	uint16_t		 port;
	int64_t			 began;
	int64_t			 active;	/* when a datagram came */
	uint64_t		 sent;		/* datagrams to the network */
	uint64_t		 sent_bytes;
	uint64_t		 received;	/* ... and from it */
	uint64_t		 received_bytes;
	uint64_t		 dropped;
	uint64_t		 refused;
	u_int			 lines;
	const char		*why;		/* it is over */
};

/* The line of log about an association that stood. */
static void
udpserv_log_end(const struct udpserv *u)
{
	uint64_t dropped;

	dropped = u->dropped + u->names.dropped + u->names.nwaiting +
	    udpsock_dropped(u->sock) + dgramlink_count(u->link)->dropped;
	log_info("%s: port %u: %s after %.1f s, %llu datagrams (%llu "
	    "bytes) sent, %llu (%llu) received, %llu dropped, %llu refused",
	    u->sv.subject, u->port, u->why,
	    (double)(monotime_ns() - u->began) / MONOTIME_SECOND,
	    (unsigned long long)u->sent, (unsigned long long)u->sent_bytes,
	    (unsigned long long)u->received,
	    (unsigned long long)u->received_bytes,
	    (unsigned long long)dropped,
	    (unsigned long long)(u->refused + u->names.refused));
}

static void
udpserv_stop(struct service *sv)
{
	struct udpserv *u = (struct udpserv *)sv;

	if (u->link != NULL) {
		udpserv_log_end(u);
		dgramlink_close(u->link, STREAM_CLOSE);
	}
	if (u->sock != NULL) {
		udpnames_clear(&u->names);
		udpsock_close(u->sock);
	}
	if (u->ev_idle != NULL)
		event_free(u->ev_idle);
	if (u->counted)
		sv->env->nudp--;
}

static void
udpserv_over(struct udpserv *u, enum socks_rep rep, const char *why)
{
	u->why = why;
	service_over(&u->sv, rep, why);
}

static void
udpserv_refused_cb(const struct addr *to, const char *reason, void *arg)
{
	struct udpserv *u = arg;
	char text[ADDR_STRLEN], safe[ADDR_STRLEN];

	if (u->lines++ >= UDPSERV_LINES)
		return;
	addr_format(to, text, sizeof(text));
	log_info("%s: port %u: %s refused: %s", u->sv.subject, u->port,
	    log_safe(text, strlen(text), safe, sizeof(safe)),
	    reason);
}

/* The address as the socket wants it; 0 if it has no such family. */
static socklen_t
udpserv_sockaddr(const struct udpserv *u, const struct addr *to,
    struct sockaddr_in6 *sin6)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)sin6;

	memset(sin6, 0, sizeof(*sin6));
	if (u->family == AF_INET) {
		if (to->type != ADDR_IPV4)
			return 0;
		sin->sin_family = AF_INET;
		sin->sin_port = htons(to->port);
		sin->sin_addr = to->u.v4;
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(to->port);
	if (to->type == ADDR_IPV6)
		sin6->sin6_addr = to->u.v6;
	else {
		memset(&sin6->sin6_addr.s6_addr[10], 0xff, 2);
		memcpy(&sin6->sin6_addr.s6_addr[12], &to->u.v4, 4);
	}
	return sizeof(*sin6);
}

/* Sends to an address that the rules permit. */
static void
udpserv_transmit_cb(const struct addr *to, const void *data, size_t len,
    void *arg)
{
	struct udpserv *u = arg;
	struct sockaddr_in6 sin6;
	socklen_t salen;

	if ((salen = udpserv_sockaddr(u, to, &sin6)) == 0) {
		u->dropped++;
		return;
	}
	/* udpsock counts what it could not send. */
	if (udpsock_send(u->sock, (struct sockaddr *)&sin6, salen, data,
	    len) == -1)
		return;
	u->sent++;
	u->sent_bytes += len;
}

static void
udpserv_send_addr(struct udpserv *u, const struct addr *to, const void *data,
    size_t len)
{
	struct addr plain;
	const char *why;

	if (to->type == ADDR_IPV6 && IN6_IS_ADDR_V4MAPPED(&to->u.v6)) {
		plain = *to;
		addr_unmap(&plain);
		to = &plain;
	}
	if (destrules_pass(u->sv.env->rules, to, &why)) {
		udpserv_transmit_cb(to, data, len, u);
		return;
	}
	u->refused++;
	if (why != NULL)
		udpserv_refused_cb(to, why, u);
}

/* A frame of the client's. */
static void
udpserv_frame_cb(const struct addr *to, const void *data, size_t len,
    void *arg)
{
	struct udpserv *u = arg;

	u->active = monotime_ns();
	if (to->port == 0)
		u->dropped++;
	else if (to->type == ADDR_NAME)
		udpnames_send(&u->names, to, data, len);
	else
		udpserv_send_addr(u, to, data, len);
}

/* A datagram of the network's. */
static void
udpserv_datagram_cb(const struct sockaddr *from, const void *data,
    size_t len, void *arg)
{
	struct udpserv *u = arg;
	struct addr a;

	if (addr_from_sockaddr(&a, from) == -1)
		return;
	addr_unmap(&a);
	u->active = monotime_ns();
	u->received++;
	u->received_bytes += len;
	dgramlink_send(u->link, &a, data, len);
}

static void
udpserv_ended_cb(const char *why, void *arg)
{
	struct udpserv *u = arg;

	if (why == NULL)
		udpserv_over(u, SOCKS_REP_OK, "ended");
	else
		udpserv_over(u, SOCKS_REP_GENERAL, why);
}

static const struct dgramlink_ops udpserv_link_ops = {
	.datagram = udpserv_frame_cb,
	.ended = udpserv_ended_cb,
};

static const struct udpnames_ops udpserv_names_ops = {
	.send = udpserv_transmit_cb,
	.refused = udpserv_refused_cb,
};

/* Waits for what is left of the time since the last datagram.  -1, errno. */
static int
udpserv_watch(struct udpserv *u)
{
	int64_t left = u->active - monotime_ns() +
	    u->sv.env->udp_timeout * MONOTIME_SECOND;
	struct timeval tv;

	tv.tv_sec = left / MONOTIME_SECOND;
	tv.tv_usec = left % MONOTIME_SECOND / 1000 + 1;
	return eventloop_watch(u->ev_idle, &tv);
}

static void
udpserv_idle_cb(evutil_socket_t fd, short what, void *arg)
{
	struct udpserv *u = arg;

	if (monotime_ns() - u->active >=
	    u->sv.env->udp_timeout * MONOTIME_SECOND)
		udpserv_over(u, SOCKS_REP_OK, "idle");
	else if (udpserv_watch(u) == -1)
		udpserv_over(u, SOCKS_REP_GENERAL, strerror(errno));
}

/* The system may fragment: a datagram that is too large is not lost. */
static void
udpserv_set_options(int fd, int family)
{
	int off = 0, v4 = IP_PMTUDISC_DONT, v6 = IPV6_PMTUDISC_DONT;

	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6,
		    sizeof(v6));
	}
	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
}

/* A socket on any port of all addresses, or -1 with errno. */
static int
udpserv_open(int family)
{
	struct sockaddr_storage ss;
	int fd, saved;

	fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	udpserv_set_options(fd, family);
	memset(&ss, 0, sizeof(ss));
	ss.ss_family = (sa_family_t)family;
	if (bind(fd, (struct sockaddr *)&ss, family == AF_INET6 ?
	    sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Opens the socket, of both families if the system has them.  -1, errno. */
static int
udpserv_open_sock(struct udpserv *u)
{
	struct addr bound;
	int fd, on = 1;

	u->family = AF_INET6;
	if ((fd = udpserv_open(AF_INET6)) == -1 && (errno == EAFNOSUPPORT ||
	    errno == EADDRNOTAVAIL)) {
		u->family = AF_INET;
		fd = udpserv_open(AF_INET);
	}
	if (fd == -1)
		return -1;
	/* The system need not refuse broadcasts where the rules do. */
	if (destrules_guards_broadcast(u->sv.env->rules))
		setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	if (addr_of_socket(&bound, fd) == 0)
		u->port = bound.port;
	udpnames_init(&u->names, u->sv.env, u->family == AF_INET ? AF_INET :
	    AF_UNSPEC, &udpserv_names_ops, u);
	u->sock = udpsock_new(u->sv.env->udp, fd, udpserv_datagram_cb, u);
	if (u->sock == NULL) {
		close(fd);
		errno = ENOMEM;
		return -1;
	}
	return 0;
}

/* Joins socket and stream; the association may be over when this returns. */
static void
udpserv_run(struct udpserv *u)
{
	struct services *env = u->sv.env;
	struct service_link link = { .stream = NULL };
	struct addr bnd;

	localaddr_public(ADDR_IPV4, &bnd);
	bnd.port = u->port;
	if (u->sv.ops->link(&u->sv, &bnd, &link) == -1) {
		service_fail_errno(&u->sv, errno);
		return;
	}
	u->link = dgramlink_new(env->base, link.stream,
	    dgramlink_share(env->nudp), &udpserv_link_ops, u);
	if (u->link == NULL) {
		link.stream->ops->close(link.stream, STREAM_ABORT);
		service_over(&u->sv, SOCKS_REP_GENERAL, strerror(ENOMEM));
		return;
	}
	if (udpsock_start(u->sock) == -1 ||
	    (env->udp_timeout > 0 && udpserv_watch(u) == -1))
		udpserv_over(u, SOCKS_REP_GENERAL, strerror(errno));
	else if (dgramlink_start(u->link, link.early, link.len) == -1)
		udpserv_over(u, SOCKS_REP_GENERAL, "malformed frame");
}

static void
udpserv_start(struct service *sv)
{
	struct udpserv *u = (struct udpserv *)sv;
	struct services *env = sv->env;
	const char *reason;

	u->began = u->active = monotime_ns();
	u->why = "given up";
	if ((reason = destrules_none(env->rules)) != NULL) {
		service_fail(sv, SOCKS_REP_RULESET, reason);
		return;
	}
	if (env->nudp >= env->max_udp) {
		service_refuse(sv, SOCKS_REP_GENERAL,
		    "too many associations (MaxUDPAssociations)");
		return;
	}
	env->nudp++;
	u->counted = 1;
	u->ev_idle = evtimer_new(env->base, udpserv_idle_cb, u);
	if (u->ev_idle == NULL || udpserv_open_sock(u) == -1) {
		service_fail_errno(sv, u->ev_idle == NULL ? ENOMEM : errno);
		return;
	}
	udpserv_run(u);
}

const struct service_kind udpserv_kind = {
	.cmd = SOCKS_CMD_UDP,
	.name = "udp",
	.size = sizeof(struct udpserv),
	.start = udpserv_start,
	.stop = udpserv_stop,
};
