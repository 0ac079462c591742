/* SPDX-License-Identifier: ISC */
/*
 * The channels of one authenticated client.
 *
 * A direct-tcpip channel whose originator is the name of a service
 * ("connect@sockstun") comes from a sockstun: it is accepted at once, and a
 * SOCKS5 reply on it says how the dial went.  Any other is a foreign
 * client's: it is answered when the dial is, as RFC 4254 has it.
 *
 * What a service does is the dialer's business.  Each ends with an answer,
 * which is the reply to be sent, and a socket to be joined with the channel;
 * RESOLVE has no socket, and BIND has a reply before that one.
 *
 * Which channels may be opened at all is netopen.c's business.
 */
#include <sys/types.h>
#include <sys/tree.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "addr.h"
#include "buf.h"
#include "flow.h"
#include "log.h"
#include "priv.h"
#include "netflow.h"
#include "protocol.h"
#include "socks.h"
#include "sshchan.h"
#include "sshloop.h"
#include "stream.h"

/* What a client may send while a BIND waits; then it must wait too. */
#define NETFLOW_EARLY_MAX	16384

struct netflow {
	RB_ENTRY(netflow)	 entry;
	struct netflows		*all;
	uint32_t		 id;
	ssh_message		 msg;	/* a foreign client's open, or NULL */
	struct sshchan		*chan;	/* a sockstun's, or NULL */
	int			 cmd;	/* enum socks_cmd */
	char			*name;	/* destination, for the log */
	struct buf		 early;	/* what came on it before it stood */
	struct buf		 reply;	/* of BIND: the first, unsent */
};

/* What a sockstun may ask of the dialer. */
static const struct {
	const char	*name;
	enum socks_cmd	 cmd;
} netflow_services[] = {
	{ SERVICE_CONNECT,	SOCKS_CMD_CONNECT },
	{ SERVICE_BIND,		SOCKS_CMD_BIND },
	{ SERVICE_UDP,		SOCKS_CMD_UDP },
	{ SERVICE_RESOLVE,	SOCKS_CMD_RESOLVE },
	{ SERVICE_RESOLVE_PTR,	SOCKS_CMD_RESOLVE_PTR }
};

static int
netflow_compare(const struct netflow *a, const struct netflow *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(netflow_tree, netflow, entry, netflow_compare,
    static __attribute__((unused)))

static void
netflow_free(struct netflow *f)
{
	ssh_message_free(f->msg);
	buf_clear(&f->early);
	buf_clear(&f->reply);
	free(f->name);
	free(f);
}

static struct netflow *
netflow_new(struct netflows *all, const char *host, uint16_t port)
{
	struct netflow *f;
	struct addr a;
	char name[ADDR_STRLEN];

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->all = all;
	f->cmd = SOCKS_CMD_CONNECT;
	buf_init(&f->early, NETFLOW_EARLY_MAX);
	buf_init(&f->reply, SOCKS5_MESSAGE_MAX);
	f->id = ++all->last_id;
	if (addr_parse_host(&a, host, port) == 0)
		addr_format(&a, name, sizeof(name));
	else
		log_safe(host, strlen(host), name, sizeof(name));
	if ((f->name = strdup(name)) == NULL) {
		free(f);
		return NULL;
	}
	return f;
}

static void
netflow_done_cb(const struct flow_summary *sum, void *arg)
{
	struct netflow *f = arg;
	char text[128];

	snprintf(text, sizeof(text), "%s after %.1f s, %llu bytes sent, %llu "
	    "received", sum->ending == STREAM_ABORT ? "reset" : "closed",
	    sum->seconds, (unsigned long long)sum->b_to_a,
	    (unsigned long long)sum->a_to_b);
	if (f->cmd == SOCKS_CMD_BIND)
		log_info("flow %u: bind for %s: %s", f->id, f->name, text);
	else
		log_verbose("flow %u: %s: %s", f->id, f->name, text);
	netflow_free(f);
}

static void
farewell_done_cb(const struct flow_summary *sum, void *arg)
{
}

/* Ends a channel with bytes, which are its last. */
static void
chan_part(struct netflows *all, struct sshchan *chan, const void *data,
    size_t len)
{
	struct stream *st = sshchan_stream(chan);
	struct flow *f;

	f = flow_farewell(all->base, st, data, len, farewell_done_cb, NULL);
	if (f != NULL)
		flow_start(f);
	else
		st->ops->close(st, STREAM_ABORT);
}

/* Answers a sockstun's channel with a failure and closes it. */
static void
chan_refuse(struct netflows *all, struct sshchan *chan, enum socks_rep rep)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	len = socks_encode_reply5(reply, sizeof(reply), rep, NULL);
	chan_part(all, chan, reply, len);
}

/* The last reply, behind what is left of the first; f is gone. */
static void
netflow_part(struct netflow *f, enum socks_rep rep, const struct addr *bnd)
{
	u_char reply[2 * SOCKS5_MESSAGE_MAX];
	size_t n = buf_len(&f->reply);

	if (n > 0)
		memcpy(reply, buf_data(&f->reply), n);
	n += socks_encode_reply5(reply + n, sizeof(reply) - n, rep, bnd);
	chan_part(f->all, f->chan, reply, n);
	netflow_free(f);
}

/* A sockstun gave its channel up while the dial goes on. */
static void
netflow_abandon(struct netflow *f)
{
	struct stream *st = sshchan_stream(f->chan);

	priv_cancel(f->all->priv, f->id);
	RB_REMOVE(netflow_tree, &f->all->dials, f);
	st->ops->close(st, STREAM_CLOSE);
	netflow_free(f);
}

/* What a channel that waits is to tell: of BIND, which may wait long, all. */
static void
netflow_want(struct netflow *f)
{
	struct stream *st = sshchan_stream(f->chan);
	int want = 0;

	if (f->cmd == SOCKS_CMD_BIND && buf_space(&f->early) > 0)
		want |= STREAM_WANT_READ;
	if (buf_len(&f->reply) > 0)
		want |= STREAM_WANT_WRITE;
	st->ops->want(st, want);
}

/* Keeps what a client sends ahead of its peer.  -1 at its end. */
static int
netflow_read_early(struct netflow *f, struct stream *st)
{
	u_char *space;
	ssize_t n;
	size_t room;

	if ((room = buf_space(&f->early)) == 0)
		return 0;
	if ((space = buf_reserve(&f->early, room)) == NULL)
		return -1;
	if ((n = st->ops->read(st, space, room)) == -1)
		return errno == EAGAIN ? 0 : -1;
	buf_commit(&f->early, (size_t)n);
	return n == 0 ? -1 : 0;
}

static int
netflow_write_reply(struct netflow *f, struct stream *st)
{
	ssize_t n;

	if (buf_len(&f->reply) == 0)
		return 0;
	n = st->ops->write(st, buf_data(&f->reply), buf_len(&f->reply));
	if (n == -1)
		return errno == EAGAIN ? 0 : -1;
	buf_consume(&f->reply, (size_t)n);
	return 0;
}

static void
netflow_waiting_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct netflow *f = arg;
	int r = -1;

	if (ev == STREAM_READABLE)
		r = netflow_read_early(f, st);
	else if (ev == STREAM_WRITABLE)
		r = netflow_write_reply(f, st);
	if (r == 0)
		netflow_want(f);
	else
		netflow_abandon(f);
}

/* Joins the dialed socket with the channel; consumes both. */
static void
netflow_relay(struct netflow *f, struct stream *sock, const struct addr *bnd)
{
	struct stream *st = sshchan_stream(f->chan);
	struct flow *flow;
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len = 0;

	if (f->msg == NULL)
		len = socks_encode_reply5(reply, sizeof(reply), SOCKS_REP_OK,
		    bnd);
	flow = flow_new(f->all->base, sock, st, netflow_done_cb, f);
	if (flow == NULL || flow_prefix_to_b(flow, buf_data(&f->reply),
	    buf_len(&f->reply)) == -1 ||
	    flow_prefix_to_b(flow, reply, len) == -1 ||
	    flow_prefix_to_a(flow, buf_data(&f->early),
	    buf_len(&f->early)) == -1) {
		if (flow != NULL) {
			flow_abort(flow);
			return;
		}
		sock->ops->close(sock, STREAM_ABORT);
		st->ops->close(st, STREAM_ABORT);
		netflow_free(f);
		return;
	}
	f->chan = NULL;
	buf_clear(&f->early);
	buf_clear(&f->reply);
	flow_start(flow);
}

/* Tells the client of a failure; f is gone. */
static void
netflow_fail(struct netflow *f, enum socks_rep rep)
{
	if (f->msg == NULL) {
		netflow_part(f, rep, NULL);
		return;
	}
	ssh_message_reply_default(f->msg);
	sshloop_kick(f->all->loop);
	netflow_free(f);
}

static void
netflow_connected(struct netflow *f, const struct priv_dialed *d)
{
	struct netflows *all = f->all;
	struct stream *sock;

	if ((sock = sockstream_new(all->base, d->fd)) == NULL) {
		log_warnx("flow %u: %s: out of memory", f->id, f->name);
		close(d->fd);
		netflow_fail(f, SOCKS_REP_GENERAL);
		return;
	}
	if (f->msg != NULL && (f->chan = sshchan_accept(all->loop,
	    f->msg)) == NULL) {
		sock->ops->close(sock, STREAM_ABORT);
		netflow_free(f);
		return;
	}
	netflow_relay(f, sock, &d->bnd);
}

/* Does a service of this command come with a socket? */
static int
netflow_has_socket(int cmd)
{
	return cmd != SOCKS_CMD_RESOLVE && cmd != SOCKS_CMD_RESOLVE_PTR;
}

/* The dialer's answer to a dial; one that nobody waits for is dropped. */
void
netflows_dialed(const struct priv_dialed *d, void *arg)
{
	struct netflows *all = arg;
	struct netflow *f, key = { .id = d->id };

	if ((f = RB_FIND(netflow_tree, &all->dials, &key)) == NULL) {
		if (d->fd != -1)
			close(d->fd);
		return;
	}
	RB_REMOVE(netflow_tree, &all->dials, f);
	if (f->msg != NULL)
		all->ndials--;
	if (d->rep == SOCKS_REP_OK && d->fd != -1) {
		netflow_connected(f, d);
		return;
	}
	if (d->fd != -1)
		close(d->fd);
	if (d->rep != SOCKS_REP_OK) {
		log_verbose("flow %u: %s: %s", f->id, f->name, d->reason);
		netflow_fail(f, (enum socks_rep)d->rep);
	} else if (netflow_has_socket(f->cmd)) {
		log_warnx("flow %u: %s: no descriptor left", f->id, f->name);
		netflow_fail(f, SOCKS_REP_GENERAL);
	} else
		netflow_part(f, SOCKS_REP_OK, &d->bnd);
}

/* The first of BIND's two answers. */
void
netflows_bound(uint32_t id, const struct addr *bnd, void *arg)
{
	struct netflows *all = arg;
	struct netflow *f, key = { .id = id };
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	f = RB_FIND(netflow_tree, &all->dials, &key);
	if (f == NULL || f->cmd != SOCKS_CMD_BIND || buf_len(&f->reply) > 0)
		return;
	len = socks_encode_reply5(reply, sizeof(reply), SOCKS_REP_OK, bnd);
	if (buf_append(&f->reply, reply, len) == -1)
		netflow_abandon(f);
	else
		netflow_want(f);
}

/* Has a sockstun's destination dialed; f has the channel. */
static void
netflow_dial(struct netflow *f, const char *host, uint16_t port)
{
	struct stream *st = sshchan_stream(f->chan);

	st->cb = netflow_waiting_cb;
	st->arg = f;
	netflow_want(f);
	RB_INSERT(netflow_tree, &f->all->dials, f);
	if (f->cmd == SOCKS_CMD_CONNECT)
		priv_dial(f->all->priv, f->id, host, port, "sockstun", 0);
	else
		priv_service(f->all->priv, f->id, f->cmd, host, port);
}

/* The request on a spare channel, which goes on to be a flow. */
static void
spare_take_request(struct netflow *f, const struct socks_request *req)
{
	char host[ADDR_STRLEN], name[ADDR_STRLEN];

	free(f->name);
	f->name = strdup(addr_format(&req->dst, name, sizeof(name)));
	if (req->cmd != SOCKS_CMD_CONNECT || f->name == NULL) {
		chan_refuse(f->all, f->chan, req->cmd != SOCKS_CMD_CONNECT ?
		    SOCKS_REP_COMMAND : SOCKS_REP_GENERAL);
		netflow_free(f);
		return;
	}
	addr_format_host(&req->dst, host, sizeof(host));
	netflow_dial(f, host, req->dst.port);
}

/*
 * Reads a request from a spare channel; what follows it is kept.  Returns 1
 * when it is there, 0 to wait, -1 when there will be none.
 */
static int
spare_read_request(struct netflow *f, struct stream *st,
    struct socks_request *req)
{
	size_t room = SOCKS5_MESSAGE_MAX - buf_len(&f->early);
	u_char *space = buf_reserve(&f->early, room);
	ssize_t n, used;

	if (space == NULL)
		return -1;
	if ((n = st->ops->read(st, space, room)) == -1)
		return errno == EAGAIN ? 0 : -1;
	buf_commit(&f->early, (size_t)n);
	used = socks_decode_request5(req, buf_data(&f->early),
	    buf_len(&f->early));
	if (used < 0)
		log_info("malformed request on a spare channel: %s",
		    socks_strerror(used));
	if (used > 0)
		buf_consume(&f->early, (size_t)used);
	return used > 0 ? 1 : used < 0 || n == 0 ? -1 : 0;
}

static void
spare_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct netflow *f = arg;
	struct socks_request req;
	int r = -1;

	if (ev == STREAM_READABLE)
		r = spare_read_request(f, st, &req);
	if (r == 1)
		spare_take_request(f, &req);
	else if (r == 0)
		st->ops->want(st, STREAM_WANT_READ);
	else {
		st->ops->close(st, STREAM_CLOSE);
		netflow_free(f);
	}
}

static int
netflow_set_service(struct netflow *f, const char *service)
{
	size_t i, n = sizeof(netflow_services) / sizeof(netflow_services[0]);

	for (i = 0; i < n; i++) {
		if (strcmp(service, netflow_services[i].name) == 0) {
			f->cmd = netflow_services[i].cmd;
			return 0;
		}
	}
	return -1;
}

/* Opens a channel for a sockstun; the message is the caller's. */
void
netflows_open_service(struct netflows *all, ssh_message msg, const char *host,
    uint16_t port, const char *service)
{
	struct netflow *f;
	struct sshchan *chan;
	struct stream *st;
	char safe[128];

	all->loop->native = 1;
	if ((chan = sshchan_accept(all->loop, msg)) == NULL)
		return;
	if ((f = netflow_new(all, host, port)) == NULL) {
		chan_refuse(all, chan, SOCKS_REP_GENERAL);
		return;
	}
	f->chan = chan;
	if (netflow_set_service(f, service) == 0)
		netflow_dial(f, host, port);
	else if (strcmp(service, SERVICE_SPARE) == 0) {
		st = sshchan_stream(chan);
		st->cb = spare_cb;
		st->arg = f;
		st->ops->want(st, STREAM_WANT_READ);
	} else {
		log_info("unknown service %s", log_safe(service,
		    strlen(service), safe, sizeof(safe)));
		chan_refuse(all, chan, SOCKS_REP_COMMAND);
		netflow_free(f);
	}
}

/* A foreign client's channel; 1: the message is kept for the answer. */
int
netflows_open_foreign(struct netflows *all, ssh_message msg, const char *host,
    uint16_t port, const char *origin, uint16_t origin_port)
{
	struct netflow *f;

	if ((f = netflow_new(all, host, port)) == NULL) {
		ssh_message_reply_default(msg);
		return 0;
	}
	f->msg = msg;
	RB_INSERT(netflow_tree, &all->dials, f);
	all->ndials++;
	priv_dial(all->priv, f->id, host, port, origin, origin_port);
	return 1;
}

/* No channels yet; max bounds channels and dials at once. */
void
netflows_init(struct netflows *all, struct event_base *base, struct priv *priv,
    size_t max)
{
	memset(all, 0, sizeof(*all));
	all->base = base;
	all->priv = priv;
	all->max = max;
	RB_INIT(&all->dials);
}

/* Forgets the dials that are not answered; their channels end elsewhere. */
void
netflows_clear(struct netflows *all)
{
	struct netflow *f;

	while ((f = RB_ROOT(&all->dials)) != NULL) {
		RB_REMOVE(netflow_tree, &all->dials, f);
		netflow_free(f);
	}
}
