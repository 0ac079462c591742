/* SPDX-License-Identifier: ISC */
/*
 * UDP ASSOCIATE: a relay port for one client, and behind it a link of frames
 * to the far end.
 *
 *	asking the far end --> relaying --> (gone)
 *
 * It lasts as long as the connection that asked for it, on which nothing more
 * is said.  It also ends with the link, and when nothing was relayed for the
 * time of UDPTimeout.  A datagram that cannot be relayed is dropped.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "cliconf.h"
#include "clients.h"
#include "commands.h"
#include "conn.h"
#include "dgramlink.h"
#include "eventloop.h"
#include "farend.h"
#include "log.h"
#include "monotime.h"
#include "socksudp.h"
#include "stream.h"
#include "udpclient.h"
#include "udpfrag.h"
#include "udpsock.h"

/* How often within UDPTimeout it is looked whether anything was relayed. */
#define CMDUDP_LOOKS		4
/* Bytes read at once of what a client says on its connection: all dropped. */
#define CMDUDP_NOISE		512
/* The largest UDP payload over IPv6; IPv4's is SOCKSUDP_PAYLOAD_MAX. */
#define CMDUDP_MAX_IPV6	65527

struct cmdudp {
	struct conn		*conn;
	struct udpsock		*relay;
	struct dgramlink	*link;
	struct udpclient	 client;
	struct udpfrag		 frag;
	struct event		*idle;
	struct timeval		 look;		/* time between two looks */
	int			 quiet;		/* looks since something came */
	size_t			 max;		/* bytes of one to the client */
	uint64_t		 seen;		/* datagrams at the last look */
	uint64_t		 up, down;	/* datagrams relayed */
	uint64_t		 dropped;	/* before they reached either */
};

static void
cmdudp_log(const struct cmdudp *u)
{
	const struct conn *c = u->conn;

	log_verbose("flow %llu: %s: closed after %.1f s, %llu datagrams "
	    "(%llu bytes) sent, %llu (%llu) received, %llu dropped",
	    (unsigned long long)c->id, c->label,
	    (double)(monotime_ns() - c->began) / MONOTIME_SECOND,
	    (unsigned long long)u->up, (unsigned long long)c->up_bytes,
	    (unsigned long long)u->down, (unsigned long long)c->down_bytes,
	    (unsigned long long)(u->dropped +
	    dgramlink_count(u->link)->dropped + udpsock_dropped(u->relay)));
}

static void
cmdudp_cancel(struct conn *c)
{
	struct cmdudp *u = c->job;

	if (u->link != NULL && u->relay != NULL)
		cmdudp_log(u);
	if (u->link != NULL)
		dgramlink_close(u->link, STREAM_CLOSE);
	if (u->relay != NULL)
		udpsock_close(u->relay);
	if (u->idle != NULL)
		event_free(u->idle);
	udpfrag_clear(&u->frag);
	c->clients->nassocs--;
	free(u);
}

/* Watches the connection: its end is the association's. */
static void
cmdudp_readable(struct conn *c)
{
	u_char noise[CMDUDP_NOISE];
	ssize_t n = c->local->ops->read(c->local, noise, sizeof(noise));

	if (n == 0 || (n == -1 && errno != EAGAIN))
		conn_free(c);
}

/* A fragment came from the client.  Returns 1 once a datagram is whole. */
static int
cmdudp_reassemble(struct cmdudp *u, struct socksudp *d)
{
	int r = udpfrag_add(&u->frag, d, monotime_ns());

	if (r == -1)
		u->dropped++;
	if (r != 1)
		return 0;
	d->addr = u->frag.dst;
	d->data = u->frag.data;
	d->len = u->frag.len;
	return 1;
}

/* From the client, or from anybody who knows the port. */
static void
cmdudp_relay_cb(const struct sockaddr *from, const void *data, size_t len,
    void *arg)
{
	struct cmdudp *u = arg;
	struct socksudp d;

	if (!udpclient_may_be(&u->client, from) ||
	    socksudp_decode(&d, data, len) < 0 || d.rsv != 0) {
		u->dropped++;
		return;
	}
	if (!udpclient_is_known(&u->client))
		udpclient_settle(&u->client, from);
	if (d.frag == 0 && u->frag.highest != 0)
		udpfrag_clear(&u->frag);
	else if (d.frag != 0 && !cmdudp_reassemble(u, &d))
		return;
	u->up++;
	u->conn->up_bytes += d.len;
	dgramlink_send(u->link, &d.addr, d.data, d.len);
	if (d.frag != 0)
		udpfrag_clear(&u->frag);
}

/* From the far end; may be called from inside libssh. */
static void
cmdudp_link_cb(const struct addr *from, const void *data, size_t len,
    void *arg)
{
	struct cmdudp *u = arg;
	u_char *p = u->conn->clients->datagram;
	size_t n;

	n = socksudp_encode_header(p, SOCKSUDP_HEADER_MAX, 0, from);
	if (n == 0 || n + len > u->max || !udpclient_is_known(&u->client)) {
		u->dropped++;
		return;
	}
	u->down++;
	u->conn->down_bytes += len;
	memcpy(p + n, data, len);
	udpsock_send(u->relay, (struct sockaddr *)&u->client.sa,
	    u->client.len, p, n + len);
}

static void
cmdudp_ended_cb(const char *why, void *arg)
{
	struct cmdudp *u = arg;
	struct conn *c = u->conn;

	if (why != NULL)
		log_verbose("flow %llu: %s: %s", (unsigned long long)c->id,
		    c->label, why);
	conn_free(c);
}

static const struct dgramlink_ops cmdudp_link_ops = {
	.datagram = cmdudp_link_cb,
	.ended = cmdudp_ended_cb,
};

static void
cmdudp_idle_cb(evutil_socket_t fd, short what, void *arg)
{
	struct cmdudp *u = arg;
	struct conn *c = u->conn;

	if (u->up + u->down != u->seen) {
		u->seen = u->up + u->down;
		u->quiet = 0;
	} else if (++u->quiet == CMDUDP_LOOKS) {
		log_verbose("flow %llu: %s: nothing for %d seconds",
		    (unsigned long long)c->id, c->label,
		    c->clients->conf->udp_timeout);
		conn_free(c);
		return;
	}
	if (eventloop_watch(u->idle, &u->look) == -1)
		conn_free(c);
}

static int
cmdudp_watch_idleness(struct cmdudp *u)
{
	struct clients *all = u->conn->clients;
	long long us = (long long)all->conf->udp_timeout * 1000000;

	if (us == 0)
		return 0;
	if ((u->idle = evtimer_new(all->base, cmdudp_idle_cb, u)) == NULL)
		return -1;
	u->look.tv_sec = (time_t)(us / CMDUDP_LOOKS / 1000000);
	u->look.tv_usec = us / CMDUDP_LOOKS % 1000000;
	return eventloop_watch(u->idle, &u->look);
}

/*
 * An address of the client's connection without its port: 127.0.0.1 if the
 * connection is not TCP, plain IPv4 if it is IPv4-mapped.
 */
static int
cmdudp_address(int (*get)(int, struct sockaddr *, socklen_t *), int fd,
    struct sockaddr_storage *ss, socklen_t *len)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ss;
	struct addr a;

	*len = sizeof(*ss);
	if (get(fd, (struct sockaddr *)ss, len) == -1)
		return -1;
	/* In place, which keeps the scope of a link-local address. */
	if (ss->ss_family == AF_INET6 &&
	    !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		in6->sin6_port = 0;
		return 0;
	}
	if (addr_from_sockaddr(&a, (struct sockaddr *)ss) == -1)
		addr_parse_host(&a, "127.0.0.1", 0);
	addr_unmap(&a);
	a.port = 0;
	return addr_to_sockaddr(&a, ss, len);
}

/* Opens the relay port where the client reached us; bnd is set to it. */
static int
cmdudp_open_relay(struct cmdudp *u, struct addr *bnd)
{
	struct clients *all = u->conn->clients;
	struct sockaddr_storage ss;
	struct sockaddr *sa = (struct sockaddr *)&ss;
	socklen_t len;
	int fd;

	if (cmdudp_address(getpeername, u->conn->fd, &ss, &len) == -1 ||
	    udpclient_init(&u->client, sa, &u->conn->dst) == -1 ||
	    cmdudp_address(getsockname, u->conn->fd, &ss, &len) == -1)
		return -1;
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return -1;
	if (bind(fd, sa, len) == -1 || getsockname(fd, sa, &len) == -1 ||
	    addr_from_sockaddr(bnd, sa) == -1 ||
	    (u->relay = udpsock_new(all->udp, fd, cmdudp_relay_cb, u)) ==
	    NULL) {
		close(fd);
		return -1;
	}
	u->max = ss.ss_family == AF_INET6 ? CMDUDP_MAX_IPV6 :
	    SOCKSUDP_PAYLOAD_MAX;
	return 0;
}

/* The far end is ready: so is the association, once the client is told. */
static void
cmdudp_granted_cb(struct conn *c, const struct farend_answer *answer)
{
	struct cmdudp *u = c->job;
	struct addr bnd;

	u->link = dgramlink_new(c->clients->base, answer->stream,
	    dgramlink_share(c->clients->nassocs), &cmdudp_link_ops, u);
	if (u->link == NULL) {
		answer->stream->ops->close(answer->stream, STREAM_CLOSE);
		conn_fail(c, SOCKS_REP_GENERAL, "out of memory");
		return;
	}
	if (cmdudp_open_relay(u, &bnd) == -1 ||
	    udpsock_start(u->relay) == -1 || cmdudp_watch_idleness(u) == -1) {
		log_warn("client %s: relay port", c->client);
		conn_refuse(c, SOCKS_REP_GENERAL);
		return;
	}
	if (conn_tell(c, &bnd) == -1 ||
	    dgramlink_start(u->link, answer->surplus,
	    answer->surplus_len) == -1)
		conn_free(c);
}

/* What all associations share; kept from the first on. */
static int
cmdudp_prepare(struct clients *all)
{
	if (all->udp == NULL)
		all->udp = udpsock_pool_new(all->base);
	if (all->datagram == NULL)
		all->datagram = malloc(SOCKSUDP_FRAME_MAX);
	return all->udp != NULL && all->datagram != NULL ? 0 : -1;
}

/* Makes a relay port for the client. */
void
cmdudp_start(struct conn *c)
{
	static const struct addr any = { .type = ADDR_IPV4 };
	struct clients *all = c->clients;
	struct cmdudp *u;

	if (all->nassocs >= (size_t)all->conf->max_udp_assocs) {
		log_info("client %s: MaxUDPAssociations (%d) is reached",
		    c->client, all->conf->max_udp_assocs);
		conn_fail(c, SOCKS_REP_GENERAL, "too many associations");
		return;
	}
	if (cmdudp_prepare(all) == -1 ||
	    (u = calloc(1, sizeof(*u))) == NULL) {
		conn_fail(c, SOCKS_REP_GENERAL, "out of memory");
		return;
	}
	u->conn = c;
	udpfrag_init(&u->frag);
	all->nassocs++;
	c->job = u;
	c->cancel = cmdudp_cancel;
	c->readable = cmdudp_readable;
	buf_clear(&c->in);
	/* Where the client sends from does not concern the far end. */
	conn_ask(c, SOCKS_CMD_UDP, &any, cmdudp_granted_cb);
}
