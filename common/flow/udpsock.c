/* SPDX-License-Identifier: ISC */
/*
 * UDP sockets in the loop.  What one event brings is received in one batch;
 * what is sent is queued, and leaves in one batch once the loop has handled its
 * other events, or when another socket of the pool sends.  Knows nothing of
 * what is in a datagram.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "eventloop.h"
#include "udpsock.h"

/* Datagrams of one system call. */
#define UDPSOCK_BATCH	32
/*
 * Bytes of one received datagram: all that UDP's length field allows, and 1 KiB
 * more, so that the datagrams of a batch do not compete for the same lines of
 * the cache.
 */
#define UDPSOCK_SLOT	(65 * 1024)
/* Larger datagrams are sent at once instead of being copied. */
#define UDPSOCK_COPY	4096
/* The kernel's buffers that are asked for; the system may give less. */
#define UDPSOCK_KERNEL	(4 * 1024 * 1024)

/* Messages of one system call, with their addresses. */
struct udpsock_batch {
	struct mmsghdr		 msg[UDPSOCK_BATCH];
	struct iovec		 iov[UDPSOCK_BATCH];
	struct sockaddr_storage	 addr[UDPSOCK_BATCH];
};

struct udpsock_pool {
	struct event_base	*base;
	struct event		*kick;		/* something is queued */
	struct udpsock		*receiver;	/* told of its batch now */
	struct udpsock		*sender;	/* whose datagrams are queued */
	unsigned int		 queued;
	size_t			 used;		/* bytes of out */
	struct udpsock_batch	 in;
	struct udpsock_batch	 send;
	u_char			 out[UDPSOCK_BATCH * UDPSOCK_COPY];
	u_char			 slots[UDPSOCK_BATCH][UDPSOCK_SLOT];
};

struct udpsock {
	struct udpsock_pool	*pool;
	struct event		*ev_read;
	udpsock_cb		*cb;
	void			*arg;
	int			 fd;
	uint64_t		 dropped;
};

/*
 * Sends what is queued.  When the system takes no more, the rest is dropped;
 * a datagram that it refuses for a reason of its own is dropped alone.
 */
static void
udpsock_flush(struct udpsock_pool *pool)
{
	struct udpsock *us = pool->sender;
	unsigned int i = 0, queued = pool->queued;
	int n;

	pool->sender = NULL;
	pool->queued = 0;
	pool->used = 0;
	while (i < queued) {
		n = sendmmsg(us->fd, &pool->send.msg[i], queued - i,
		    MSG_NOSIGNAL);
		if (n > 0)
			i += (unsigned int)n;
		else if (errno == EAGAIN || errno == ENOBUFS) {
			us->dropped += queued - i;
			return;
		} else if (errno != EINTR) {
			us->dropped++;
			i++;
		}
	}
}

static void
udpsock_kick_cb(evutil_socket_t fd, short what, void *arg)
{
	struct udpsock_pool *pool = arg;

	if (pool->sender != NULL)
		udpsock_flush(pool);
}

/* Sends one that is too large to be copied. */
static int
udpsock_send_now(struct udpsock *us, const struct sockaddr *to,
    socklen_t tolen, const void *data, size_t len)
{
	ssize_t n;

	do {
		n = sendto(us->fd, data, len, MSG_NOSIGNAL, to, tolen);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		us->dropped++;
	return n == -1 ? -1 : 0;
}

/*
 * Sends a datagram; with an address that is NULL and 0 long, to the peer that
 * the socket is connected to.  It may leave later, after those sent before it.
 * Returns 0, or -1 with errno when it was refused at once.
 */
int
udpsock_send(struct udpsock *us, const struct sockaddr *to, socklen_t tolen,
    const void *data, size_t len)
{
	struct udpsock_pool *pool = us->pool;
	struct udpsock_batch *b = &pool->send;
	unsigned int i;

	if (tolen > sizeof(b->addr[0])) {
		errno = EINVAL;
		us->dropped++;
		return -1;
	}
	if (pool->sender != NULL && (pool->sender != us ||
	    pool->queued == UDPSOCK_BATCH || len > UDPSOCK_COPY))
		udpsock_flush(pool);
	if (len > UDPSOCK_COPY)
		return udpsock_send_now(us, to, tolen, data, len);
	if (pool->sender == NULL) {
		pool->sender = us;
		event_active(pool->kick, 0, 0);
	}
	i = pool->queued++;
	if (tolen > 0)
		memcpy(&b->addr[i], to, tolen);
	b->msg[i].msg_hdr.msg_name = tolen > 0 ? &b->addr[i] : NULL;
	b->msg[i].msg_hdr.msg_namelen = tolen;
	b->iov[i].iov_base = pool->out + pool->used;
	b->iov[i].iov_len = len;
	if (len > 0)
		memcpy(pool->out + pool->used, data, len);
	pool->used += len;
	return 0;
}

/*
 * Delivers the n datagrams received; the owner may close the socket meanwhile.
 */
static void
udpsock_tell(struct udpsock *us, int n)
{
	struct udpsock_pool *pool = us->pool;
	struct mmsghdr *m;
	int i;

	pool->receiver = us;
	for (i = 0; i < n && pool->receiver == us; i++) {
		m = &pool->in.msg[i];
		if ((m->msg_hdr.msg_flags & MSG_TRUNC) == 0)
			us->cb(m->msg_hdr.msg_name, pool->slots[i],
			    m->msg_len, us->arg);
	}
	pool->receiver = NULL;
}

static void
udpsock_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct udpsock *us = arg;
	struct udpsock_batch *b = &us->pool->in;
	int i, n;

	/*
	 * An error is what an earlier datagram met on its way: it is of no use
	 * to anybody, and reporting it has cleared it.
	 */
	n = recvmmsg(fd, b->msg, UDPSOCK_BATCH, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return;
	udpsock_tell(us, n);
	for (i = 0; i < n; i++)
		b->msg[i].msg_hdr.msg_namelen = sizeof(b->addr[i]);
}

static void
udpsock_init_batches(struct udpsock_pool *pool)
{
	struct msghdr *h;
	int i;

	for (i = 0; i < UDPSOCK_BATCH; i++) {
		h = &pool->send.msg[i].msg_hdr;
		h->msg_iov = &pool->send.iov[i];
		h->msg_iovlen = 1;
		h = &pool->in.msg[i].msg_hdr;
		h->msg_iov = &pool->in.iov[i];
		h->msg_iovlen = 1;
		h->msg_name = &pool->in.addr[i];
		h->msg_namelen = sizeof(pool->in.addr[i]);
		pool->in.iov[i].iov_base = pool->slots[i];
		pool->in.iov[i].iov_len = sizeof(pool->slots[i]);
	}
}

/*
 * What the UDP sockets of a process share: 2 MiB and more, of which only the
 * pages that datagrams reached are in memory.  NULL when memory is out.
 */
struct udpsock_pool *
udpsock_pool_new(struct event_base *base)
{
	struct udpsock_pool *pool;

	if ((pool = calloc(1, sizeof(*pool))) == NULL)
		return NULL;
	pool->base = base;
	if ((pool->kick = evtimer_new(base, udpsock_kick_cb, pool)) == NULL) {
		free(pool);
		return NULL;
	}
	udpsock_init_batches(pool);
	return pool;
}

/*
 * To be called when every socket of the pool is closed, but not from the
 * callback of one.  NULL is ignored.
 */
void
udpsock_pool_free(struct udpsock_pool *pool)
{
	if (pool == NULL)
		return;
	event_free(pool->kick);
	free(pool);
}

/*
 * A non-blocking UDP socket, owned from now on, whose kernel buffers are made
 * ample; nothing is received before udpsock_start.  NULL when memory is out;
 * the socket is then still the caller's.
 */
struct udpsock *
udpsock_new(struct udpsock_pool *pool, int fd, udpsock_cb *cb, void *arg)
{
	static const int ample = UDPSOCK_KERNEL;
	struct udpsock *us;

	if ((us = calloc(1, sizeof(*us))) == NULL)
		return NULL;
	us->ev_read = event_new(pool->base, fd, EV_READ | EV_PERSIST,
	    udpsock_read_cb, us);
	if (us->ev_read == NULL) {
		free(us);
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &ample, sizeof(ample));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &ample, sizeof(ample));
	us->pool = pool;
	us->cb = cb;
	us->arg = arg;
	us->fd = fd;
	return us;
}

/* Begins to deliver datagrams.  -1 with errno if it cannot be watched. */
int
udpsock_start(struct udpsock *us)
{
	return eventloop_watch(us->ev_read, NULL);
}

/* How many datagrams could not be sent. */
uint64_t
udpsock_dropped(const struct udpsock *us)
{
	return us->dropped;
}

/* Sends what is queued, closes the socket and frees it. */
void
udpsock_close(struct udpsock *us)
{
	if (us->pool->sender == us)
		udpsock_flush(us->pool);
	if (us->pool->receiver == us)
		us->pool->receiver = NULL;
	event_free(us->ev_read);
	close(us->fd);
	free(us);
}
