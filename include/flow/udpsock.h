/* SPDX-License-Identifier: ISC */
/*
 * UDP sockets in the loop: many datagrams a system call in both directions
 * (recvmmsg, sendmmsg).  The memory for that is large, and shared by all
 * sockets of a pool.
 */
#ifndef UDPSOCK_H
#define UDPSOCK_H

#include <sys/types.h>
#include <sys/socket.h>
#include <stdint.h>

struct event_base;
struct udpsock;
struct udpsock_pool;

/*
 * A datagram came; its bytes are valid during the call, which may close the
 * socket.
 */
typedef void udpsock_cb(const struct sockaddr *, const void *, size_t, void *);

struct udpsock_pool	*udpsock_pool_new(struct event_base *);
void			 udpsock_pool_free(struct udpsock_pool *);

struct udpsock	*udpsock_new(struct udpsock_pool *, int, udpsock_cb *, void *);
int		 udpsock_start(struct udpsock *);
int		 udpsock_send(struct udpsock *, const struct sockaddr *,
		    socklen_t, const void *, size_t);
uint64_t	 udpsock_dropped(const struct udpsock *);
void		 udpsock_close(struct udpsock *);

#endif
