/* SPDX-License-Identifier: ISC */
/*
 * The listeners of -D and DynamicForward: [bind_address:]port, or the path of
 * a Unix socket.  What is done with a connection is not known here.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "cliconf.h"
#include "listener.h"
#include "listeners.h"
#include "log.h"
#include "passed.h"
#include "stream.h"
#include "xmalloc.h"

/* Addresses that one -D may stand for. */
#define LISTENERS_PER_SPEC	8

/* What to do when a port cannot be listened on. */
static void
listeners_advise(int error)
{
	if (error == EADDRINUSE)
		log_info("Another program listens there (ss -ltnp names it): "
		    "choose another port with -D, or 0 for a free one.");
	else if (error == EACCES || error == EPERM)
		log_info("Only root may listen there: choose a port from 1024 "
		    "on with -D.");
}

/* Room for one more, which is one of them once they are counted. */
static struct listening *
listeners_reserve(struct listeners *all)
{
	all->list = xrecallocarray(all->list, all->n, all->n + 1,
	    sizeof(*all->list));
	return &all->list[all->n];
}

static void
listeners_add_tcp(struct listeners *all, int fd, int free_port)
{
	struct listening *l = listeners_reserve(all);
	struct addr a;
	char name[ADDR_STRLEN] = "?";

	if (addr_of_socket(&a, fd) == 0)
		addr_format(&a, name, sizeof(name));
	l->name = xstrdup(name);
	l->fd = fd;
	l->free_port = free_port;
	/* If this process is killed, its clients' flows are reset. */
	sockstream_set_reset(fd, 1);
	all->n++;
}

/* A socket that was passed; a Unix socket's file is not ours to remove. */
static void
listeners_add_passed(struct listeners *all, int fd)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	memset(&sun, 0, sizeof(sun));
	listeners_add_tcp(all, fd, 0);
	if (getsockname(fd, (struct sockaddr *)&sun, &len) == -1 ||
	    sun.sun_family != AF_UNIX || sun.sun_path[0] == '\0')
		return;
	free(all->list[all->n - 1].name);
	all->list[all->n - 1].name = xstrndup(sun.sun_path,
	    sizeof(sun.sun_path));
}

/*
 * Takes [bind_address:]port apart as ssh(1) does; host is NULL for all
 * addresses.  The result points into spec, which is cut.
 */
static int
listeners_split(char *spec, int gateway, const char **host, const char **port)
{
	char *h, *p;
	uint16_t n;

	if ((h = addr_split_hostport(spec, &p)) == NULL)
		return -1;
	if (p == NULL) {
		*host = gateway ? NULL : "localhost";
		*port = spec;
	} else {
		*host = *h == '\0' || strcmp(h, "*") == 0 ? NULL : h;
		*port = p;
	}
	return addr_parse_port(&n, *port);
}

/* Once there is a socket, nothing fails before it is known to be ours. */
static int
listeners_open_unix(struct listeners *all, const struct cliconf *conf,
    const char *path)
{
	struct listening *l = listeners_reserve(all);
	const char *why;
	struct stat st;

	if (conf->bind_unlink && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	l->path = xstrdup(path);
	l->name = xstrdup(path);
	l->fd = listener_bind_unix(path, conf->bind_mask, &why);
	if (l->fd == -1) {
		log_warnx("bind %s: %s", path, why);
		free(l->path);
		free(l->name);
		return -1;
	}
	if (lstat(path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	all->n++;
	return 0;
}

static int
fd_is_ipv4(int fd)
{
	struct addr a;

	return addr_of_socket(&a, fd) == 0 && a.type == ADDR_IPV4;
}

static int
listeners_open_tcp(struct listeners *all, const struct cliconf *conf,
    const char *spec)
{
	const char *host, *port, *why;
	char *copy = xstrdup(spec);
	int fds[LISTENERS_PER_SPEC], ipv4, i, n = -1;

	errno = 0;
	if (listeners_split(copy, conf->gateway_ports, &host, &port) == -1)
		log_warnx("Bad dynamic forwarding specification '%s'", spec);
	else if ((n = listener_bind_tcp(host, port, conf->address_family, fds,
	    LISTENERS_PER_SPEC, &why)) == -1) {
		log_warnx("bind [%s]:%s: %s", host == NULL ? "*" : host, port,
		    why);
		listeners_advise(errno);
	}
	/* IPv4 first: scripts take the first line that is printed. */
	for (ipv4 = 1; ipv4 >= 0; ipv4--)
		for (i = 0; i < n; i++)
			if (fd_is_ipv4(fds[i]) == ipv4)
				listeners_add_tcp(all, fds[i],
				    strcmp(port, "0") == 0);
	free(copy);
	return n == -1 ? -1 : 0;
}

/*
 * Binds every listener of the configuration, after those that were passed.
 * One that cannot be had is logged, and is an error if ExitOnForwardFailure
 * says so or if none is left: then -1 is returned, else 0.  The caller closes
 * them in either case.
 */
int
listeners_open(struct listeners *all, const struct cliconf *conf,
    struct passed *passed)
{
	const char *spec;
	char *failed = NULL, *longer;
	size_t i;
	int fd, r, ret = 0;

	while ((fd = passed_next(passed, PASSED_SOCKS)) != -1)
		listeners_add_passed(all, fd);

	for (i = 0; i < conf->dynamic_forwards.n; i++) {
		spec = conf->dynamic_forwards.word[i];
		r = spec[0] == '/' ? listeners_open_unix(all, conf, spec) :
		    listeners_open_tcp(all, conf, spec);
		if (r == 0)
			continue;
		xasprintf(&longer, "%s -D %s", failed != NULL ? failed : "",
		    spec);
		free(failed);
		failed = longer;
	}
	if (failed != NULL && (all->n == 0 || conf->exit_on_forward_failure)) {
		log_warnx("Could not request local forwarding:%s", failed);
		ret = -1;
	}
	free(failed);
	return ret;
}

/* Begins to accept on all of them. */
void
listeners_start(struct listeners *all, struct event_base *base,
    listener_cb *cb, void *arg)
{
	struct listening *l;

	for (l = all->list; l < all->list + all->n; l++) {
		if ((l->listener = listener_new(base, l->fd, cb,
		    arg)) == NULL)
			fatal("listener %s", l->name);
		l->fd = -1;
	}
}

/*
 * Removes their Unix sockets, but for those in whose place another process has
 * made one since.
 */
void
listeners_unlink(const struct listeners *all)
{
	const struct listening *l;
	struct stat st;

	for (l = all->list; l < all->list + all->n; l++) {
		if (l->path != NULL && lstat(l->path, &st) == 0 &&
		    st.st_dev == l->dev && st.st_ino == l->ino)
			unlink(l->path);
	}
}

/* Closes all, and removes their Unix sockets. */
void
listeners_close(struct listeners *all)
{
	struct listening *l;

	/* First: once it is closed its inode may be used again. */
	listeners_unlink(all);
	for (l = all->list; l < all->list + all->n; l++) {
		listener_free(l->listener);
		if (l->fd != -1)
			close(l->fd);
		free(l->path);
		free(l->name);
	}
	free(all->list);
	memset(all, 0, sizeof(*all));
}
