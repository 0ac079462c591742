/* SPDX-License-Identifier: ISC */
/*
 * The dialer of one connection, which runs as the user who logged in: it
 * answers sockstund-net's requests with connected sockets, under the rules of
 * the configuration and of the user's key.  It trusts net no further than
 * privsep.h says.  What each service does is not known here (services.h), nor
 * SSH and the relaying, which are net's.
 *
 * A request:  PS_REQUEST -> its service -> (PS_BOUND ->) PS_REPLY
 * PS_CANCEL ends it anywhere on that way, without a reply.
 *
 * Of UDP what stays here is the association, after the answer: it ends when
 * net closes the other end of its pair of sockets.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/tree.h>

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "beat.h"
#include "context.h"
#include "destrules.h"
#include "dialer.h"
#include "dialfilter.h"
#include "eventloop.h"
#include "fdlimit.h"
#include "kinds.h"
#include "log.h"
#include "msg.h"
#include "msgqueue.h"
#include "privsep.h"
#include "report.h"
#include "resolver.h"
#include "servconf.h"
#include "services.h"
#include "socks.h"
#include "stream.h"
#include "udpsock.h"
#include "watchdog.h"

#define DIALER_THREADS	16	/* that resolve names */
#define DIALER_BURST	64	/* messages read in one go */
#define DIALER_PAIR	(128 * 1024)	/* bytes of frames in the kernel */

#define DIALER_EXIT_VIOLATION	255

/* Its one state, in which a message is permitted or not. */
#define DIALER_SERVING	0x01

/* What net asked for with one PS_REQUEST, until it is answered. */
struct request {
	RB_ENTRY(request) node;
	struct dialer	*dialer;
	uint32_t	 id;
	struct service	*service;
};
RB_HEAD(request_tree, request);

struct dialer {
	const struct servconf	*conf;
	const struct context	*ctx;
	struct event_base	*base;
	struct event		*ev_read;
	struct services		 services;
	struct destrules	 rules;
	struct request_tree	 requests;
	size_t			 nrequests;
	struct msgqueue		 replies;
	struct beat		 beat;
	int			 peer;
	struct report		*log;
	uint32_t		 seen;		/* types that came */
	int			 status;	/* exit status */
};

static int
request_cmp(const struct request *a, const struct request *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(request_tree, request, node, request_cmp,
    static __attribute__((unused)))

static struct request *
request_find(struct dialer *d, uint32_t id)
{
	struct request key = { .id = id };

	return RB_FIND(request_tree, &d->requests, &key);
}

static struct request *
request_new(struct dialer *d, uint32_t id)
{
	struct request *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->dialer = d;
	r->id = id;
	RB_INSERT(request_tree, &d->requests, r);
	d->nrequests++;
	return r;
}

static void
request_free(struct request *r)
{
	struct dialer *d = r->dialer;

	service_cancel(r->service);
	RB_REMOVE(request_tree, &d->requests, r);
	d->nrequests--;
	free(r);
}

static void
dialer_stop(struct dialer *d, int status)
{
	d->status = status;
	event_base_loopbreak(d->base);
}

static void
dialer_failed_cb(int error, void *arg)
{
	struct dialer *d = arg;

	if (error == EPIPE || error == ECONNRESET) {
		dialer_stop(d, 0);
		return;
	}
	errno = error;
	log_warn("dialer for %s: cannot answer", d->ctx->user);
	dialer_stop(d, DIALER_EXIT_VIOLATION);
}

/*
 * Sends the last message about a request; if there is no memory for it, an
 * empty one, which needs none.  Without that net would wait for ever.
 */
static void
dialer_reply(struct dialer *d, uint32_t id, struct msg *m)
{
	if (msgqueue_send(&d->replies, m) == 0 || errno == EPIPE)
		return;
	log_warn("flow %u: reply to net", id);
	msg_init(m, PS_REPLY, id);
	if (msgqueue_send(&d->replies, m) == -1 && errno != EPIPE)
		dialer_failed_cb(errno, d);
}

/* It was stopped, or hangs; this process's end makes an orphan of it. */
static void
dialer_silent_cb(void *arg)
{
	struct dialer *d = arg;

	log_warnx("dialer for %s: sockstund-net takes no messages",
	    d->ctx->user);
	dialer_stop(d, DIALER_EXIT_VIOLATION);
}

/* Answers a request, which is gone then. */
static void
request_reply(struct request *r, const struct service_reply *reply)
{
	struct privsep_reply payload = { .rep = reply->rep, .bnd = reply->bnd };
	struct dialer *d = r->dialer;
	uint32_t id = r->id;
	struct msg m;

	msg_init(&m, PS_REPLY, id);
	m.fd = reply->fd;
	privsep_put_reply(&m, &payload);
	r->service = NULL;
	request_free(r);
	dialer_reply(d, id, &m);
}

/* For what never became a service. */
static void
request_fail(struct request *r, const char *host, enum socks_rep rep,
    const char *reason)
{
	struct service_reply reply = { .rep = rep, .fd = -1 };
	char to[ADDR_STRLEN];

	log_verbose("flow %u: request for %s: %s failed: %s", r->id,
	    r->dialer->ctx->user, log_safe(host, strlen(host), to, sizeof(to)),
	    reason);
	request_reply(r, &reply);
}

static void
request_bound_cb(struct service *sv, const struct addr *bnd)
{
	struct request *r = sv->arg;
	struct msg m;

	msg_init(&m, PS_BOUND, r->id);
	privsep_put_addr(&m, bnd);
	if (msgqueue_send(&r->dialer->replies, &m) == -1 && errno != EPIPE)
		service_fail_errno(sv, errno);
}

/* One end of a pair for frames is the association's, the other net's. */
static int
request_link_cb(struct service *sv, const struct addr *bnd,
    struct service_link *link)
{
	static const int size = DIALER_PAIR;
	struct request *r = sv->arg;
	struct service_reply reply = { .rep = SOCKS_REP_OK, .bnd = *bnd };
	int fd[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) == -1)
		return -1;
	for (i = 0; i < 2; i++)
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if ((link->stream = sockstream_new(r->dialer->base, fd[0])) == NULL) {
		close(fd[0]);
		close(fd[1]);
		errno = ENOMEM;
		return -1;
	}
	sv->arg = NULL;
	reply.fd = fd[1];
	request_reply(r, &reply);
	return 0;
}

static void
request_done_cb(struct service *sv, const struct service_reply *reply)
{
	if (sv->arg != NULL)
		request_reply(sv->arg, reply);
}

static const struct service_ops request_service_ops = {
	.bound = request_bound_cb,
	.link = request_link_cb,
	.done = request_done_cb,
};

static void
request_start(struct request *r, const struct privsep_request *req)
{
	struct addr dst;

	if (addr_parse_host(&dst, req->host, req->port) == -1) {
		request_fail(r, req->host, SOCKS_REP_HOST, "not a host name");
		return;
	}
	r->service = service_new(&r->dialer->services, req->cmd, &dst,
	    &request_service_ops, r);
	if (r->service == NULL)
		request_fail(r, req->host, SOCKS_REP_GENERAL, strerror(errno));
	else
		service_start(r->service, r->id);
}

/*
 * net keeps to max_flows itself; as it may count a request as cancelled before
 * we hear of that, only twice as many end the connection.
 */
static int
answer_request(struct dialer *d, struct msg *m)
{
	size_t max = d->conf->max_flows, open = d->nrequests + d->replies.n;
	struct privsep_request req;
	struct request *r;
	char from[64];

	if (privsep_get_request(m, &req) == -1) {
		if (errno != ENOMEM)
			return -1;
		dialer_reply(d, m->id, m);
		return 0;
	}
	log_debug("flow %u: request for %s: from %s port %u", m->id,
	    d->ctx->user, log_safe(req.origin, strlen(req.origin), from,
	    sizeof(from)), req.origin_port);
	if (request_find(d, m->id) != NULL) {
		log_warnx("dialer for %s: flow %u came twice", d->ctx->user,
		    m->id);
		return -1;
	}
	if (open >= 2 * max || (r = request_new(d, m->id)) == NULL) {
		log_warnx("dialer for %s: too many requests", d->ctx->user);
		return -1;
	}
	if (open + 1 + d->services.nudp > max)
		request_fail(r, req.host, SOCKS_REP_GENERAL,
		    "too many requests under way");
	else
		request_start(r, &req);
	return 0;
}

static int
answer_cancel(struct dialer *d, struct msg *m)
{
	struct request *r;

	if (msg_end(m) == -1)
		return -1;
	if ((r = request_find(d, m->id)) != NULL) {
		log_debug("flow %u: request for %s: cancelled", m->id,
		    d->ctx->user);
		request_free(r);
	}
	return 0;
}

static int
answer_log(struct dialer *d, struct msg *m)
{
	struct privsep_line line;

	if (privsep_get_log(m, &line) == 0)
		report_net_line(d->log, &line);
	else if (errno == ENOMEM)
		report_lost(d->log);
	else
		return -1;
	return 0;
}

static int
answer_alive(struct dialer *d, struct msg *m)
{
	return msg_end(m);
}

/* What net may say to a dialer; a handler's -1 ends the connection. */
static const struct dialer_message {
	struct privsep_rule	 rule;
	int			(*answer)(struct dialer *, struct msg *);
} dialer_table[] = {
	{ { PS_REQUEST, DIALER_SERVING },	answer_request },
	{ { PS_CANCEL, DIALER_SERVING },	answer_cancel },
	{ { PS_LOG, DIALER_SERVING },		answer_log },
	{ { PS_ALIVE, DIALER_SERVING },		answer_alive }
};

static const struct dialer_message *
dialer_find(struct dialer *d, const struct msg *m)
{
	size_t i;

	for (i = 0; i < sizeof(dialer_table) / sizeof(dialer_table[0]); i++)
		if (privsep_admit(&dialer_table[i].rule, DIALER_SERVING,
		    &d->seen, m))
			return &dialer_table[i];
	return NULL;
}

static int
dialer_dispatch(struct dialer *d, struct msg *m)
{
	const struct dialer_message *dm = dialer_find(d, m);

	if (dm == NULL) {
		log_warnx("dialer for %s: message %u from net is not "
		    "permitted", d->ctx->user, m->type);
		return -1;
	}
	watchdog_note("a message of net's for flow", m->id);
	beat_heard(&d->beat);
	if (dm->answer(d, m) == -1) {
		log_warnx("dialer for %s: bad message %u from net",
		    d->ctx->user, m->type);
		return -1;
	}
	return 0;
}

static void
dialer_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct dialer *d = arg;
	struct msg m;
	int i, ret;

	for (i = 0; i < DIALER_BURST; i++) {
		if ((ret = msg_recv(d->peer, &m)) == 0) {
			dialer_stop(d, 0);
			return;
		}
		if (ret == -1 && errno == EAGAIN)
			return;
		if (ret == -1)
			log_warn("dialer for %s: message from net",
			    d->ctx->user);
		else
			ret = dialer_dispatch(d, &m);
		msg_clear(&m);
		if (ret == -1) {
			dialer_stop(d, DIALER_EXIT_VIOLATION);
			return;
		}
	}
}

/* What the services of this user run on. */
static void
dialer_init_services(struct dialer *d)
{
	struct services *env = &d->services;

	services_init(env, kinds_all);
	env->base = d->base;
	env->resolver = resolver_new(d->base, DIALER_THREADS);
	if ((env->udp = udpsock_pool_new(d->base)) == NULL)
		fatalx("dialer: out of memory");
	env->rules = &d->rules;
	env->who = d->ctx->user;
	env->from = d->ctx->peer;
	env->dial_timeout = d->conf->dial_timeout;
	env->udp_timeout = d->conf->udp_timeout;
	env->max_udp = (size_t)d->conf->max_udp;
	env->gateway = d->conf->gateway_ports;
}

static void
dialer_init(struct dialer *d, const struct servconf *conf, int peer,
    struct report *log, const struct context *ctx)
{
	memset(d, 0, sizeof(*d));
	d->conf = conf;
	d->ctx = ctx;
	d->peer = peer;
	d->log = log;
	RB_INIT(&d->requests);
	msgqueue_init(&d->replies, peer, dialer_failed_cb, d);
	destrules_init(&d->rules, !conf->allow_forwarding);
	destrules_load(&d->rules, DESTRULES_DENY, &conf->deny_open);
	destrules_load(&d->rules, DESTRULES_CONF, &conf->permit_open);
	destrules_load(&d->rules, DESTRULES_KEY, &ctx->permit_open);
	destrules_guard(&d->rules, conf->permit_local);
	if ((d->base = event_base_new()) == NULL)
		fatalx("dialer: no event loop");
	dialer_init_services(d);
	d->ev_read = event_new(d->base, peer, EV_READ | EV_PERSIST,
	    dialer_read_cb, d);
	if (msgqueue_start(&d->replies, d->base) == -1 || d->ev_read == NULL ||
	    eventloop_watch(d->ev_read, NULL) == -1 ||
	    beat_start(&d->beat, d->base, &d->replies, PS_ALIVE,
	    BEAT_SECONDS, dialer_silent_cb, d) == -1 ||
	    watchdog_start(d->base, PRIVSEP_WATCHDOG, report_stuck, log) == -1)
		fatalx("dialer: out of memory");
}

static void
dialer_clear(struct dialer *d)
{
	struct request *r;

	while ((r = RB_ROOT(&d->requests)) != NULL)
		request_free(r);
	beat_stop(&d->beat);
	watchdog_stop();
	msgqueue_clear(&d->replies);
	services_clear(&d->services);
	udpsock_pool_free(d->services.udp);
	resolver_free(d->services.resolver);
	event_free(d->ev_read);
	event_base_free(d->base);
	destrules_clear(&d->rules);
}

/*
 * Tells net that its user is in, then dials for it until it is gone; its lines
 * go there too, where its own go.  Returns the exit status of the process: 0,
 * or 255 when net broke the protocol.  Both descriptors are left open.
 */
int
dialer_main(const struct servconf *conf, int peer, struct report *log,
    const struct context *ctx)
{
	struct dialer d;
	struct msg m;

	setproctitle("%s [dialer]", ctx->user);
	signal(SIGPIPE, SIG_IGN);
	fdlimit_raise();
	msg_init(&m, PS_AUTH_ANSWER, 0);
	msg_put_u32(&m, 1);
	if (msg_send_wait(peer, &m) == -1) {
		log_warn("dialer for %s: cannot answer", ctx->user);
		msg_clear(&m);
		return DIALER_EXIT_VIOLATION;
	}
	msg_clear(&m);
	dialer_init(&d, conf, peer, log, ctx);
	if (dialfilter_enter() == -1)
		fatal("dialer: sandbox");
	event_base_dispatch(d.base);
	dialer_clear(&d);
	return d.status;
}
