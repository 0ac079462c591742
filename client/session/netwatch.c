/* SPDX-License-Identifier: ISC */
/*
 * Two descriptors of Linux's, neither of which wakes anybody while nothing
 * happens: rtnetlink(7) tells of links, addresses and routes, and a timer of
 * the wall clock is cancelled when that jumps, as it does when a machine that
 * slept goes on.  Where there are none the pauses between attempts have to do.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#ifdef __linux__
#include <sys/timerfd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#endif

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "eventloop.h"
#include "log.h"
#include "netwatch.h"

/* A change seldom comes alone: links, addresses, then routes. */
#define NETWATCH_SETTLE	{ 0, 200000 }
/* The wall clock's timer: so far ahead that it never comes. */
#define NETWATCH_NEVER	(100 * 365 * 86400LL)

struct netwatch {
	netwatch_cb	*cb;
	void		*arg;
	struct event	*settle;
	struct event	*routes;
	struct event	*clock;
	int		 netlink;
	int		 timer;
};

static void
netwatch_settled_cb(evutil_socket_t fd, short what, void *arg)
{
	struct netwatch *w = arg;

	w->cb(w->arg);
}

static void
netwatch_note(struct netwatch *w)
{
	static const struct timeval settle = NETWATCH_SETTLE;

	if (!evtimer_pending(w->settle, NULL))
		eventloop_watch(w->settle, &settle);
}

#ifdef __linux__
/* Something came, or was lost for want of room: what, does not matter. */
static void
netwatch_routes_cb(evutil_socket_t fd, short what, void *arg)
{
	char buf[8192];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0 ||
	    (n == -1 && (errno == ENOBUFS || errno == EINTR)))
		;
	log_debug("the network has changed");
	netwatch_note(arg);
}

static int
netwatch_open_routes(void)
{
	const struct sockaddr_nl sa = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
		    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
		    RTMGRP_IPV6_ROUTE,
	};
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    NETLINK_ROUTE);
	if (fd != -1 && bind(fd, (const struct sockaddr *)&sa,
	    sizeof(sa)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
netwatch_set_clock(int fd)
{
	const struct itimerspec never = {
		.it_value = { .tv_sec = time(NULL) + NETWATCH_NEVER }
	};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME |
	    TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

static void
netwatch_clock_cb(evutil_socket_t fd, short what, void *arg)
{
	uint64_t times;

	if (read(fd, &times, sizeof(times)) == -1 && errno == ECANCELED) {
		log_debug("the clock was set, or the machine has slept");
		netwatch_note(arg);
	}
	netwatch_set_clock(fd);
}

static int
netwatch_open_clock(void)
{
	int fd;

	fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd != -1 && netwatch_set_clock(fd) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Watches what can be had; the rest is NULL. */
static void
netwatch_open(struct netwatch *w, struct event_base *base)
{
	if ((w->netlink = netwatch_open_routes()) == -1 ||
	    (w->routes = event_new(base, w->netlink, EV_READ | EV_PERSIST,
	    netwatch_routes_cb, w)) == NULL ||
	    eventloop_watch(w->routes, NULL) == -1)
		log_debug("changes of the network are not seen: %s",
		    strerror(errno));
	if ((w->timer = netwatch_open_clock()) == -1 ||
	    (w->clock = event_new(base, w->timer, EV_READ | EV_PERSIST,
	    netwatch_clock_cb, w)) == NULL ||
	    eventloop_watch(w->clock, NULL) == -1)
		log_debug("it is not seen when the machine sleeps: %s",
		    strerror(errno));
}
#else
static void
netwatch_open(struct netwatch *w, struct event_base *base)
{
	w->netlink = w->timer = -1;
}
#endif

/* Watches from now on.  NULL when memory is out. */
struct netwatch *
netwatch_new(struct event_base *base, netwatch_cb *cb, void *arg)
{
	struct netwatch *w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return NULL;
	w->cb = cb;
	w->arg = arg;
	if ((w->settle = evtimer_new(base, netwatch_settled_cb, w)) == NULL) {
		free(w);
		return NULL;
	}
	netwatch_open(w, base);
	return w;
}

/* NULL is ignored. */
void
netwatch_free(struct netwatch *w)
{
	if (w == NULL)
		return;
	event_free(w->settle);
	if (w->routes != NULL)
		event_free(w->routes);
	if (w->clock != NULL)
		event_free(w->clock);
	if (w->netlink != -1)
		close(w->netlink);
	if (w->timer != -1)
		close(w->timer);
	free(w);
}

/*
 * Does the address that a connection was made from still belong to this
 * machine?  If that cannot be told it does.
 */
int
netwatch_is_ours(int connection)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd, ours;

	if (getsockname(connection, (struct sockaddr *)&ss, &len) == -1 ||
	    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6) ||
	    (fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return 1;
	ours = bind(fd, (struct sockaddr *)&ss, len) == 0 ||
	    errno != EADDRNOTAVAIL;
	close(fd);
	return ours;
}
