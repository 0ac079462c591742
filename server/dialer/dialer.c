/* SPDX-License-Identifier: ISC */
/*
 * The dialer: answers what sockstund-net asks with connected sockets, under
 * the rules of the configuration and of the user's key.  It runs as the user
 * and trusts net no further than privsep.h says.  What each service does is
 * not known here (services.h), nor SSH and the relaying, which are net's.
 *
 * A dial:  PS_DIAL or PS_SERVICE -> its service -> (PS_BOUND ->) PS_DIALED
 * PS_CANCEL ends it anywhere on that way, without an answer.
 *
 * Of UDP what stays here is the association, after the answer: it ends when
 * net closes the other end of its pair of sockets.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "destrules.h"
#include "dialer.h"
#include "fdlimit.h"
#include "kinds.h"
#include "log.h"
#include "msg.h"
#include "privsep.h"
#include "resolver.h"
#include "servconf.h"
#include "services.h"
#include "socks.h"
#include "stream.h"
#include "udpsock.h"
#include "xmalloc.h"

#define DIALER_THREADS	16	/* that resolve names */
#define DIALER_BURST	64	/* messages read in one go */
#define DIALER_RETRY	{ 0, 20000 }	/* when the kernel is out of room */
#define DIALER_HOST_MAX	1024	/* of a host that net passes on unread */
#define DIALER_PAIR	(128 * 1024)	/* bytes of frames in the kernel */

#define DIALER_EXIT_VIOLATION	255

struct dial {
	RB_ENTRY(dial)	 node;
	struct dialer	*dialer;
	uint32_t	 id;
	struct service	*service;
};
RB_HEAD(dial_tree, dial);

/* A message that waits for room in the pair. */
struct answer {
	TAILQ_ENTRY(answer) entry;
	struct msg	 msg;
};
TAILQ_HEAD(answer_list, answer);

struct dialer {
	const struct servconf		*conf;
	const struct dialer_context	*ctx;
	struct event_base		*base;
	struct event			*ev_read;
	struct event			*ev_write;
	struct event			*ev_retry;
	struct services			 services;
	struct destrules		 rules;
	struct dial_tree		 dials;
	struct answer_list		 answers;
	size_t				 nopen;	/* dials and answers */
	int				 peer;
	int				 status;	/* exit status */
};

static int
dial_cmp(const struct dial *a, const struct dial *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE_INTERNAL(dial_tree, dial, node, dial_cmp,
    static __attribute__((unused)))

static struct dial *
dial_find(struct dialer *d, uint32_t id)
{
	struct dial key;

	key.id = id;
	return RB_FIND(dial_tree, &d->dials, &key);
}

static struct dial *
dial_new(struct dialer *d, uint32_t id)
{
	struct dial *dial;

	if ((dial = calloc(1, sizeof(*dial))) == NULL)
		return NULL;
	dial->dialer = d;
	dial->id = id;
	RB_INSERT(dial_tree, &d->dials, dial);
	d->nopen++;
	return dial;
}

static void
dial_free(struct dial *dial)
{
	struct dialer *d = dial->dialer;

	service_cancel(dial->service);
	RB_REMOVE(dial_tree, &d->dials, dial);
	d->nopen--;
	free(dial);
}

static void
dialer_stop(struct dialer *d, int status)
{
	d->status = status;
	event_base_loopbreak(d->base);
}

static void
answer_free(struct dialer *d, struct answer *a)
{
	TAILQ_REMOVE(&d->answers, a, entry);
	d->nopen--;
	msg_clear(&a->msg);
	free(a);
}

/*
 * Sends answers in their order until the pair is full; it is tried again when
 * there is room, or soon if it is the system that has none.
 */
static void
dialer_flush(struct dialer *d)
{
	static const struct timeval retry = DIALER_RETRY;
	struct answer *a;

	while ((a = TAILQ_FIRST(&d->answers)) != NULL) {
		if (msg_send(d->peer, &a->msg) == 0) {
			answer_free(d, a);
			continue;
		}
		switch (errno) {
		case EAGAIN:
			event_add(d->ev_write, NULL);
			return;
		case ENOBUFS:
		case ENOMEM:
		case ETOOMANYREFS:
			event_add(d->ev_retry, &retry);
			return;
		case EPIPE:
		case ECONNRESET:
			dialer_stop(d, 0);
			return;
		default:
			log_warn("dialer for %s: cannot answer", d->ctx->user);
			dialer_stop(d, DIALER_EXIT_VIOLATION);
			return;
		}
	}
}

static void
dialer_flush_cb(evutil_socket_t fd, short what, void *arg)
{
	dialer_flush(arg);
}

/* An answer, last in the queue, to be filled in and flushed. */
static struct msg *
dialer_add_answer(struct dialer *d, uint32_t type, uint32_t id)
{
	struct answer *a = xcalloc(1, sizeof(*a));

	msg_init(&a->msg, type, id);
	TAILQ_INSERT_TAIL(&d->answers, a, entry);
	d->nopen++;
	return &a->msg;
}

/* Flushes if nothing waited before what was just added. */
static void
dialer_kick(struct dialer *d)
{
	struct answer *first = TAILQ_FIRST(&d->answers);

	if (TAILQ_NEXT(first, entry) == NULL)
		dialer_flush(d);
}

static void
dialer_put_addr(struct msg *m, const struct addr *a)
{
	char host[ADDR_STRLEN];

	msg_put_u32(m, a->type);
	msg_put_string(m, addr_format_host(a, host, sizeof(host)));
	msg_put_u32(m, a->port);
}

/* Completes a dial, which is gone then. */
static void
dial_answer(struct dial *dial, const struct service_reply *reply)
{
	struct dialer *d = dial->dialer;
	struct msg *m;

	m = dialer_add_answer(d, PS_DIALED, dial->id);
	m->fd = reply->fd;
	msg_put_u32(m, reply->rep);
	dialer_put_addr(m, &reply->bnd);
	msg_put_string(m, reply->reason);
	dial->service = NULL;
	dial_free(dial);
	dialer_kick(d);
}

/* For what never became a service. */
static void
dial_fail(struct dial *dial, const char *host, enum socks_rep rep,
    const char *reason)
{
	struct service_reply reply = {
		.rep = rep, .reason = reason, .fd = -1
	};
	char to[ADDR_STRLEN];

	log_verbose("dial for %s: %s failed: %s", dial->dialer->ctx->user,
	    log_safe(host, strlen(host), to, sizeof(to)), reason);
	dial_answer(dial, &reply);
}

static void
dial_bound_cb(struct service *sv, const struct addr *bnd)
{
	struct dial *dial = sv->arg;
	struct dialer *d = dial->dialer;

	dialer_put_addr(dialer_add_answer(d, PS_BOUND, dial->id), bnd);
	dialer_kick(d);
}

/* One end of a pair for frames is the association's, the other net's. */
static int
dial_link_cb(struct service *sv, const struct addr *bnd,
    struct service_link *link)
{
	static const int size = DIALER_PAIR;
	struct dial *dial = sv->arg;
	struct service_reply reply = {
		.rep = SOCKS_REP_OK, .bnd = *bnd, .reason = "associated"
	};
	int fd[2], i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fd) == -1)
		return -1;
	for (i = 0; i < 2; i++)
		setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if ((link->stream = sockstream_new(dial->dialer->base, fd[0])) ==
	    NULL) {
		close(fd[0]);
		close(fd[1]);
		errno = ENOMEM;
		return -1;
	}
	sv->arg = NULL;
	reply.fd = fd[1];
	dial_answer(dial, &reply);
	return 0;
}

static void
dial_done_cb(struct service *sv, const struct service_reply *reply)
{
	if (sv->arg != NULL)
		dial_answer(sv->arg, reply);
}

static const struct service_ops dial_service_ops = {
	.bound = dial_bound_cb,
	.link = dial_link_cb,
	.done = dial_done_cb,
};

static void
dial_start(struct dial *dial, int cmd, const char *host, uint16_t port)
{
	struct dialer *d = dial->dialer;
	struct addr dst;

	if (addr_parse_host(&dst, host, port) == -1) {
		dial_fail(dial, host, SOCKS_REP_HOST, "not a host name");
		return;
	}
	dial->service = service_new(&d->services, cmd, &dst,
	    &dial_service_ops, dial);
	if (dial->service == NULL)
		dial_fail(dial, host, SOCKS_REP_GENERAL, strerror(errno));
	else
		service_start(dial->service);
}

/*
 * net keeps to max_flows itself; as it may count a dial as cancelled before we
 * hear of that, only twice as many end the connection.
 */
static int
dialer_dial(struct dialer *d, uint32_t id, int cmd, const char *host,
    uint16_t port)
{
	size_t max = d->conf->max_flows;
	struct dial *dial;

	if (dial_find(d, id) != NULL) {
		log_warnx("dialer for %s: dial %u came twice", d->ctx->user,
		    id);
		return -1;
	}
	if (d->nopen >= 2 * max || (dial = dial_new(d, id)) == NULL) {
		log_warnx("dialer for %s: too many dials", d->ctx->user);
		return -1;
	}
	if (d->nopen + d->services.nudp > max)
		dial_fail(dial, host, SOCKS_REP_GENERAL,
		    "too many dials under way");
	else
		dial_start(dial, cmd, host, port);
	return 0;
}

static int
answer_dial(struct dialer *d, struct msg *m)
{
	char *host, *origin, from[64];
	uint32_t port, origin_port;
	int ret = -1;

	host = msg_dup_string(m, DIALER_HOST_MAX);
	port = msg_get_u32(m);
	origin = msg_dup_string(m, DIALER_HOST_MAX);
	origin_port = msg_get_u32(m);
	if (msg_end(m) == 0 && port <= UINT16_MAX) {
		log_debug("dial %u for %s: from %s port %u", m->id,
		    d->ctx->user, log_safe(origin, strlen(origin), from,
		    sizeof(from)), origin_port);
		ret = dialer_dial(d, m->id, SOCKS_CMD_CONNECT, host, port);
	}
	free(host);
	free(origin);
	return ret;
}

static int
answer_service(struct dialer *d, struct msg *m)
{
	uint32_t cmd, port;
	char *host;
	int ret = -1;

	cmd = msg_get_u32(m);
	host = msg_dup_string(m, DIALER_HOST_MAX);
	port = msg_get_u32(m);
	if (msg_end(m) == 0 && port <= UINT16_MAX && (cmd == SOCKS_CMD_BIND ||
	    cmd == SOCKS_CMD_UDP || cmd == SOCKS_CMD_RESOLVE ||
	    cmd == SOCKS_CMD_RESOLVE_PTR))
		ret = dialer_dial(d, m->id, (int)cmd, host, port);
	free(host);
	return ret;
}

static int
answer_cancel(struct dialer *d, struct msg *m)
{
	struct dial *dial;

	if (msg_end(m) == -1)
		return -1;
	if ((dial = dial_find(d, m->id)) != NULL) {
		log_debug("dial %u for %s: cancelled", m->id, d->ctx->user);
		dial_free(dial);
	}
	return 0;
}

static int
answer_log(struct dialer *d, struct msg *m)
{
	char text[PRIVSEP_LOG_MAX + 1];
	uint32_t level;

	level = msg_get_u32(m);
	msg_get_string(m, text, sizeof(text));
	if (msg_end(m) == -1 || level > LOG_LEVEL_DEBUG2)
		return -1;
	log_line(level, text);
	return 0;
}

/* What net may say to a dialer; a handler's -1 ends the connection. */
static const struct {
	uint32_t	 type;
	int		(*answer)(struct dialer *, struct msg *);
} dialer_table[] = {
	{ PS_DIAL,	answer_dial },
	{ PS_SERVICE,	answer_service },
	{ PS_CANCEL,	answer_cancel },
	{ PS_LOG,	answer_log }
};

static int
dialer_dispatch(struct dialer *d, struct msg *m)
{
	size_t i, n = sizeof(dialer_table) / sizeof(dialer_table[0]);

	for (i = 0; i < n; i++) {
		if (dialer_table[i].type == m->type)
			break;
	}
	if (i == n || m->fd != -1) {
		log_warnx("dialer for %s: message %u from net is not "
		    "permitted", d->ctx->user, m->type);
		return -1;
	}
	if (dialer_table[i].answer(d, m) == -1) {
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
	env->dial_timeout = d->conf->dial_timeout;
	env->udp_timeout = d->conf->udp_timeout;
	env->max_udp = (size_t)d->conf->max_udp;
	env->gateway = d->conf->gateway_ports;
}

static void
dialer_init(struct dialer *d, const struct servconf *conf, int peer,
    const struct dialer_context *ctx)
{
	memset(d, 0, sizeof(*d));
	d->conf = conf;
	d->ctx = ctx;
	d->peer = peer;
	RB_INIT(&d->dials);
	TAILQ_INIT(&d->answers);
	destrules_init(&d->rules, !conf->allow_forwarding);
	destrules_load(&d->rules, DESTRULES_CONF, &conf->permit_open, 0);
	destrules_load(&d->rules, DESTRULES_KEY, &ctx->permit_open,
	    ctx->permit_open_set && ctx->permit_open.n == 0);
	if (evutil_make_socket_nonblocking(peer) == -1)
		fatal("dialer: descriptor %d", peer);
	if ((d->base = event_base_new()) == NULL)
		fatalx("dialer: no event loop");
	dialer_init_services(d);
	d->ev_read = event_new(d->base, peer, EV_READ | EV_PERSIST,
	    dialer_read_cb, d);
	d->ev_write = event_new(d->base, peer, EV_WRITE, dialer_flush_cb, d);
	d->ev_retry = evtimer_new(d->base, dialer_flush_cb, d);
	if (d->ev_read == NULL || d->ev_write == NULL ||
	    d->ev_retry == NULL || event_add(d->ev_read, NULL) == -1)
		fatalx("dialer: out of memory");
}

static void
dialer_clear(struct dialer *d)
{
	struct answer *a;
	struct dial *dial;

	while ((dial = RB_ROOT(&d->dials)) != NULL)
		dial_free(dial);
	while ((a = TAILQ_FIRST(&d->answers)) != NULL)
		answer_free(d, a);
	services_clear(&d->services);
	udpsock_pool_free(d->services.udp);
	resolver_free(d->services.resolver);
	event_free(d->ev_read);
	event_free(d->ev_write);
	event_free(d->ev_retry);
	event_base_free(d->base);
	destrules_clear(&d->rules);
}

/*
 * Tells net that its user is in, then dials for it until it is gone.  Returns
 * the exit status of the process: 0, or 255 when net broke the protocol.  The
 * pair is left open.
 */
int
dialer_main(const struct servconf *conf, int peer,
    const struct dialer_context *ctx)
{
	struct dialer d;
	struct msg m;

	setproctitle("%s [dialer]", ctx->user);
	signal(SIGPIPE, SIG_IGN);
	fdlimit_raise();
	msg_init(&m, PS_AUTH_ANSWER, 0);
	msg_put_u32(&m, 1);
	if (msg_send(peer, &m) == -1) {
		log_warn("dialer for %s: cannot answer", ctx->user);
		msg_clear(&m);
		return DIALER_EXIT_VIOLATION;
	}
	msg_clear(&m);
	dialer_init(&d, conf, peer, ctx);
	event_base_dispatch(d.base);
	dialer_clear(&d);
	return d.status;
}
