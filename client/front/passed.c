/* SPDX-License-Identifier: ISC */
/*
 * The protocol of sd_listen_fds(3): LISTEN_FDS descriptors from 3 on, for the
 * process that LISTEN_PID says, with LISTEN_FDNAMES between colons.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "passed.h"

#define PASSED_FIRST	3

/* Is it a stream socket that listens? */
static int
passed_listens(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_STREAM)
		return 0;
	len = sizeof(listens);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	    listens;
}

static int
passed_count(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *errstr;
	int n;

	if (pid == NULL || fds == NULL ||
	    strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	n = (int)strtonum(fds, 0, PASSED_MAX, &errstr);
	if (errstr != NULL) {
		log_warnx("LISTEN_FDS %s: %s", fds, errstr);
		return -1;
	}
	return n;
}

/* Takes the next name off the list, which may be NULL. */
static enum passed_use
passed_name(const char **names)
{
	size_t len;
	int is_control;

	if (*names == NULL)
		return PASSED_SOCKS;
	len = strcspn(*names, ":");
	is_control = len == strlen("control") &&
	    strncmp(*names, "control", len) == 0;
	*names += len + ((*names)[len] == ':');
	return is_control ? PASSED_CONTROL : PASSED_SOCKS;
}

/*
 * Takes what was passed, which our children do not get.  Returns 0, or -1
 * after the reason was logged: then what was passed is not what was meant.
 */
int
passed_take(struct passed *p)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int fd, i, n = passed_count();

	p->n = 0;
	for (i = 0; i < n; i++) {
		fd = PASSED_FIRST + i;
		if (!passed_listens(fd)) {
			log_warnx("descriptor %d was passed, but it is no "
			    "socket that listens", fd);
			return -1;
		}
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		p->sockets[p->n].fd = fd;
		p->sockets[p->n++].use = passed_name(&names);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return n == -1 ? -1 : 0;
}

/* A descriptor for this use, the caller's from now on; -1 if none is left. */
int
passed_next(struct passed *p, enum passed_use use)
{
	size_t i;
	int fd;

	for (i = 0; i < p->n; i++)
		if (p->sockets[i].use == use && p->sockets[i].fd != -1) {
			fd = p->sockets[i].fd;
			p->sockets[i].fd = -1;
			return fd;
		}
	return -1;
}
