/* SPDX-License-Identifier: ISC */
/*
 * The dialer: answers sockstund-net's PS_DIAL with connected sockets, under
 * the rules of the configuration and of the user's key.  It runs as the user
 * and trusts net no further than privsep.h says.  How a dial fares between
 * request and answer is all it knows; SSH and the relaying are net's.
 *
 * A dial:  PS_DIAL -> rules on the name -> resolver -> rules on each address
 *          -> connect -> answer -> PS_DIALED sent -> gone
 * PS_CANCEL ends it anywhere on that way, without an answer.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/tree.h>

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "connect.h"
#include "dialer.h"
#include "log.h"
#include "msg.h"
#include "privsep.h"
#include "resolver.h"
#include "ruleset.h"
#include "servconf.h"
#include "socks.h"

#define DIALER_THREADS	16	/* that resolve names */
#define DIALER_BURST	64	/* messages read in one go */
#define DIALER_RETRY	{ 0, 20000 }	/* when the kernel is out of room */
#define DIALER_HOST_MAX	1024	/* of a host that net passes on unread */

#define DIALER_EXIT_VIOLATION	255

/* The two sets of rules; both must permit. */
enum { RULES_CONF, RULES_KEY, RULES_N };

static const char *const rules_name[RULES_N] = {
	"not permitted by rules (PermitOpen)",
	"not permitted by rules (permitopen of the key)"
};

struct dial {
	RB_ENTRY(dial)		 node;
	TAILQ_ENTRY(dial)	 entry;		/* once answered */
	struct dialer		*dialer;
	uint32_t		 id;
	struct addr		 dst;
	char			 to[ADDR_STRLEN + 8];	/* for the log */
	enum ruleset_verdict	 verdict[RULES_N];
	const char		*refused;	/* why, of some address */
	struct timeval		 deadline;	/* monotonic */
	struct event		*ev_timeout;	/* of the resolving */
	struct resolver_query	*query;
	struct connect		*connect;
	struct msg		 answer;
	int			 answered;
};
RB_HEAD(dial_tree, dial);

struct dialer {
	const struct servconf		*conf;
	const struct dialer_context	*ctx;
	struct event_base		*base;
	struct event			*ev_read;
	struct event			*ev_write;
	struct event			*ev_retry;
	struct resolver			*resolver;
	struct ruleset			*rules[RULES_N];
	struct dial_tree		 dials;
	size_t				 ndials;
	TAILQ_HEAD(answer_list, dial)	 answers;	/* not yet sent */
	int				 peer;
	int				 status;	/* exit status */
};

static int
dial_cmp(const struct dial *a, const struct dial *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_PROTOTYPE(dial_tree, dial, node, dial_cmp);
RB_GENERATE(dial_tree, dial, node, dial_cmp);

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
	msg_init(&dial->answer, PS_DIALED, id);
	RB_INSERT(dial_tree, &d->dials, dial);
	d->ndials++;
	return dial;
}

/* Stops whatever is under way for it. */
static void
dial_stop(struct dial *dial)
{
	resolver_cancel(dial->query);
	dial->query = NULL;
	connect_cancel(dial->connect);
	dial->connect = NULL;
	if (dial->ev_timeout != NULL)
		event_free(dial->ev_timeout);
	dial->ev_timeout = NULL;
}

static void
dial_free(struct dial *dial)
{
	struct dialer *d = dial->dialer;

	dial_stop(dial);
	if (dial->answered)
		TAILQ_REMOVE(&d->answers, dial, entry);
	RB_REMOVE(dial_tree, &d->dials, dial);
	d->ndials--;
	msg_clear(&dial->answer);
	free(dial);
}

static void
dialer_stop(struct dialer *d, int status)
{
	d->status = status;
	event_base_loopbreak(d->base);
}

/*
 * Sends answers in their order until the pair is full; it is tried again when
 * there is room, or soon if it is the system that has none.
 */
static void
dialer_flush(struct dialer *d)
{
	static const struct timeval retry = DIALER_RETRY;
	struct dial *dial;

	while ((dial = TAILQ_FIRST(&d->answers)) != NULL) {
		if (msg_send(d->peer, &dial->answer) == 0) {
			dial_free(dial);
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

/*
 * Completes a dial; fd is the connected socket or -1.  The dial may be gone
 * when this returns.
 */
static void
dial_answer(struct dial *dial, enum socks_rep rep, const char *reason, int fd)
{
	struct dialer *d = dial->dialer;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr bound;
	struct msg *m = &dial->answer;
	char host[ADDR_STRLEN];
	int first;

	dial_stop(dial);
	memset(&bound, 0, sizeof(bound));
	if (fd != -1 &&
	    getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		addr_from_sockaddr(&bound, (struct sockaddr *)&ss);
	m->fd = fd;
	msg_put_u32(m, rep);
	msg_put_u32(m, bound.type);
	msg_put_string(m, addr_format_host(&bound, host, sizeof(host)));
	msg_put_u32(m, bound.port);
	msg_put_string(m, reason);
	first = TAILQ_EMPTY(&d->answers);
	TAILQ_INSERT_TAIL(&d->answers, dial, entry);
	dial->answered = 1;
	if (first)
		dialer_flush(d);
}

static void
dial_refuse(struct dial *dial, const char *reason)
{
	log_info("dial for %s: %s refused: %s", dial->dialer->ctx->user,
	    dial->to, reason);
	dial_answer(dial, SOCKS_REP_RULESET, reason, -1);
}

static void
dial_fail(struct dial *dial, enum socks_rep rep, const char *reason)
{
	log_verbose("dial for %s: %s failed: %s", dial->dialer->ctx->user,
	    dial->to, reason);
	dial_answer(dial, rep, reason, -1);
}

static void
dial_connect_cb(int fd, int error, void *arg)
{
	struct dial *dial = arg;

	dial->connect = NULL;
	if (fd != -1) {
		log_verbose("dial for %s: %s connected",
		    dial->dialer->ctx->user, dial->to);
		dial_answer(dial, SOCKS_REP_OK, "connected", fd);
	} else if (error == EACCES && dial->refused != NULL)
		dial_refuse(dial, dial->refused);
	else
		dial_fail(dial, socks_rep_from_errno(error), strerror(error));
}

/* Asks those rules about an address that could not judge by the name. */
static int
dial_filter(const struct addrinfo *ai, void *arg)
{
	struct dial *dial = arg;
	struct addr a;
	int i;

	if (addr_from_sockaddr(&a, ai->ai_addr) == -1)
		return EAFNOSUPPORT;
	addr_unmap(&a);
	for (i = 0; i < RULES_N; i++) {
		if (dial->verdict[i] == RULESET_ASK_ADDR &&
		    ruleset_check(dial->dialer->rules[i], &a) !=
		    RULESET_PERMIT) {
			dial->refused = rules_name[i];
			return EACCES;
		}
	}
	return 0;
}

static void
dialer_now(struct timeval *tv)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	TIMESPEC_TO_TIMEVAL(tv, &ts);
}

/* What is left of the dial's time, at least an instant. */
static struct timeval
dial_time_left(const struct dial *dial)
{
	struct timeval now, left;

	dialer_now(&now);
	timersub(&dial->deadline, &now, &left);
	if (left.tv_sec < 0 || !timerisset(&left)) {
		left.tv_sec = 0;
		left.tv_usec = 1;
	}
	return left;
}

static void
dial_resolve_failed(struct dial *dial, int error, int saved)
{
	switch (error) {
	case EAI_SYSTEM:
		dial_fail(dial, SOCKS_REP_GENERAL, strerror(saved));
		break;
	case EAI_MEMORY:
		dial_fail(dial, SOCKS_REP_GENERAL, gai_strerror(error));
		break;
	default:
		dial_fail(dial, SOCKS_REP_HOST, gai_strerror(error));
		break;
	}
}

/* Begins to connect to the first address that answers. */
static void
dial_connect(struct dial *dial, const struct addrinfo *res)
{
	struct dialer *d = dial->dialer;
	struct timeval left;
	int timed = d->conf->dial_timeout > 0;

	if (timed)
		left = dial_time_left(dial);
	dial->connect = connect_start(d->base, res, timed ? &left : NULL,
	    dial_filter, dial_connect_cb, dial);
	if (dial->connect == NULL)
		dial_fail(dial, SOCKS_REP_GENERAL, strerror(ENOMEM));
}

static void
dial_resolve_cb(int error, struct addrinfo *res, void *arg)
{
	struct dial *dial = arg;

	dial->query = NULL;
	if (error != 0) {
		dial_resolve_failed(dial, error, errno);
		return;
	}
	if (dial->ev_timeout != NULL)
		event_del(dial->ev_timeout);
	dial_connect(dial, res);
	freeaddrinfo(res);
}

/* An address needs no resolver. */
static void
dial_literal(struct dial *dial)
{
	struct sockaddr_storage ss;
	struct addrinfo ai;
	socklen_t len;

	memset(&ai, 0, sizeof(ai));
	addr_to_sockaddr(&dial->dst, &ss, &len);
	ai.ai_family = ss.ss_family;
	ai.ai_socktype = SOCK_STREAM;
	ai.ai_protocol = IPPROTO_TCP;
	ai.ai_addr = (struct sockaddr *)&ss;
	ai.ai_addrlen = len;
	dial_connect(dial, &ai);
}

static void
dial_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	dial_fail(arg, SOCKS_REP_HOST, "name resolution timed out");
}

/* Why the rules refuse the destination as it was named, or NULL. */
static const char *
dial_check(struct dial *dial)
{
	struct dialer *d = dial->dialer;
	int i;

	if (!d->conf->allow_forwarding)
		return "not permitted by rules (AllowTcpForwarding)";
	for (i = 0; i < RULES_N; i++) {
		dial->verdict[i] = ruleset_check(d->rules[i], &dial->dst);
		if (dial->verdict[i] == RULESET_DENY)
			return rules_name[i];
	}
	return NULL;
}

static int
dial_resolve(struct dial *dial)
{
	struct dialer *d = dial->dialer;
	struct timeval tv = { d->conf->dial_timeout, 0 };

	if (tv.tv_sec > 0) {
		dial->ev_timeout = evtimer_new(d->base, dial_timeout_cb, dial);
		if (dial->ev_timeout == NULL ||
		    event_add(dial->ev_timeout, &tv) == -1)
			return -1;
	}
	dial->query = resolver_ask(d->resolver, dial->dst.u.name,
	    dial->dst.port, AF_UNSPEC, dial_resolve_cb, dial);
	return dial->query == NULL ? -1 : 0;
}

static void
dial_set_deadline(struct dial *dial)
{
	struct timeval tv = { dial->dialer->conf->dial_timeout, 0 };

	dialer_now(&dial->deadline);
	timeradd(&dial->deadline, &tv, &dial->deadline);
}

static void
dial_start(struct dial *dial, const char *host, uint16_t port)
{
	const char *reason;

	dial_set_deadline(dial);
	if (addr_parse_host(&dial->dst, host, port) == -1)
		dial_fail(dial, SOCKS_REP_HOST, "not a host name");
	else if ((reason = dial_check(dial)) != NULL)
		dial_refuse(dial, reason);
	else if (port == 0)
		dial_fail(dial, SOCKS_REP_GENERAL, strerror(EADDRNOTAVAIL));
	else if (dial->dst.type != ADDR_NAME)
		dial_literal(dial);
	else if (dial_resolve(dial) == -1)
		dial_fail(dial, SOCKS_REP_GENERAL, strerror(ENOMEM));
}

/* Writes "host:port" as the log shows it. */
static void
dial_describe(struct dial *dial, const char *host, uint16_t port,
    const char *origin, uint32_t origin_port)
{
	char to[ADDR_STRLEN], from[64];

	log_safe(host, strlen(host), to, sizeof(to));
	log_safe(origin, strlen(origin), from, sizeof(from));
	snprintf(dial->to, sizeof(dial->to),
	    host[0] != '[' && strchr(host, ':') != NULL ? "[%s]:%u" :
	    "%s:%u", to, port);
	log_debug("dial %u for %s: %s from %s port %u", dial->id,
	    dial->dialer->ctx->user, dial->to, from, origin_port);
}

/*
 * net keeps to max_flows itself; as it may count a dial as cancelled before we
 * hear of that, only twice as many end the connection.
 */
static int
dialer_dial(struct dialer *d, uint32_t id, const char *host, uint16_t port,
    const char *origin, uint32_t origin_port)
{
	size_t max = d->conf->max_flows;
	struct dial *dial;

	if (dial_find(d, id) != NULL) {
		log_warnx("dialer for %s: dial %u came twice", d->ctx->user,
		    id);
		return -1;
	}
	if (d->ndials >= 2 * max || (dial = dial_new(d, id)) == NULL) {
		log_warnx("dialer for %s: too many dials", d->ctx->user);
		return -1;
	}
	dial_describe(dial, host, port, origin, origin_port);
	if (d->ndials > max)
		dial_fail(dial, SOCKS_REP_GENERAL, "too many dials under way");
	else
		dial_start(dial, host, port);
	return 0;
}

static int
answer_dial(struct dialer *d, struct msg *m)
{
	char *host, *origin;
	uint32_t port, origin_port;
	int ret = -1;

	host = msg_dup_string(m, DIALER_HOST_MAX);
	port = msg_get_u32(m);
	origin = msg_dup_string(m, DIALER_HOST_MAX);
	origin_port = msg_get_u32(m);
	if (msg_end(m) == 0 && port <= UINT16_MAX)
		ret = dialer_dial(d, m->id, host, port, origin, origin_port);
	free(host);
	free(origin);
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

/*
 * The rules of a list of words.  They were checked when they were read, so
 * that a word which is no rule now ends the process.
 */
static struct ruleset *
dialer_rules(const struct conf_list *words, int closed)
{
	struct ruleset *rules;
	size_t i;
	int ret = 0;

	if ((rules = ruleset_new()) == NULL)
		fatalx("dialer: out of memory");
	if (closed)
		ret = ruleset_add_none(rules);
	for (i = 0; i < words->n && ret == 0; i++) {
		if (strcasecmp(words->word[i], "none") == 0)
			ret = ruleset_add_none(rules);
		else if (strcasecmp(words->word[i], "any") == 0)
			ret = ruleset_add(rules, "*:*");
		else
			ret = ruleset_add(rules, words->word[i]);
	}
	if (ret == -1)
		fatal("dialer: bad rule");
	return rules;
}

/* Every flow has a socket here for a moment: take what the system gives. */
static void
dialer_raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    rl.rlim_cur == rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		log_debug("dialer: RLIMIT_NOFILE: %s", strerror(errno));
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
	d->rules[RULES_CONF] = dialer_rules(&conf->permit_open, 0);
	d->rules[RULES_KEY] = dialer_rules(&ctx->permit_open,
	    ctx->permit_open_set && ctx->permit_open.n == 0);
	if (evutil_make_socket_nonblocking(peer) == -1)
		fatal("dialer: descriptor %d", peer);
	if ((d->base = event_base_new()) == NULL)
		fatalx("dialer: no event loop");
	d->resolver = resolver_new(d->base, DIALER_THREADS);
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
	struct dial *dial;

	while ((dial = RB_ROOT(&d->dials)) != NULL)
		dial_free(dial);
	resolver_free(d->resolver);
	event_free(d->ev_read);
	event_free(d->ev_write);
	event_free(d->ev_retry);
	event_base_free(d->base);
	ruleset_free(d->rules[RULES_CONF]);
	ruleset_free(d->rules[RULES_KEY]);
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
	dialer_raise_nofile();
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
