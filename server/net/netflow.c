/* SPDX-License-Identifier: ISC */
/*
 * The flows of one authenticated client: each is one request, which the dialer
 * answers (priv.h), and the channel that it came on.
 *
 *	NATIVE   channel accepted ------------.
 *	SPARE    channel accepted, OPENING ---+--> ASKED --> RELAYING --> OVER
 *	FOREIGN  opening kept unanswered -----'      |                     |
 *	                                             '--- no socket, ------'
 *	                                                  or given up
 *
 * OPENING reads the request from a spare channel, ASKED waits for the dialer.
 * A native client, a sockstun, names the service that it wants in the
 * channel's originator ("connect@sockstun") and learns how its request came
 * out by a SOCKS5 reply on the channel.  A foreign one is told by the answer
 * to its opening, as RFC 4254 has it; that is kept until then.
 *
 * The dialer's reply brings a socket, which is joined with the channel;
 * RESOLVE has none, and BIND has a reply before that one.
 *
 * When the session is lost every channel says STREAM_RESET: then the sockets
 * of flows that relay are reset too, and requests that were asked are
 * cancelled.  Which channels may be opened at all is netopen's business.
 */
#include <sys/types.h>
#include <sys/tree.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "addr.h"
#include "flow.h"
#include "log.h"
#include "netflow.h"
#include "priv.h"
#include "privsep.h"
#include "protocol.h"
#include "served.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"

/* Seconds beyond the dialer's own deadline. */
#define NETFLOW_GRACE	5

enum netflow_state {
	NETFLOW_OPENING,
	NETFLOW_ASKED,		/* of the dialer; the flow is in the tree */
	NETFLOW_RELAYING,
	NETFLOW_OVER
};

struct netflow {
	RB_ENTRY(netflow)	 entry;
	struct netflows		*all;
	enum netflow_kind	 kind;
	enum netflow_state	 state;
	struct deadline		 deadline; /* while ASKED */
	uint32_t		 id;
	ssh_message		 opening; /* FOREIGN, until it is answered */
	uint32_t		 cmd;	/* enum socks_cmd */
	char			*name;	/* destination, for the log */
	struct served		 served; /* the channel, once accepted */
};

static int
netflow_compare(const struct netflow *a, const struct netflow *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(netflow_tree, netflow, entry, netflow_compare,
    static __attribute__((unused)))

static struct netflow *
netflow_find(struct netflows *all, uint32_t id)
{
	struct netflow key = { .id = id };

	return RB_FIND(netflow_tree, &all->asked, &key);
}

static void
netflow_set_state(struct netflow *f, enum netflow_state state)
{
	struct netflows *all = f->all;

	if (f->state == NETFLOW_ASKED) {
		RB_REMOVE(netflow_tree, &all->asked, f);
		deadline_stop(&f->deadline);
		all->nunopened -= f->kind == NETFLOW_FOREIGN;
	}
	f->state = state;
	if (f->state == NETFLOW_ASKED) {
		RB_INSERT(netflow_tree, &all->asked, f);
		deadline_set(&f->deadline, f->cmd == SOCKS_CMD_BIND ?
		    &all->peers : &all->answers, f);
		all->nunopened += f->kind == NETFLOW_FOREIGN;
	}
}

static void
netflow_free(struct netflow *f)
{
	netflow_set_state(f, NETFLOW_OVER);
	ssh_message_free(f->opening);
	served_clear(&f->served);
	free(f->name);
	free(f);
}

/* Names the destination for the log.  -1 without memory. */
static int
netflow_set_name(struct netflow *f, const struct privsep_request *req)
{
	char name[ADDR_STRLEN];
	struct addr a;

	if (addr_parse_host(&a, req->host, req->port) == 0)
		addr_format(&a, name, sizeof(name));
	else
		log_safe(req->host, strlen(req->host), name, sizeof(name));
	free(f->name);
	return (f->name = strdup(name)) == NULL ? -1 : 0;
}

static struct netflow *
netflow_new(struct netflows *all, enum netflow_kind kind,
    const struct privsep_request *req)
{
	struct netflow *f;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->all = all;
	f->kind = kind;
	f->id = ++all->last_id;
	served_init(&f->served, all->base);
	if (netflow_set_name(f, req) == -1) {
		netflow_free(f);
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

/* Sends the last reply on the channel and closes it; f is gone. */
static void
netflow_part(struct netflow *f, enum socks_rep rep, const struct addr *bnd)
{
	u_char reply[SERVED_REPLIES_MAX];
	struct stream *st = f->served.stream;
	struct flow *farewell;
	size_t n;

	n = served_last_reply(&f->served, reply, rep, bnd);
	farewell = flow_farewell(f->all->base, st, reply, n, NULL, NULL);
	if (farewell != NULL)
		flow_start(farewell);
	else
		st->ops->close(st, STREAM_ABORT);
	netflow_free(f);
}

/* Tells the client of a failure, in the way of its kind; f is gone. */
static void
netflow_fail(struct netflow *f, enum socks_rep rep)
{
	if (f->kind != NETFLOW_FOREIGN) {
		netflow_part(f, rep, NULL);
		return;
	}
	sshconn_refuse(&f->all->loop->conn, f->opening);
	netflow_free(f);
}

/* The dialer has a deadline of its own, but it may hang. */
static void
netflow_late_cb(void *arg)
{
	struct netflow *f = arg;

	log_warnx("flow %u: %s: the dialer does not answer", f->id, f->name);
	priv_cancel(f->all->priv, f->id);
	netflow_fail(f, SOCKS_REP_TTL);
}

/* The client gave its channel up. */
static void
netflow_abandon(struct netflow *f)
{
	struct stream *st = f->served.stream;

	if (f->state == NETFLOW_ASKED)
		priv_cancel(f->all->priv, f->id);
	st->ops->close(st, STREAM_CLOSE);
	netflow_free(f);
}

/*
 * Asks the dialer; f may be gone after it.  Until the answer only BIND reads
 * early bytes: it may wait for minutes and must see its client go.
 */
static void
netflow_ask(struct netflow *f, const struct privsep_request *req)
{
	f->cmd = req->cmd;
	netflow_set_state(f, NETFLOW_ASKED);
	if (f->kind != NETFLOW_FOREIGN) {
		f->served.reads = f->cmd == SOCKS_CMD_BIND;
		served_wait(&f->served);
	}
	if (priv_request(f->all->priv, f->id, req) == -1) {
		log_warn("flow %u: %s: cannot ask the dialer", f->id, f->name);
		netflow_fail(f, SOCKS_REP_GENERAL);
	}
}

/* The request on a spare channel, which may only be to connect. */
static void
spare_ask(struct netflow *f, const struct socks_request *socks)
{
	struct privsep_request req = {
		.cmd = socks->cmd, .port = socks->dst.port, .origin = "spare"
	};

	addr_format_host(&socks->dst, req.host, sizeof(req.host));
	if (req.cmd != SOCKS_CMD_CONNECT)
		netflow_part(f, SOCKS_REP_COMMAND, NULL);
	else if (netflow_set_name(f, &req) == -1)
		netflow_part(f, SOCKS_REP_GENERAL, NULL);
	else
		netflow_ask(f, &req);
}

static void
spare_event(struct netflow *f, enum stream_event ev)
{
	struct socks_request socks;
	ssize_t r = SERVED_EEND;

	if (ev == STREAM_READABLE)
		r = served_read_request(&f->served, &socks);
	if (r > 0)
		spare_ask(f, &socks);
	else if (r == 0)
		served_wait(&f->served);
	else {
		if (r != SERVED_EEND)
			log_info_limited(&f->all->lines, "%s: malformed "
			    "request on a spare channel: %s", f->all->who,
			    socks_strerror(r));
		netflow_abandon(f);
	}
}

static void
netflow_stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct netflow *f = arg;

	if (f->state == NETFLOW_OPENING)
		spare_event(f, ev);
	else if (served_event(&f->served, ev) == -1)
		netflow_abandon(f);
}

/* Accepts the channel of an opening.  -1: f is gone. */
static int
netflow_accept(struct netflow *f, ssh_message opening)
{
	struct sshchan *chan;

	chan = sshopen_accept(&f->all->loop->chans, opening);
	if (chan == NULL) {
		netflow_free(f);
		return -1;
	}
	chan->stream.cb = netflow_stream_cb;
	chan->stream.arg = f;
	f->served.stream = &chan->stream;
	return 0;
}

/*
 * Opens a channel: a spare one, or one for a request, whose command is 0 if
 * the service that it names is not known.  Returns 1 if the message is kept
 * until the opening is answered.
 */
int
netflows_open(struct netflows *all, ssh_message msg, enum netflow_kind kind,
    const struct privsep_request *req)
{
	struct netflow *f;

	if ((f = netflow_new(all, kind, req)) == NULL) {
		sshconn_refuse(&all->loop->conn, msg);
		return 0;
	}
	if (kind == NETFLOW_FOREIGN) {
		f->opening = msg;
		netflow_ask(f, req);
		return 1;
	}
	sshloop_note_sockstun(all->loop);
	if (netflow_accept(f, msg) == -1)
		return 0;
	if (kind == NETFLOW_SPARE) {
		f->served.reads = 1;
		served_wait(&f->served);
	} else if (req->cmd == 0)
		netflow_part(f, SOCKS_REP_COMMAND, NULL);
	else
		netflow_ask(f, req);
	return 0;
}

/* Joins the socket, which is consumed, with the channel. */
static void
netflow_relay(struct netflow *f, int fd, const struct addr *bnd)
{
	struct stream *sock, *st;
	ssh_message opening = f->opening;
	int foreign = f->kind == NETFLOW_FOREIGN;

	if ((sock = sockstream_new(f->all->base, fd)) == NULL) {
		log_warnx("flow %u: %s: out of memory", f->id, f->name);
		close(fd);
		netflow_fail(f, SOCKS_REP_GENERAL);
		return;
	}
	if (foreign) {
		f->opening = NULL;
		if (netflow_accept(f, opening) == -1) {
			sock->ops->close(sock, STREAM_ABORT);
			ssh_message_free(opening);
			return;
		}
		ssh_message_free(opening);
	}
	netflow_set_state(f, NETFLOW_RELAYING);
	st = f->served.stream;
	if (served_relay(&f->served, sock, foreign ? NULL : bnd,
	    netflow_done_cb, f) == 0)
		return;
	sock->ops->close(sock, STREAM_ABORT);
	st->ops->close(st, STREAM_ABORT);
	netflow_free(f);
}

static int
netflow_has_socket(const struct netflow *f)
{
	return f->cmd != SOCKS_CMD_RESOLVE && f->cmd != SOCKS_CMD_RESOLVE_PTR;
}

/*
 * The dialer's reply, which has its own line of log about a failure.  One that
 * nobody waits for is dropped.  fd, or -1, is consumed.
 */
static void
netflows_reply_cb(uint32_t id, const struct privsep_reply *reply, int fd,
    void *arg)
{
	struct netflow *f = netflow_find(arg, id);

	if (f != NULL && reply->rep == SOCKS_REP_OK && fd != -1) {
		netflow_relay(f, fd, &reply->bnd);
		return;
	}
	if (fd != -1)
		close(fd);
	if (f == NULL)
		return;
	if (reply->rep != SOCKS_REP_OK)
		netflow_fail(f, (enum socks_rep)reply->rep);
	else if (netflow_has_socket(f)) {
		log_warnx("flow %u: %s: no descriptor left", f->id, f->name);
		netflow_fail(f, SOCKS_REP_GENERAL);
	} else
		netflow_part(f, SOCKS_REP_OK, &reply->bnd);
}

/* The first of BIND's two replies. */
static void
netflows_bound_cb(uint32_t id, const struct addr *bnd, void *arg)
{
	struct netflow *f = netflow_find(arg, id);

	if (f != NULL && f->cmd == SOCKS_CMD_BIND &&
	    served_bound(&f->served, bnd) == -1)
		netflow_abandon(f);
}

/*
 * Without its dialer the session is of no use to anybody.  The log leads
 * through the dialer, so it is the client who learns why.  A dialer of the
 * same uid takes this process with it (filter_hide): this is not always called.
 */
static void
netflows_gone_cb(const char *why, void *arg)
{
	struct netflows *all = arg;

	ssh_session_set_disconnect_message(all->loop->conn.session, why);
	event_base_loopbreak(all->base);
}

const struct priv_ops netflows_priv_ops = {
	.bound = netflows_bound_cb,
	.reply = netflows_reply_cb,
	.gone = netflows_gone_cb,
};

/*
 * No flows yet; max bounds channels and requests without one together, and
 * the dialer takes so many seconds for an answer.  -1 when memory is out.
 */
int
netflows_init(struct netflows *all, struct event_base *base, struct priv *priv,
    size_t max, int seconds, const char *who)
{
	memset(all, 0, sizeof(*all));
	all->who = who;
	ratelimit_init(&all->lines, LOG_PEER_LINES);
	all->base = base;
	all->priv = priv;
	all->max = max;
	RB_INIT(&all->asked);
	seconds += NETFLOW_GRACE;
	return deadlines_init(&all->answers, base, seconds,
	    netflow_late_cb) == -1 || deadlines_init(&all->peers, base,
	    seconds + SERVICE_BIND_WAIT, netflow_late_cb) == -1 ? -1 : 0;
}

/* Forgets the requests that are not answered; their channels end elsewhere. */
void
netflows_clear(struct netflows *all)
{
	struct netflow *f;

	log_left_out(&all->lines);
	while ((f = RB_ROOT(&all->asked)) != NULL)
		netflow_free(f);
	deadlines_clear(&all->answers);
	deadlines_clear(&all->peers);
}
