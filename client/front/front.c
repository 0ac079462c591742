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
#include "front.h"
#include "listener.h"
#include "log.h"
#include "xmalloc.h"

/* Addresses that one -D may stand for. */
#define FORWARD_FDS	8

struct forward {
	char		*path;		/* of a Unix socket, or NULL */
	dev_t		 dev;		/* the socket that we made there */
	ino_t		 ino;
	char		*name;
	int		 fd;
	int		 free_port;	/* the port was given as 0 */
	struct listener	*listener;
};

struct front {
	struct forward	*list;
	size_t		 n;
};

static void
front_add(struct front *fs, int fd, const char *path, int free_port)
{
	struct forward *f;
	struct stat st;
	struct addr a;
	char name[ADDR_STRLEN];

	fs->list = xrecallocarray(fs->list, fs->n, fs->n + 1,
	    sizeof(*fs->list));
	f = &fs->list[fs->n++];
	f->fd = fd;
	f->free_port = free_port;
	if (path != NULL) {
		f->path = xstrdup(path);
		f->name = xstrdup(path);
		if (lstat(path, &st) == 0) {
			f->dev = st.st_dev;
			f->ino = st.st_ino;
		}
	} else if (addr_of_socket(&a, fd) == 0)
		f->name = xstrdup(addr_format(&a, name, sizeof(name)));
	else
		f->name = xstrdup("?");
}

/*
 * Takes [bind_address:]port apart as ssh(1) does; host is NULL for all
 * addresses.  The result points into spec, which is cut.
 */
static int
forward_split(char *spec, int gateway, const char **host, const char **port)
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
forward_open_unix(struct front *fs, const struct cliconf *conf,
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
	front_add(fs, fd, path, 0);
	return 0;
}

static int
fd_is_ipv4(int fd)
{
	struct addr a;

	return addr_of_socket(&a, fd) == 0 && a.type == ADDR_IPV4;
}

static int
forward_open_tcp(struct front *fs, const struct cliconf *conf,
    const char *spec)
{
	const char *host, *port, *why;
	char *copy = xstrdup(spec);
	int fds[FORWARD_FDS], i, n = -1;

	if (forward_split(copy, conf->gateway_ports, &host, &port) == -1)
		log_warnx("Bad dynamic forwarding specification '%s'", spec);
	else if ((n = listener_bind_tcp(host, port, conf->address_family, fds,
	    FORWARD_FDS, &why)) == -1)
		log_warnx("bind [%s]:%s: %s", host == NULL ? "*" : host, port,
		    why);
	/* IPv4 first: scripts take the first line that is printed. */
	for (i = 0; i < n; i++)
		if (fd_is_ipv4(fds[i]))
			front_add(fs, fds[i], NULL, strcmp(port, "0") == 0);
	for (i = 0; i < n; i++)
		if (!fd_is_ipv4(fds[i]))
			front_add(fs, fds[i], NULL, strcmp(port, "0") == 0);
	free(copy);
	return n == -1 ? -1 : 0;
}

/*
 * Binds every listener of the configuration.  One that cannot be had is
 * logged, and is an error if ExitOnForwardFailure says so or if none is left:
 * NULL then.
 */
struct front *
front_open(const struct cliconf *conf)
{
	struct front *fs = xcalloc(1, sizeof(*fs));
	const char *spec;
	char *failed = NULL, *longer;
	size_t i;
	int r;

	for (i = 0; i < conf->dynamic_forwards.n; i++) {
		spec = conf->dynamic_forwards.word[i];
		r = spec[0] == '/' ? forward_open_unix(fs, conf, spec) :
		    forward_open_tcp(fs, conf, spec);
		if (r == 0)
			continue;
		xasprintf(&longer, "%s -D %s", failed != NULL ? failed : "",
		    spec);
		free(failed);
		failed = longer;
	}
	if (failed != NULL && (fs->n == 0 || conf->exit_on_forward_failure)) {
		log_warnx("Could not request local forwarding:%s", failed);
		front_close(fs);
		fs = NULL;
	}
	free(failed);
	return fs;
}

/* Begins to accept on all of them.  -1 when memory is out. */
int
front_listen(struct front *fs, struct event_base *base, listener_cb *cb,
    void *arg)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		fs->list[i].listener = listener_new(base, fs->list[i].fd, cb,
		    arg);
		if (fs->list[i].listener == NULL)
			return -1;
		fs->list[i].fd = -1;
		listener_start(fs->list[i].listener);
	}
	return 0;
}

/* Removes a Unix socket, unless another process has made one there since. */
static void
forward_unlink(const struct forward *f)
{
	struct stat st;

	if (lstat(f->path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		unlink(f->path);
}

/* Closes all, and removes their Unix sockets. */
void
front_close(struct front *fs)
{
	size_t i;

	for (i = 0; i < fs->n; i++) {
		/* Before it is closed: its inode cannot be another's yet. */
		if (fs->list[i].path != NULL)
			forward_unlink(&fs->list[i]);
		if (fs->list[i].listener != NULL)
			listener_free(fs->list[i].listener);
		if (fs->list[i].fd != -1)
			close(fs->list[i].fd);
		free(fs->list[i].path);
		free(fs->list[i].name);
	}
	free(fs->list);
	free(fs);
}

/* How many there are; one -D may stand for several addresses. */
size_t
front_count(const struct front *fs)
{
	return fs->n;
}

/* "127.0.0.1:1080", "[::1]:1080" or a path. */
const char *
front_name(const struct front *fs, size_t i)
{
	return fs->list[i].name;
}

/* Was its port chosen by the system? */
int
front_is_free_port(const struct front *fs, size_t i)
{
	return fs->list[i].free_port;
}

int
front_is_unix(const struct front *fs, size_t i)
{
	return fs->list[i].path != NULL;
}
