/* SPDX-License-Identifier: ISC */
/*
 * Owns the way to a TCP connection with the configured host: its addresses,
 * ConnectionAttempts a second apart, ConnectTimeout for each of them, and
 * BindAddress.  Knows nothing of SSH.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "cliconf.h"
#include "congestion.h"
#include "connect.h"
#include "eventloop.h"
#include "log.h"
#include "hostconnect.h"
#include "resolver.h"
#include "stream.h"
#include "xmalloc.h"

struct hostconnect {
	struct event_base	*base;
	struct resolver		*resolver;
	const struct cliconf	*conf;
	enum log_level		 level;		/* of failures */
	hostconnect_cb		*cb;
	void			*arg;
	struct resolver_query	*query;
	struct connect		*connect;
	struct event		*retry;
	struct addrinfo		*source;	/* BindAddress, or NULL */
	struct addrinfo		*addrs;
	int			 attempts;
	/* For BindAddress, with which addresses are tried one by one. */
	struct addrinfo		*next;
	const struct sockaddr	*to;		/* that is being tried */
	struct event		*writable;
	struct event		*timeout;
	int			 fd;
	int			 error;
};

static void	 hostconnect_try(struct hostconnect *);

static void
hostconnect_stop_bound(struct hostconnect *r)
{
	if (r->writable != NULL)
		event_free(r->writable);
	r->writable = NULL;
	if (r->fd != -1)
		close(r->fd);
	r->fd = -1;
}

/* Stops; the callback is not called.  NULL is ignored. */
void
hostconnect_cancel(struct hostconnect *r)
{
	if (r == NULL)
		return;
	resolver_cancel(r->query);
	connect_cancel(r->connect);
	hostconnect_stop_bound(r);
	if (r->retry != NULL)
		event_free(r->retry);
	if (r->timeout != NULL)
		event_free(r->timeout);
	if (r->source != NULL)
		freeaddrinfo(r->source);
	if (r->addrs != NULL)
		freeaddrinfo(r->addrs);
	free(r);
}

static void
hostconnect_done(struct hostconnect *r, int fd, int error)
{
	hostconnect_cb	*cb = r->cb;
	void		*arg = r->arg;

	hostconnect_cancel(r);
	cb(fd, error, arg);
}

static void
hostconnect_connect_cb(int fd, int error, void *arg)
{
	static const struct timeval	 second = { 1, 0 };
	struct hostconnect			*r = arg;

	r->connect = NULL;
	if (fd != -1) {
		/* It carries no flow: a reset could destroy the last words. */
		sockstream_set_reset(fd, 0);
		hostconnect_done(r, fd, 0);
		return;
	}
	if (r->attempts < r->conf->connection_attempts) {
		log_verbose("connect to host %s port %d: %s", r->conf->hostname,
		    r->conf->port, strerror(error));
		log_verbose("Trying again...");
		eventloop_watch(r->retry, &second);
		return;
	}
	log_add(r->level, 0, "connect to host %s port %d: %s", r->conf->hostname,
	    r->conf->port, strerror(error));
	hostconnect_done(r, -1, error);
}

/* With BindAddress: one attempt succeeded (0), or the last of all failed. */
static void
hostconnect_bound_done(struct hostconnect *r, int error)
{
	int	fd;

	event_del(r->timeout);
	fd = r->fd;
	if (error == 0)
		r->fd = -1;
	hostconnect_stop_bound(r);
	hostconnect_connect_cb(error == 0 ? fd : -1, error, r);
}

static const struct addrinfo *
hostconnect_source(const struct hostconnect *r, int family)
{
	const struct addrinfo	*ai;

	for (ai = r->source; ai != NULL; ai = ai->ai_next)
		if (ai->ai_family == family)
			return ai;
	return NULL;
}

/* Begins to connect from our address: 0, or an errno. */
static int
hostconnect_connect_from(struct hostconnect *r, const struct addrinfo *ai,
    const struct addrinfo *source)
{
	int	on = 1;

	r->fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd == -1 || bind(r->fd, source->ai_addr,
	    source->ai_addrlen) == -1)
		return errno;
	setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	congestion_ask(r->fd, &r->conf->congestion);
	if (connect(r->fd, ai->ai_addr, ai->ai_addrlen) == -1 &&
	    errno != EINPROGRESS)
		return errno;
	return 0;
}

static void	 hostconnect_bound_cb(evutil_socket_t, short, void *);

static void
hostconnect_bound_next(struct hostconnect *r)
{
	const struct addrinfo	*ai, *source;

	while ((ai = r->next) != NULL) {
		r->next = ai->ai_next;
		hostconnect_stop_bound(r);
		if ((source = hostconnect_source(r, ai->ai_family)) == NULL)
			continue;
		r->to = ai->ai_addr;
		r->error = hostconnect_connect_from(r, ai, source);
		if (r->error != 0)
			continue;
		r->writable = event_new(r->base, r->fd, EV_WRITE,
		    hostconnect_bound_cb, r);
		if (r->writable == NULL ||
		    eventloop_watch(r->writable, NULL) == -1)
			fatalx("event_new");
		return;
	}
	hostconnect_bound_done(r, r->error);
}

static void
hostconnect_bound_cb(evutil_socket_t fd, short what, void *arg)
{
	struct hostconnect	*r = arg;
	socklen_t	 len = sizeof(r->error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &r->error, &len) == -1)
		r->error = errno;
	if (r->error == 0)
		hostconnect_bound_done(r, 0);
	else
		hostconnect_bound_next(r);
}

static void
hostconnect_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	hostconnect_bound_done(arg, ETIMEDOUT);
}

static void
hostconnect_try(struct hostconnect *r)
{
	struct timeval	 tv = { r->conf->connect_timeout, 0 };
	struct timeval	*timeout = r->conf->connect_timeout > 0 ? &tv : NULL;

	r->attempts++;
	if (r->source != NULL) {
		r->next = r->addrs;
		r->error = EADDRNOTAVAIL;
		if (timeout != NULL)
			eventloop_watch(r->timeout, timeout);
		hostconnect_bound_next(r);
		return;
	}
	r->connect = connect_start(r->base, r->addrs, timeout, NULL,
	    hostconnect_connect_cb, r);
	if (r->connect == NULL)
		hostconnect_connect_cb(-1, ENOMEM, r);
	else
		connect_set_congestion(r->connect, &r->conf->congestion);
}

static void
hostconnect_retry_cb(evutil_socket_t fd, short what, void *arg)
{
	hostconnect_try(arg);
}

static void
hostconnect_resolved_cb(int error, struct addrinfo *ai, void *arg)
{
	struct hostconnect	*r = arg;

	r->query = NULL;
	if (error != 0) {
		log_add(r->level, 0, "Could not resolve hostname %s: %s",
		    r->conf->hostname, error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error));
		hostconnect_done(r, -1, error == EAI_SYSTEM ? errno :
		    HOSTCONNECT_UNKNOWN);
		return;
	}
	r->addrs = ai;
	log_verbose("Connecting to %s port %d.", r->conf->hostname,
	    r->conf->port);
	hostconnect_try(r);
}

static void
hostconnect_ask(struct hostconnect *r, const char *name, int port,
    resolver_cb *cb)
{
	r->query = resolver_ask(r->resolver, name, port,
	    r->conf->address_family, cb, r);
	if (r->query == NULL)
		fatalx("resolver_ask");
}

static void
hostconnect_source_cb(int error, struct addrinfo *ai, void *arg)
{
	struct hostconnect	*r = arg;

	r->query = NULL;
	if (error != 0) {
		log_add(r->level, 0, "BindAddress %s: %s", r->conf->bind_address,
		    error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error));
		hostconnect_done(r, -1, EADDRNOTAVAIL);
		return;
	}
	r->source = ai;
	hostconnect_ask(r, r->conf->hostname, r->conf->port,
	    hostconnect_resolved_cb);
}

/*
 * Resolves and connects; failures are logged at a level.  The callback comes
 * from the loop, never from inside this call; the configuration must live
 * until then.
 */
struct hostconnect *
hostconnect_start(struct event_base *base, struct resolver *resolver,
    const struct cliconf *conf, enum log_level level, hostconnect_cb *cb,
    void *arg)
{
	struct hostconnect	*r;

	r = xcalloc(1, sizeof(*r));
	r->base = base;
	r->resolver = resolver;
	r->conf = conf;
	r->level = level;
	r->cb = cb;
	r->arg = arg;
	r->fd = -1;
	r->retry = evtimer_new(base, hostconnect_retry_cb, r);
	r->timeout = evtimer_new(base, hostconnect_timeout_cb, r);
	if (r->retry == NULL || r->timeout == NULL)
		fatalx("evtimer_new");
	if (conf->bind_address != NULL)
		hostconnect_ask(r, conf->bind_address, 0,
		    hostconnect_source_cb);
	else
		hostconnect_ask(r, conf->hostname, conf->port,
		    hostconnect_resolved_cb);
	return r;
}

/* Says in words what it does. */
void
hostconnect_describe(const struct hostconnect *r, char *buf, size_t size)
{
	const struct sockaddr *to = r->connect != NULL ?
	    connect_trying(r->connect) : r->to;
	const char *name = r->conf->hostname;
	char host[ADDR_STRLEN];
	struct addr a;

	if (r->addrs == NULL)
		snprintf(buf, size, "looking up %s", name);
	else if (to == NULL || addr_from_sockaddr(&a, to) == -1 ||
	    strcmp(addr_format_host(&a, host, sizeof(host)), name) == 0)
		snprintf(buf, size, "connecting to %s port %d", name,
		    r->conf->port);
	else
		snprintf(buf, size, "connecting to %s (%s) port %d", name,
		    host, r->conf->port);
}
