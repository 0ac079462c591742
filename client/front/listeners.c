/* SPDX-License-Identifier: ISC */
/*
 * The listeners of -D and DynamicForward: [bind_address:]port, or the path of
 * a Unix socket.  What is done with a connection is not known here.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "cliconf.h"
#include "listener.h"
#include "listeners.h"
#include "log.h"
#include "xmalloc.h"

/* Addresses that one -D may stand for. */
#define LISTENERS_PER_SPEC	8

static void
listeners_add(struct listeners *all, int fd, const char *path, int free_port)
{
	struct listening *l;
	struct stat st;
	struct addr a;
	char name[ADDR_STRLEN];

	all->list = xrecallocarray(all->list, all->n, all->n + 1,
	    sizeof(*all->list));
	l = &all->list[all->n++];
	l->fd = fd;
	l->free_port = free_port;
	if (path != NULL) {
		l->path = xstrdup(path);
		l->name = xstrdup(path);
		if (lstat(path, &st) == 0) {
			l->dev = st.st_dev;
			l->ino = st.st_ino;
		}
	} else if (addr_of_socket(&a, fd) == 0)
		l->name = xstrdup(addr_format(&a, name, sizeof(name)));
	else
		l->name = xstrdup("?");
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

static int
listeners_open_unix(struct listeners *all, const struct cliconf *conf,
    const char *path)
{
	const char *why;
	struct stat st;
	int fd;

	if (conf->bind_unlink && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	if ((fd = listener_bind_unix(path, conf->bind_mask, &why)) == -1) {
		log_warnx("bind %s: %s", path, why);
		return -1;
	}
	listeners_add(all, fd, path, 0);
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

	if (listeners_split(copy, conf->gateway_ports, &host, &port) == -1)
		log_warnx("Bad dynamic forwarding specification '%s'", spec);
	else if ((n = listener_bind_tcp(host, port, conf->address_family, fds,
	    LISTENERS_PER_SPEC, &why)) == -1)
		log_warnx("bind [%s]:%s: %s", host == NULL ? "*" : host, port,
		    why);
	/* IPv4 first: scripts take the first line that is printed. */
	for (ipv4 = 1; ipv4 >= 0; ipv4--)
		for (i = 0; i < n; i++)
			if (fd_is_ipv4(fds[i]) == ipv4)
				listeners_add(all, fds[i], NULL,
				    strcmp(port, "0") == 0);
	free(copy);
	return n == -1 ? -1 : 0;
}

/*
 * Binds every listener of the configuration.  One that cannot be had is
 * logged, and is an error if ExitOnForwardFailure says so or if none is left:
 * NULL then.
 */
struct listeners *
listeners_open(const struct cliconf *conf)
{
	struct listeners *all = xcalloc(1, sizeof(*all));
	const char *spec;
	char *failed = NULL, *longer;
	size_t i;
	int r;

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
		listeners_close(all);
		all = NULL;
	}
	free(failed);
	return all;
}

/* Begins to accept on all of them. */
void
listeners_start(struct listeners *all, struct event_base *base,
    listener_cb *cb, void *arg)
{
	struct listening *l;

	for (l = all->list; l < all->list + all->n; l++) {
		l->listener = listener_new(base, l->fd, cb, arg);
		l->fd = -1;
	}
}

/* Removes a Unix socket, unless another process has made one there since. */
static void
listeners_unlink(const struct listening *l)
{
	struct stat st;

	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		unlink(l->path);
}

/* Closes all, and removes their Unix sockets. */
void
listeners_close(struct listeners *all)
{
	struct listening *l;
	size_t i;

	for (i = 0; i < all->n; i++) {
		l = &all->list[i];
		/* First: once it is closed its inode may be used again. */
		if (l->path != NULL)
			listeners_unlink(l);
		listener_free(l->listener);
		if (l->fd != -1)
			close(l->fd);
		free(l->path);
		free(l->name);
	}
	free(all->list);
	free(all);
}
