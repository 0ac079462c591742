/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets: how they are bound, and how connections are accepted in
 * the loop without starving it or spinning when descriptors run out.  What a
 * connection is for is not known here.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "eventloop.h"
#include "fdlimit.h"
#include "listener.h"
#include "log.h"
#include "monotime.h"
#include "unixsock.h"

#define LISTENER_BACKLOG	4096
#define LISTENER_BURST		64	/* accepted in one go */
/* Milliseconds of a pause: at first, and after many in a row. */
#define LISTENER_PAUSE_MIN	2
#define LISTENER_PAUSE_MAX	32
#define LISTENER_NEEDS		3	/* descriptors of a connection */
#define LISTENER_TELL		10	/* seconds between lines about pauses */
#define LISTENER_PORT_TRIES	16	/* for a port free on all addresses */
#define LISTENER_NAME_MAX	(ADDR_STRLEN + sizeof(struct sockaddr_un))

struct listener {
	struct event	*ev_read;
	struct event	*ev_pause;
	listener_cb	*cb;
	void		*arg;
	int		 fd;
	int		 started;
	int		 limit;		/* fdlimit_for_new() */
	int		 pause;		/* ms of the last one in a row, or 0 */
	int		 told;		/* of a pause, but not of its end */
	int64_t		 told_at;	/* ns */
	int		 busy;		/* inside listener_read_cb */
	int		 dead;		/* freed from within the callback */
	char		 name[LISTENER_NAME_MAX];
};

/*
 * A socket listening on one address, or -1 with errno.  Connections of an
 * earlier one that are not quite over do not keep its port busy.
 */
int
listener_open(const struct sockaddr *sa, socklen_t salen, int backlog)
{
	int family = sa->sa_family, fd, on = 1, saved;

	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == -1)
		goto fail;
	if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
	    &on, sizeof(on)) == -1)
		goto fail;
	if (bind(fd, sa, salen) == -1)
		goto fail;
	if (listen(fd, backlog) == -1) {
		saved = errno;
		if (family == AF_UNIX)
			unlink(((const struct sockaddr_un *)sa)->sun_path);
		errno = saved;
		goto fail;
	}
	return fd;
 fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static uint16_t
listener_local_port(int fd)
{
	struct addr a;

	return addr_of_socket(&a, fd) == 0 ? a.port : 0;
}

static void
listener_set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)ss)->sin_port = htons(port);
}

/*
 * Does the address stand in the list before ai? /etc/hosts may have one twice.
 */
static int
listener_seen(const struct addrinfo *list, const struct addrinfo *ai)
{
	const struct addrinfo *p;

	for (p = list; p != ai; p = p->ai_next) {
		if (p->ai_addrlen == ai->ai_addrlen &&
		    memcmp(p->ai_addr, ai->ai_addr, ai->ai_addrlen) == 0)
			return 1;
	}
	return 0;
}

/*
 * One attempt at all addresses.  A family or address that this machine does not
 * have is passed over as long as another can be had; a port that is taken on
 * one of them counts as taken.  Returns the count, or -1 with errno.
 */
static int
listener_bind_all(const struct addrinfo *list, uint16_t port, int *fds,
    size_t max)
{
	const struct addrinfo *ai;
	struct sockaddr_storage ss;
	size_t n = 0;
	int saved = EADDRNOTAVAIL;

	for (ai = list; ai != NULL && n < max; ai = ai->ai_next) {
		if ((ai->ai_family != AF_INET && ai->ai_family != AF_INET6) ||
		    listener_seen(list, ai))
			continue;
		memset(&ss, 0, sizeof(ss));
		memcpy(&ss, ai->ai_addr, ai->ai_addrlen);
		if (port != 0)
			listener_set_port(&ss, port);
		fds[n] = listener_open((struct sockaddr *)&ss, ai->ai_addrlen,
		    LISTENER_BACKLOG);
		if (fds[n] != -1) {
			if (n++ == 0)
				port = listener_local_port(fds[0]);
			continue;
		}
		saved = errno;
		if (saved != EADDRNOTAVAIL && saved != EAFNOSUPPORT)
			goto fail;
	}
	if (n > 0)
		return n;
 fail:
	while (n > 0)
		close(fds[--n]);
	errno = saved;
	return -1;
}

/*
 * Listens on every address of a host (NULL: the wildcard addresses), at most
 * max of them, all on the same port, also when port is "0".  Fills fds and
 * returns their number, or -1 with the reason in *errtext.  Blocks while a name
 * is resolved.
 */
int
listener_bind_tcp(const char *host, const char *port, int family, int *fds,
    size_t max, const char **errtext)
{
	struct addrinfo hints, *list;
	uint16_t num;
	int error, i, n;

	if (addr_parse_port(&num, port) == -1) {
		*errtext = "bad port number";
		return -1;
	}
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
	if ((error = getaddrinfo(host, port, &hints, &list)) != 0) {
		*errtext = error == EAI_SYSTEM ? strerror(errno) :
		    gai_strerror(error);
		return -1;
	}
	i = 0;
	do {
		n = listener_bind_all(list, num, fds, max);
	} while (n == -1 && errno == EADDRINUSE && num == 0 &&
	    ++i < LISTENER_PORT_TRIES);
	if (n == -1)
		*errtext = strerror(errno);
	freeaddrinfo(list);
	return n;
}

/*
 * Listens on a Unix socket, created with the permissions that the umask mask
 * leaves (0177: the owner's alone).  An existing file is not replaced.  Returns
 * the descriptor, or -1 with the reason in *errtext.
 */
int
listener_bind_unix(const char *path, mode_t mask, const char **errtext)
{
	struct sockaddr_un sun;
	mode_t saved;
	int fd;

	if (path[0] == '\0' || unixsock_address(&sun, path) == -1) {
		*errtext = strerror(path[0] == '\0' ? ENOENT : errno);
		return -1;
	}
	saved = umask(mask);
	fd = listener_open((struct sockaddr *)&sun, sizeof(sun),
	    LISTENER_BACKLOG);
	umask(saved);
	if (fd == -1)
		*errtext = strerror(errno);
	return fd;
}

static void
listener_set_name(struct listener *l)
{
	union {
		struct sockaddr		sa;
		struct sockaddr_un	sun;
		struct sockaddr_storage	ss;
	} u;
	socklen_t len = sizeof(u);
	struct addr a;

	memset(&u, 0, sizeof(u));
	if (getsockname(l->fd, &u.sa, &len) == -1)
		u.sa.sa_family = AF_UNSPEC;
	if (u.sa.sa_family == AF_UNIX)
		snprintf(l->name, sizeof(l->name), "%.*s",
		    (int)sizeof(u.sun.sun_path), u.sun.sun_path);
	else if (addr_from_sockaddr(&a, &u.sa) == 0)
		addr_format(&a, l->name, sizeof(l->name));
	if (l->name[0] == '\0')
		snprintf(l->name, sizeof(l->name), "descriptor %d", l->fd);
}

/* All but the descriptor. */
static void
listener_release(struct listener *l)
{
	if (l->ev_read != NULL)
		event_free(l->ev_read);
	if (l->ev_pause != NULL)
		event_free(l->ev_pause);
	free(l);
}

static void
listener_destroy(struct listener *l)
{
	int fd = l->fd;

	/* First the event: epoll must not be asked about a closed one. */
	listener_release(l);
	close(fd);
}

static void
listener_tell_pause(struct listener *l, int error)
{
	int64_t now = monotime_ns();

	if (l->told || (l->told_at != 0 &&
	    now - l->told_at < LISTENER_TELL * MONOTIME_SECOND))
		return;
	log_warnx("listener %s: %s, pausing", l->name, strerror(error));
	l->told = 1;
	l->told_at = now;
}

/* Stops accepting for a while: accept(2) would fail again at once, and spin. */
static void
listener_pause(struct listener *l, int error)
{
	struct timeval tv = { 0, 0 };

	listener_tell_pause(l, error);
	l->pause = l->pause == 0 ? LISTENER_PAUSE_MIN : l->pause * 2;
	if (l->pause > LISTENER_PAUSE_MAX)
		l->pause = LISTENER_PAUSE_MAX;
	tv.tv_usec = l->pause * 1000;
	event_del(l->ev_read);
	/* Without a timer it comes at once: then the wait is here. */
	if (eventloop_watch(l->ev_pause, &tv) == -1)
		usleep((useconds_t)tv.tv_usec);
}

/* Are there descriptors for a new connection, and for what it needs? */
static int
listener_has_room(const struct listener *l)
{
	int fds[LISTENER_NEEDS], n = 0, room;

	while (n < LISTENER_NEEDS &&
	    (fds[n] = fcntl(l->fd, F_DUPFD_CLOEXEC, 0)) != -1)
		n++;
	room = n == LISTENER_NEEDS && fds[0] < l->limit;
	while (n > 0)
		close(fds[--n]);
	return room;
}

static void
listener_pause_cb(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	if (listener_has_room(l))
		eventloop_watch(l->ev_read, NULL);
	else
		listener_pause(l, EMFILE);
}

/* Nobody waits any more. */
static void
listener_caught_up(struct listener *l)
{
	if (l->told)
		log_info("listener %s: accepting again", l->name);
	l->told = 0;
}

/*
 * Accepts one connection, which may be the last for now.  Returns 0 when there
 * is no use in going on.
 */
static int
listener_accept(struct listener *l)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd;

	fd = accept4(l->fd, (struct sockaddr *)&ss, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1) {
		l->pause = 0;
		if (fd >= l->limit)
			listener_pause(l, EMFILE);
		l->cb(l, fd, (struct sockaddr *)&ss, len, l->arg);
		return l->pause == 0;
	}
	switch (errno) {
	case EINTR:
	case ECONNABORTED:
		return 1;
	case EAGAIN:
		listener_caught_up(l);
		return 0;
	default:
		listener_pause(l, errno);
		return 0;
	}
}

static void
listener_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	int i;

	if (what & EV_TIMEOUT) {
		listener_pause(l, ENOMEM);
		return;
	}
	l->busy = 1;
	for (i = 0; i < LISTENER_BURST && l->started && !l->dead; i++) {
		if (!listener_accept(l))
			break;
	}
	l->busy = 0;
	if (l->dead)
		listener_destroy(l);
}

/*
 * Takes over a listening descriptor and starts to accept from it, calling cb
 * for each connection.  The callback may stop or free the listener.  NULL with
 * errno on failure; the descriptor is then still the caller's.
 */
struct listener *
listener_new(struct event_base *base, int fd, listener_cb *cb, void *arg)
{
	struct listener *l;

	if (evutil_make_socket_nonblocking(fd) == -1 ||
	    evutil_make_socket_closeonexec(fd) == -1 ||
	    (l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->fd = fd;
	l->cb = cb;
	l->arg = arg;
	l->limit = fdlimit_for_new();
	listener_set_name(l);
	l->ev_read = event_new(base, fd, EV_READ | EV_PERSIST,
	    listener_read_cb, l);
	l->ev_pause = evtimer_new(base, listener_pause_cb, l);
	if (l->ev_read == NULL || l->ev_pause == NULL) {
		listener_release(l);
		errno = ENOMEM;
		return NULL;
	}
	listener_start(l);
	return l;
}

/* Accepts from now on, or again; if it does already, nothing changes. */
void
listener_start(struct listener *l)
{
	if (l->started)
		return;
	l->started = 1;
	eventloop_watch(l->ev_read, NULL);
}

/*
 * Leaves connections in the backlog while few descriptors are left.  The
 * listener sees by itself only how high those of the connections are.
 */
void
listener_rest(struct listener *l)
{
	if (l->started)
		listener_pause(l, EMFILE);
}

/* Leaves connections in the backlog until listener_start(). */
void
listener_stop(struct listener *l)
{
	l->started = 0;
	l->told = 0;
	event_del(l->ev_read);
	event_del(l->ev_pause);
}

/* Closes the descriptor; the path of a Unix socket is left alone. */
void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	listener_stop(l);
	if (l->busy)
		l->dead = 1;
	else
		listener_destroy(l);
}

/* "127.0.0.1:1080", or the path; valid as long as the listener is. */
const char *
listener_name(const struct listener *l)
{
	return l->name;
}
