/* SPDX-License-Identifier: ISC */
/*
 * Listening sockets, TCP and Unix, in the loop.  A listener leaves connections
 * in the backlog while few descriptors are left (fdlimit.c), and goes on some
 * milliseconds after there are more.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <sys/types.h>
#include <sys/socket.h>

struct event_base;
struct listener;

/* A new connection: non-blocking, close-on-exec, owned by the callee. */
typedef void listener_cb(struct listener *, int, const struct sockaddr *,
    socklen_t, void *);

int		 listener_open(const struct sockaddr *, socklen_t, int);
int		 listener_bind_tcp(const char *, const char *, int, int *,
		    size_t, const char **);
int		 listener_bind_unix(const char *, mode_t, const char **);
struct listener	*listener_new(struct event_base *, int, listener_cb *,
		    void *);
void		 listener_start(struct listener *);
void		 listener_rest(struct listener *);
void		 listener_stop(struct listener *);
void		 listener_free(struct listener *);
const char	*listener_name(const struct listener *);

#endif
