/* SPDX-License-Identifier: ISC */
/* The listeners of -D and DynamicForward. */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <sys/types.h>

#include "listener.h"

struct cliconf;
struct event_base;
struct passed;

struct listening {
	char		*path;		/* of a Unix socket, or NULL */
	dev_t		 dev;		/* the socket that we made there */
	ino_t		 ino;
	char		*name;		/* "127.0.0.1:1080", or the path */
	int		 fd;		/* -1: it is the listener's */
	int		 free_port;	/* the port was given as 0 */
	struct listener	*listener;
};

/* One -D may stand for several addresses. */
struct listeners {
	struct listening *list;
	size_t		 n;
};

int	 listeners_open(struct listeners *, const struct cliconf *,
	    struct passed *);
void	 listeners_start(struct listeners *, struct event_base *,
	    listener_cb *, void *);
void	 listeners_unlink(const struct listeners *);
void	 listeners_close(struct listeners *);

#endif
