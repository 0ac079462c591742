/* SPDX-License-Identifier: ISC */
/*
 * A TCP connection to the first of several addresses that answers (RFC 8305:
 * families interleaved, 250 ms between attempts), without blocking.
 */
#ifndef CONNECT_H
#define CONNECT_H

#include <sys/types.h>
#include <sys/time.h>

struct addrinfo;
struct conf_list;
struct connect;
struct event_base;
struct sockaddr;

/* May this address be tried?  Returns 0, or an errno: that is its failure. */
typedef int connect_filter(const struct addrinfo *, void *);

/* The descriptor (owned by the callee, non-blocking), or -1 and an errno. */
typedef void connect_cb(int, int, void *);

struct connect	*connect_start(struct event_base *, const struct addrinfo *,
		    const struct timeval *, connect_filter *, connect_cb *,
		    void *);
void		 connect_set_congestion(struct connect *,
		    const struct conf_list *);
const struct sockaddr *connect_trying(const struct connect *);
void		 connect_cancel(struct connect *);

#endif
