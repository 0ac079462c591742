/* SPDX-License-Identifier: ISC */
/*
 * The channels of one authenticated client.
 *
 * A direct-tcpip channel whose originator is the name of a service
 * ("connect@sockstun") comes from a sockstun: it is accepted at once, and a
 * SOCKS5 reply on it says how the dial went.  Any other is a foreign
 * client's: it is answered when the dial is, as RFC 4254 has it.
 *
 * A "session" channel is accepted, so that the client may go on, and every
 * request on it refused: there is no shell here.
 */
#include <sys/types.h>
#include <sys/tree.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "addr.h"
#include "buf.h"
#include "flow.h"
#include "log.h"
#include "mm.h"
#include "netflow.h"
#include "service.h"
#include "socks.h"
#include "sshchan.h"
#include "sshloop.h"
#include "stream.h"

/* As MaxSessions of sshd. */
#define NETFLOW_SESSIONS_MAX	10

struct netflow {
	RB_ENTRY(netflow)	 entry;
	struct netflows		*all;
	uint32_t		 id;
	ssh_message		 msg;	/* a foreign client's open, or NULL */
	struct sshchan		*chan;	/* a sockstun's, or NULL */
	char			*name;	/* destination, for the log */
	struct buf		 early;	/* what came on it before it stood */
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
	buf_init(&f->early, SOCKS5_MESSAGE_MAX);
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

	log_verbose("flow %u: %s: %s after %.1f s, %llu bytes sent, %llu "
	    "received", f->id, f->name,
	    sum->ending == STREAM_ABORT ? "reset" : "closed", sum->seconds,
	    (unsigned long long)sum->b_to_a, (unsigned long long)sum->a_to_b);
	netflow_free(f);
}

static void
farewell_done_cb(const struct flow_summary *sum, void *arg)
{
}

/* Answers a sockstun's channel with a failure and closes it. */
static void
chan_refuse(struct netflows *all, struct sshchan *chan, enum socks_rep rep)
{
	struct stream *st = sshchan_stream(chan);
	u_char reply[SOCKS5_MESSAGE_MAX];
	struct flow *f;
	size_t len;

	len = socks_encode_reply5(reply, sizeof(reply), rep, NULL);
	f = flow_farewell(all->base, st, reply, len, farewell_done_cb, NULL);
	if (f != NULL)
		flow_start(f);
	else
		st->ops->close(st, STREAM_ABORT);
}

/* A sockstun gave its channel up while the dial goes on. */
static void
netflow_waiting_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct netflow *f = arg;

	if (ev != STREAM_HANGUP && ev != STREAM_RESET)
		return;
	mm_cancel(f->all->mm, f->id);
	RB_REMOVE(netflow_tree, &f->all->dials, f);
	st->ops->close(st, STREAM_CLOSE);
	netflow_free(f);
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
	if (flow == NULL || flow_prefix_to_b(flow, reply, len) == -1 ||
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
	flow_start(flow);
}

static void
netflow_connected(struct netflow *f, const struct mm_dialed *d)
{
	struct netflows *all = f->all;
	struct stream *sock;

	if ((sock = sockstream_new(all->base, d->fd)) == NULL) {
		log_warnx("flow %u: %s: out of memory", f->id, f->name);
		close(d->fd);
		if (f->msg != NULL)
			ssh_message_reply_default(f->msg);
		else
			chan_refuse(all, f->chan, SOCKS_REP_GENERAL);
		netflow_free(f);
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

/* The dialer's answer to a dial; one that nobody waits for is dropped. */
void
netflows_dialed(const struct mm_dialed *d, void *arg)
{
	struct netflows *all = arg;
	struct netflow *f, key = { .id = d->id };
	uint32_t rep = d->rep;

	if ((f = RB_FIND(netflow_tree, &all->dials, &key)) == NULL) {
		if (d->fd != -1)
			close(d->fd);
		return;
	}
	RB_REMOVE(netflow_tree, &all->dials, f);
	if (f->msg != NULL)
		all->ndials--;
	if (rep == SOCKS_REP_OK && d->fd != -1) {
		netflow_connected(f, d);
		return;
	}
	if (d->fd != -1)
		close(d->fd);
	if (rep == SOCKS_REP_OK) {
		log_warnx("flow %u: %s: no descriptor left", f->id, f->name);
		rep = SOCKS_REP_GENERAL;
	} else
		log_verbose("flow %u: %s: %s", f->id, f->name, d->reason);
	if (f->msg != NULL) {
		ssh_message_reply_default(f->msg);
		sshloop_kick(all->loop);
	} else
		chan_refuse(all, f->chan, (enum socks_rep)rep);
	netflow_free(f);
}

static int
is_service(const char *origin)
{
	size_t len = strlen(origin), suffix = sizeof(SERVICE_SUFFIX) - 1;

	return len > suffix &&
	    strcmp(origin + len - suffix, SERVICE_SUFFIX) == 0;
}

/* Has a sockstun's destination dialed; f has the channel. */
static void
netflow_dial(struct netflow *f, const char *host, uint16_t port)
{
	struct stream *st = sshchan_stream(f->chan);

	st->cb = netflow_waiting_cb;
	st->arg = f;
	st->ops->want(st, 0);
	RB_INSERT(netflow_tree, &f->all->dials, f);
	mm_dial(f->all->mm, f->id, host, port, "sockstun", 0);
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
	size_t room = buf_space(&f->early);
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

/* A channel for a sockstun; 0: the message may be freed. */
static int
open_service(struct netflows *all, ssh_message msg, const char *host,
    uint16_t port, const char *service)
{
	struct netflow *f;
	struct sshchan *chan;
	struct stream *st;
	char safe[128];

	all->loop->native = 1;
	if ((chan = sshchan_accept(all->loop, msg)) == NULL)
		return 0;
	if ((f = netflow_new(all, host, port)) == NULL) {
		chan_refuse(all, chan, SOCKS_REP_GENERAL);
		return 0;
	}
	f->chan = chan;
	if (strcmp(service, SERVICE_CONNECT) == 0)
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
	return 0;
}

/* A foreign client's channel; 1: the message is kept for the answer. */
static int
open_foreign(struct netflows *all, ssh_message msg, const char *host,
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
	mm_dial(all->mm, f->id, host, port, origin, origin_port);
	return 1;
}

static int
open_direct(struct netflows *all, ssh_message msg)
{
	const char *host, *origin;
	int port, origin_port;

	host = ssh_message_channel_request_open_destination(msg);
	port = ssh_message_channel_request_open_destination_port(msg);
	origin = ssh_message_channel_request_open_originator(msg);
	origin_port = ssh_message_channel_request_open_originator_port(msg);
	if (host == NULL || *host == '\0' || strlen(host) > ADDR_NAME_MAX ||
	    port < 0 || port > UINT16_MAX || origin == NULL ||
	    strlen(origin) > ADDR_NAME_MAX) {
		log_info("channel to an impossible destination refused");
		ssh_message_reply_default(msg);
		return 0;
	}
	if (is_service(origin))
		return open_service(all, msg, host, (uint16_t)port, origin);
	return open_foreign(all, msg, host, (uint16_t)port, origin,
	    (uint16_t)(origin_port & UINT16_MAX));
}

/* Drops what comes on a session channel, until the client closes it. */
static void
session_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct netflows *all = arg;
	u_char junk[4096];
	ssize_t n = 1;

	while (ev == STREAM_READABLE && n > 0)
		n = st->ops->read(st, junk, sizeof(junk));
	if (ev == STREAM_HANGUP || ev == STREAM_RESET || n == 0) {
		all->nsessions--;
		st->ops->close(st, STREAM_CLOSE);
	}
}

static int
open_session(struct netflows *all, ssh_message msg)
{
	struct sshchan *chan;
	struct stream *st;

	if (all->nsessions >= NETFLOW_SESSIONS_MAX) {
		ssh_message_reply_default(msg);
		return 0;
	}
	if ((chan = sshchan_accept(all->loop, msg)) == NULL)
		return 0;
	all->nsessions++;
	st = sshchan_stream(chan);
	st->cb = session_cb;
	st->arg = all;
	st->ops->want(st, STREAM_WANT_READ);
	return 0;
}

static int
message_open(struct netflows *all, ssh_message msg)
{
	if (all->loop->nchannels + all->ndials >= all->max ||
	    all->mm->nqueued > all->max) {
		log_info("channel refused: MaxFlows (%zu) reached", all->max);
		ssh_message_reply_default(msg);
		return 0;
	}
	switch (ssh_message_subtype(msg)) {
	case SSH_CHANNEL_DIRECT_TCPIP:
		return open_direct(all, msg);
	case SSH_CHANNEL_SESSION:
		return open_session(all, msg);
	default:
		log_info("channel of an unsupported type refused");
		ssh_message_reply_default(msg);
		return 0;
	}
}

static const char *
request_name(int subtype)
{
	switch (subtype) {
	case SSH_CHANNEL_REQUEST_PTY:
		return "pty";
	case SSH_CHANNEL_REQUEST_EXEC:
		return "exec";
	case SSH_CHANNEL_REQUEST_SHELL:
		return "shell";
	case SSH_CHANNEL_REQUEST_ENV:
		return "env";
	case SSH_CHANNEL_REQUEST_SUBSYSTEM:
		return "subsystem";
	case SSH_CHANNEL_REQUEST_X11:
		return "X11";
	default:
		return "unknown";
	}
}

/*
 * A message of the authenticated client.  Returns 1 when it is kept.
 */
int
netflows_message(ssh_message msg, void *arg)
{
	struct netflows *all = arg;

	switch (ssh_message_type(msg)) {
	case SSH_REQUEST_CHANNEL_OPEN:
		return message_open(all, msg);
	case SSH_REQUEST_AUTH:
		return 0;	/* RFC 4252, 5.1: ignored without an answer */
	case SSH_REQUEST_CHANNEL:
		log_verbose("%s request refused",
		    request_name(ssh_message_subtype(msg)));
		break;
	case SSH_REQUEST_GLOBAL:
		log_debug("global request refused");
		break;
	default:
		break;
	}
	ssh_message_reply_default(msg);
	return 0;
}

/* No channels yet; max bounds channels and dials at once. */
void
netflows_init(struct netflows *all, struct event_base *base, struct mm *mm,
    size_t max)
{
	memset(all, 0, sizeof(*all));
	all->base = base;
	all->mm = mm;
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
