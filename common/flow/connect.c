/* SPDX-License-Identifier: ISC */
/*
 * One connection out of several addresses, after RFC 8305: families take
 * turns, an attempt starts when the one before it failed or has taken 250 ms,
 * the first to succeed wins and the others are closed.  Where the addresses
 * come from, and who may go there, is the caller's business.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "congestion.h"
#include "connect.h"
#include "eventloop.h"
#include "stream.h"

#define CONNECT_ADDRS_MAX	64
#define CONNECT_DELAY		{ 0, 250000 }	/* RFC 8305, section 5 */

struct attempt {
	struct connect		*c;
	struct event		*ev;
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	int			 fd;
};

struct connect {
	struct event_base	*base;
	struct event		*ev_next;	/* the next attempt is due */
	struct event		*ev_timeout;
	connect_cb		*cb;
	void			*arg;
	const struct conf_list	*congestion;	/* NULL: the system's */
	int			 error;		/* the most telling so far */
	size_t			 n;		/* attempts in all */
	size_t			 next;		/* first not yet started */
	size_t			 pending;	/* started, undecided */
	struct attempt		 attempts[];
};

/*
 * Which of several errors is reported: the first of these that occurred.  What
 * this process ran out of comes first, or it would pass for the destination's
 * fault; then what says most about the destination.  All others rank last,
 * alike.
 */
static const int connect_errors[] = {
	EMFILE, ENFILE, ENOBUFS, ENOMEM,
	ECONNREFUSED, ECONNRESET, ETIMEDOUT,
	EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN,
	EACCES, EPERM
};

#define CONNECT_NERRORS	(sizeof(connect_errors) / sizeof(connect_errors[0]))

static size_t
connect_rank(int error)
{
	size_t i;

	for (i = 0; i < CONNECT_NERRORS; i++) {
		if (connect_errors[i] == error)
			break;
	}
	return i;
}

static void
connect_note_error(struct connect *c, int error)
{
	if (c->error == 0 || connect_rank(error) < connect_rank(c->error))
		c->error = error;
}

static void
attempt_close(struct attempt *a)
{
	if (a->ev != NULL)
		event_free(a->ev);
	if (a->fd != -1)
		close(a->fd);
	a->fd = -1;
	a->ev = NULL;
}

/*
 * On loopback, a port that nobody listens on can be the very one that the
 * system chose for our end: TCP then connects the socket to itself.
 */
static int
attempt_is_to_itself(const struct attempt *a)
{
	struct addr from, to;

	return addr_of_socket(&from, a->fd) == 0 &&
	    addr_from_sockaddr(&to, (const struct sockaddr *)&a->ss) == 0 &&
	    addr_equal(&from, &to);
}

/*
 * Ends all attempts and calls back: with the winner's descriptor or, when fd is
 * -1, with c->error.
 */
static void
connect_finish(struct connect *c, int fd)
{
	connect_cb *cb = c->cb;
	void *arg = c->arg;
	int error = fd == -1 ? c->error : 0;

	connect_cancel(c);
	cb(fd, error, arg);
}

/* The socket is connected; returns -1 if it is not to be used after all. */
static int
attempt_won(struct attempt *a)
{
	struct connect *c = a->c;
	int fd = a->fd;

	if (attempt_is_to_itself(a)) {
		connect_note_error(c, ECONNREFUSED);
		attempt_close(a);
		return -1;
	}
	a->fd = -1;
	connect_finish(c, fd);
	return 0;
}

static void
attempt_cb(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct connect *c = a->c;
	socklen_t len;
	int error = 0;

	len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	c->pending--;
	if (error == 0 && attempt_won(a) == 0)
		return;
	if (error != 0) {
		connect_note_error(c, error);
		attempt_close(a);
	}
	event_active(c->ev_next, EV_TIMEOUT, 0);
}

/*
 * Opens the socket and begins to connect.  Returns 1 when it is connected, 0
 * when it is under way, -1 when it failed, with the error noted.
 */
static int
attempt_start(struct attempt *a)
{
	int on = 1;

	a->fd = socket(a->ss.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd == -1)
		goto fail;
	sockstream_set_reset(a->fd, 1);
	if (setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &on,
	    sizeof(on)) == -1)
		goto fail;
	if (a->c->congestion != NULL)
		congestion_ask(a->fd, a->c->congestion);
	/*
	 * On loopback the second connect(2) often finds the connection
	 * established, which saves a turn of the loop.
	 */
	if (connect(a->fd, (struct sockaddr *)&a->ss, a->len) == 0 ||
	    (errno == EINPROGRESS &&
	    connect(a->fd, (struct sockaddr *)&a->ss, a->len) == 0))
		return 1;
	if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR)
		goto fail;
	a->ev = event_new(a->c->base, a->fd, EV_WRITE, attempt_cb, a);
	if (a->ev == NULL || eventloop_watch(a->ev, NULL) == -1) {
		errno = ENOMEM;
		goto fail;
	}
	return 0;
 fail:
	connect_note_error(a->c, errno);
	attempt_close(a);
	return -1;
}

/*
 * Starts attempts until one is under way.  When none is left and none is
 * pending, the connect has failed.
 */
static void
connect_next_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval delay = CONNECT_DELAY;
	struct connect *c = arg;
	struct attempt *a;

	event_del(c->ev_next);
	while (c->next < c->n) {
		a = &c->attempts[c->next++];
		switch (attempt_start(a)) {
		case 1:
			if (attempt_won(a) == 0)
				return;
			break;
		case 0:
			c->pending++;
			if (c->next < c->n)
				eventloop_watch(c->ev_next, &delay);
			return;
		}
	}
	if (c->pending == 0)
		connect_finish(c, -1);
}

static void
connect_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	struct connect *c = arg;

	connect_note_error(c, ETIMEDOUT);
	connect_finish(c, -1);
}

/* Lists the addresses of one family that the filter lets through. */
static size_t
connect_collect(struct connect *c, const struct addrinfo *ai, int family,
    connect_filter *filter, const struct addrinfo **list)
{
	size_t n = 0;
	int error;

	for (; ai != NULL && n < CONNECT_ADDRS_MAX; ai = ai->ai_next) {
		if (ai->ai_family != family ||
		    ai->ai_addrlen > sizeof(struct sockaddr_storage))
			continue;
		error = filter == NULL ? 0 : filter(ai, c->arg);
		if (error == 0)
			list[n++] = ai;
		else
			connect_note_error(c, error);
	}
	return n;
}

static void
connect_add(struct connect *c, const struct addrinfo *ai)
{
	struct attempt *a = &c->attempts[c->n++];

	a->c = c;
	a->fd = -1;
	a->len = ai->ai_addrlen;
	memcpy(&a->ss, ai->ai_addr, ai->ai_addrlen);
}

/* Fills the attempts: families in turn, the first address's family first. */
static void
connect_plan(struct connect *c, const struct addrinfo *ai,
    connect_filter *filter)
{
	const struct addrinfo *list[2][CONNECT_ADDRS_MAX];
	size_t i, n[2];
	int first, second;

	while (ai != NULL && ai->ai_family != AF_INET &&
	    ai->ai_family != AF_INET6)
		ai = ai->ai_next;
	first = ai != NULL ? ai->ai_family : AF_INET;
	second = first == AF_INET ? AF_INET6 : AF_INET;
	n[0] = connect_collect(c, ai, first, filter, list[0]);
	n[1] = connect_collect(c, ai, second, filter, list[1]);
	for (i = 0; i < n[0] || i < n[1]; i++) {
		if (i < n[0] && c->n < CONNECT_ADDRS_MAX)
			connect_add(c, list[0][i]);
		if (i < n[1] && c->n < CONNECT_ADDRS_MAX)
			connect_add(c, list[1][i]);
	}
}

static size_t
connect_count(const struct addrinfo *ai)
{
	size_t n;

	for (n = 0; ai != NULL && n < CONNECT_ADDRS_MAX; ai = ai->ai_next)
		n++;
	return n;
}

/*
 * Connects to one of the addresses (at most 64; the list may be freed after the
 * call) within the timeout (NULL: the system's alone).  The filter, which may
 * be NULL, is asked about each before this returns.  The callback comes from
 * the loop, never from here, with a socket that has TCP_NODELAY set and is to
 * be reset (sockstream_set_reset), or with the most telling of the errors;
 * EADDRNOTAVAIL if there was no address.  What is returned is freed before the
 * callback.  NULL when memory is out.
 */
struct connect *
connect_start(struct event_base *base, const struct addrinfo *ai,
    const struct timeval *timeout, connect_filter *filter, connect_cb *cb,
    void *arg)
{
	struct connect *c;
	size_t n;

	n = connect_count(ai);
	c = calloc(1, sizeof(*c) + n * sizeof(c->attempts[0]));
	if (c == NULL)
		return NULL;
	c->base = base;
	c->cb = cb;
	c->arg = arg;
	c->ev_next = evtimer_new(base, connect_next_cb, c);
	c->ev_timeout = evtimer_new(base, connect_timeout_cb, c);
	if (c->ev_next == NULL || c->ev_timeout == NULL ||
	    (timeout != NULL &&
	    eventloop_watch(c->ev_timeout, timeout) == -1)) {
		connect_cancel(c);
		return NULL;
	}
	connect_plan(c, ai, filter);
	if (c->n == 0)
		connect_note_error(c, EADDRNOTAVAIL);
	event_active(c->ev_next, EV_TIMEOUT, 0);
	return c;
}

/* All attempts ask for it (congestion_ask); the list must outlive them. */
void
connect_set_congestion(struct connect *c, const struct conf_list *names)
{
	c->congestion = names;
}

/* Gives up without calling back, and closes all sockets.  NULL is ignored. */
void
connect_cancel(struct connect *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->n; i++)
		attempt_close(&c->attempts[i]);
	if (c->ev_next != NULL)
		event_free(c->ev_next);
	if (c->ev_timeout != NULL)
		event_free(c->ev_timeout);
	free(c);
}

/* The address of the attempt begun last, or NULL. */
const struct sockaddr *
connect_trying(const struct connect *c)
{
	return c->next == 0 ? NULL :
	    (const struct sockaddr *)&c->attempts[c->next - 1].ss;
}
