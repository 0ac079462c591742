/* SPDX-License-Identifier: ISC */
/*
 * This room is for the session's life.  Everybody else knows the session by
 * its state, and by the far end that there is while it is up:
 *
 *	NEW --> CONNECTING --> UP --> LOST --> WAITING --> CONNECTING ...
 *	             |
 *	             +--> WAITING	not reached, or not let in: again later
 *	             +--> REFUSED	its host key has changed: until told
 *	             '--> STOPPED	after the first attempt, with Reconnect
 *					no, or after AuthRetries denials
 *
 * Events choose the next state (session_next); a state is entered in one
 * place, where all that belongs to it begins, and left in another, where it
 * ends.  Nothing of libssh's outlives LOST.
 *
 * Attempts after the first ask nobody anything.
 */
#include <sys/types.h>
#include <sys/param.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "advice.h"
#include "backoff.h"
#include "cliconf.h"
#include "eventloop.h"
#include "farend.h"
#include "hostconnect.h"
#include "log.h"
#include "monotime.h"
#include "netwatch.h"
#include "resolver.h"
#include "session.h"
#include "sshconnect.h"
#include "sshloop.h"
#include "targets.h"
#include "tcppath.h"
#include "xmalloc.h"

#define SESSION_RESOLVERS	2	/* threads that resolve host names */
/* Milliseconds for a TCP connection, and in every fourth attempt. */
#define SESSION_REACH		2000
#define SESSION_REACH_LONG	10000
/* A session that was up for so long has forgotten its earlier attempts. */
#define SESSION_SETTLED		(30 * MONOTIME_SECOND)
/* How often it is looked whether the first far end is there again. */
#define SESSION_FAIL_BACK	60000
/* How often it is said again that no clients are served. */
#define SESSION_REMIND		60000
/* Milliseconds between two attempts while clients wait. */
#define SESSION_REST		500

enum session_event {
	EVENT_BEGIN,
	EVENT_MADE,		/* connected and authenticated */
	EVENT_FAILED,		/* the target's entry says how */
	EVENT_BROKEN,
	EVENT_CLEARED		/* what the session carried was let go */
};

struct session {
	struct event_base	*base;
	const struct cliconf	*conf;		/* the first target's */
	session_cb		*cb;
	void			*arg;
	enum session_state	 state;
	int64_t			 since;		/* of the state, ns */
	int64_t			 lost;		/* when it was, ns */
	struct event		*timer;		/* of some states */
	struct resolver		*resolver;	/* of the next two */
	struct sshconnect	*attempt;	/* CONNECTING */
	struct hostconnect	*probe;		/* UP: of the first target */
	struct sshloop		*loop;		/* UP and LOST */
	struct farend		 farend;	/* UP */
	struct backoff		 backoff;
	struct netwatch		*netwatch;
	struct targets		 targets;
	int			 was_up;
	int			 attempts;	/* since it was up */
	unsigned int		 turned_away;	/* since that was last said */
	enum sshconnect_result	 result;	/* of the last one */
	unsigned int		 connections;	/* times that it was up */
	char			 reason[256];	/* of the last loss */
};

static void	 session_event(struct session *, enum session_event);

/* How often a target may refuse the user before it has no more turns. */
static int
session_max_denials(const struct session *s)
{
	return s->was_up ? s->conf->auth_retries : 1;
}

/* All targets have been tried, or one was lost: what now? */
static enum session_state
session_after_failure(struct session *s)
{
	if (!s->was_up || !s->conf->reconnect)
		return SESSION_STOPPED;
	switch (targets_pause(&s->targets, session_max_denials(s))) {
	case TARGETS_SOME:
		return SESSION_WAITING;
	case TARGETS_OTHER_KEYS:
		return SESSION_REFUSED;
	case TARGETS_NONE:
		break;
	}
	return SESSION_STOPPED;
}

static enum session_state
session_next(struct session *s, enum session_event ev)
{
	switch (ev) {
	case EVENT_BEGIN:
		return SESSION_CONNECTING;
	case EVENT_MADE:
		return SESSION_UP;
	case EVENT_BROKEN:
		return SESSION_LOST;
	case EVENT_FAILED:
		if (targets_next(&s->targets, session_max_denials(s)))
			return SESSION_CONNECTING;
		break;
	case EVENT_CLEARED:
		break;
	}
	return session_after_failure(s);
}

static void
session_set_timer(struct session *s, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	eventloop_watch(s->timer, &tv);
}

static const char *
session_host(const struct session *s)
{
	return targets_current(&s->targets)->conf->hostname;
}

static void
session_lost_cb(const char *why, void *arg)
{
	struct session *s = arg;

	log_warnx("Connection to %s lost: %s", session_host(s), why);
	strlcpy(s->reason, why, sizeof(s->reason));
	session_event(s, EVENT_BROKEN);
}

static void
session_busy_cb(void *arg)
{
	struct session *s = arg;

	farend_quicken(&s->farend);
}

static const struct sshloop_ops session_loop_ops = {
	.lost = session_lost_cb,
	.busy = session_busy_cb,
};

/* An authenticated session is there, and from now on ours. */
static void
session_take(struct session *s, struct ssh_session_struct *made)
{
	const struct cliconf *conf = targets_current(&s->targets)->conf;
	const struct sshloop_options options = {
		.window_budget = (size_t)conf->window_budget << 20,
		.alive_interval = conf->alive_interval,
		.alive_max = conf->alive_count,
		.queue_delay = conf->queue_delay,
	};

	s->loop = sshloop_new(s->base, made, &options, &session_loop_ops, s);
	if (s->loop == NULL || farend_init(&s->farend, s->base, s->loop, conf,
	    s->loop->chans.sockstun) == -1)
		fatalx("out of memory");
	session_event(s, EVENT_MADE);
}

static void
session_attempt_cb(struct ssh_session_struct *made,
    enum sshconnect_result result, void *arg)
{
	struct session *s = arg;
	struct target *t = targets_current(&s->targets);

	s->attempt = NULL;
	s->result = result;
	t->denials = result == SSHCONNECT_DENIED ? t->denials + 1 : 0;
	t->other_key = result == SSHCONNECT_OTHER_KEY;
	if (result == SSHCONNECT_MADE)
		session_take(s, made);
	else
		session_event(s, EVENT_FAILED);
}

static void
session_connect(struct session *s)
{
	struct target *t;

	targets_next(&s->targets, session_max_denials(s));
	t = targets_current(&s->targets);
	t->tried = 1;
	s->resolver = resolver_new(s->base, SESSION_RESOLVERS);
	s->attempt = sshconnect_start(s->base, s->resolver,
	    s->was_up ? &t->again : t->conf, t->remembered,
	    s->was_up && s->attempts >= (int)s->targets.n ?
	    LOG_LEVEL_VERBOSE : LOG_LEVEL_ERROR, session_attempt_cb, s);
	if (s->was_up)
		session_set_timer(s, s->attempts % 4 == 3 ?
		    SESSION_REACH_LONG : SESSION_REACH);
	s->attempts++;
}

/* Did the server not let the user in?  Then nothing shortens the pauses. */
static int
session_is_denied(const struct session *s)
{
	return targets_current(&s->targets)->denials > 0;
}

static void
session_wait(struct session *s)
{
	int ms = backoff_next(&s->backoff);

	session_set_timer(s, ms);
	log_verbose("Connecting to %s again in %d.%d s.", session_host(s),
	    ms / 1000, ms % 1000 / 100);
}

/* Says that it is back; the first time others do. */
static void
session_tell_up(struct session *s)
{
	if (s->was_up)
		log_info("Connected to %s again after %.1f s.",
		    session_host(s), (double)(monotime_ns() - s->lost) /
		    MONOTIME_SECOND);
}

/* Says, now and each minute, that nobody is served until the user acts. */
static void
session_tell_refused(struct session *s)
{
	char refused[64] = "";

	if (s->turned_away > 0)
		snprintf(refused, sizeof(refused), " Requests refused in the "
		    "last minute: %u.", s->turned_away);
	s->turned_away = 0;
	log_warnx("No clients are served through %s, as its host key is not "
	    "trusted. Make it known, then use -O reconnect or SIGHUP.%s",
	    session_host(s), refused);
	session_set_timer(s, SESSION_REMIND);
}

/* There will be none: what can be done about it? */
static void
session_advise(struct session *s)
{
	const char *advice = advice_for(s->result);

	if (!s->was_up && advice != NULL)
		log_info("%s", advice);
}

/* Begins what belongs to a state. */
static void
session_enter(struct session *s, enum session_state state)
{
	s->state = state;
	s->since = monotime_ns();
	log_debug("session: %s", session_state_name(state));
	switch (state) {
	case SESSION_NEW:
		break;
	case SESSION_STOPPED:
		session_advise(s);
		break;
	case SESSION_CONNECTING:
		session_connect(s);
		break;
	case SESSION_UP:
		session_tell_up(s);
		s->connections++;
		s->was_up = 1;
		targets_forgive(&s->targets);
		s->attempts = 0;
		if (s->targets.cur != 0 && s->conf->fail_back)
			session_set_timer(s, SESSION_FAIL_BACK);
		break;
	case SESSION_LOST:
		s->lost = s->since;
		/* It is told from inside its own loop, so not yet. */
		event_active(s->timer, EV_TIMEOUT, 0);
		break;
	case SESSION_WAITING:
		session_wait(s);
		break;
	case SESSION_REFUSED:
		session_tell_refused(s);
		break;
	}
}

static void
session_end_probe(struct session *s)
{
	hostconnect_cancel(s->probe);
	s->probe = NULL;
	resolver_free(s->resolver);
	s->resolver = NULL;
}

/* Ends what belongs to the state. */
static void
session_leave(struct session *s)
{
	if (s->timer != NULL)
		event_del(s->timer);
	switch (s->state) {
	case SESSION_CONNECTING:
		sshconnect_cancel(s->attempt);
		s->attempt = NULL;
		resolver_free(s->resolver);
		s->resolver = NULL;
		break;
	case SESSION_UP:
		if (monotime_ns() - s->since > SESSION_SETTLED)
			backoff_reset(&s->backoff);
		session_end_probe(s);
		farend_clear(&s->farend);
		break;
	case SESSION_LOST:
		sshloop_free(s->loop);
		s->loop = NULL;
		break;
	case SESSION_NEW:
	case SESSION_WAITING:
	case SESSION_REFUSED:
	case SESSION_STOPPED:
		break;
	}
}

static void
session_event(struct session *s, enum session_event ev)
{
	enum session_state state = session_next(s, ev);

	session_leave(s);
	session_enter(s, state);
	s->cb(s, state, s->arg);
	/* Not before, as the callback may fork. */
	if (s->state == SESSION_UP)
		sshconn_start(&s->loop->conn);
}

/* The first far end can be reached: back to it, when nobody minds. */
static void
session_probe_cb(int fd, int error, void *arg)
{
	struct session *s = arg;

	s->probe = NULL;
	session_end_probe(s);
	session_set_timer(s, SESSION_FAIL_BACK);
	if (fd == -1)
		return;
	close(fd);
	if (s->loop->chans.count > s->farend.spares.nspares)
		return;
	s->targets.cur = 0;
	sshconn_give_up(&s->loop->conn, "The first far end is there again.");
}

/* Another far end serves than the first: is that one well again? */
static void
session_begin_probe(struct session *s)
{
	session_end_probe(s);
	s->resolver = resolver_new(s->base, 1);
	s->probe = hostconnect_start(s->base, s->resolver,
	    &s->targets.list[0].again, LOG_LEVEL_DEBUG, session_probe_cb, s);
}

/* A state that does not last is over. */
static void
session_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	switch (s->state) {
	case SESSION_CONNECTING:
		if (!sshconnect_is_reached(s->attempt))
			session_event(s, EVENT_FAILED);
		break;
	case SESSION_LOST:
		session_event(s, EVENT_CLEARED);
		break;
	case SESSION_WAITING:
		session_event(s, EVENT_BEGIN);
		break;
	case SESSION_UP:
		session_begin_probe(s);
		break;
	case SESSION_REFUSED:
		session_tell_refused(s);
		break;
	case SESSION_NEW:
	case SESSION_STOPPED:
		break;
	}
}

/* Milliseconds until the state is left by itself, or 0. */
static int
session_due(const struct session *s)
{
	struct timeval at, now;

	if (!evtimer_pending(s->timer, &at))
		return 0;
	event_base_gettimeofday_cached(s->base, &now);
	evutil_timersub(&at, &now, &at);
	return at.tv_sec < 0 ? 0 : (int)(at.tv_sec * 1000 + at.tv_usec / 1000);
}

/*
 * A client waits: the next attempt comes at once, or after a short rest.  Or
 * it is turned away, which is counted.
 */
static void
session_want(struct session *s)
{
	int64_t rested = monotime_ns() - s->since;

	s->turned_away += s->state == SESSION_REFUSED;
	if (s->state != SESSION_WAITING || session_is_denied(s))
		return;
	if (rested >= SESSION_REST * MONOTIME_MILLISECOND)
		session_event(s, EVENT_BEGIN);
	else if (session_due(s) > SESSION_REST)
		session_set_timer(s, backoff_vary(SESSION_REST));
}

/* The network has changed: is the connection still good for anything? */
static void
session_check(struct session *s)
{
	if (netwatch_is_ours(s->loop->conn.watch))
		sshconn_ask(&s->loop->conn);
	else
		sshconn_give_up(&s->loop->conn, "This machine's address has "
		    "changed.");
}

static void
session_retry_now(struct session *s)
{
	backoff_reset(&s->backoff);
	targets_current(&s->targets)->tried = 0;
	if (s->state == SESSION_WAITING || (s->state == SESSION_CONNECTING &&
	    s->was_up && !sshconnect_is_reached(s->attempt)))
		session_event(s, EVENT_BEGIN);
}

/* Gives a reason to try again now; safe in any state. */
void
session_nudge(struct session *s, enum session_nudge nudge)
{
	switch (nudge) {
	case SESSION_WANTED:
		session_want(s);
		break;
	case SESSION_NETWORK:
		if (s->state == SESSION_UP)
			session_check(s);
		else if (!session_is_denied(s))
			session_retry_now(s);
		break;
	case SESSION_ORDERED:
		targets_forgive(&s->targets);
		if (s->state == SESSION_UP)
			sshconn_give_up(&s->loop->conn, "as ordered");
		else if (s->state == SESSION_REFUSED)
			session_event(s, EVENT_BEGIN);
		else
			session_retry_now(s);
		break;
	}
}

static void
session_network_cb(void *arg)
{
	session_nudge(arg, SESSION_NETWORK);
}

/*
 * The configuration has changed: this one, and those of n others, hold from
 * the next attempt on, which begins anew if it is under way.  What the old
 * ones pointed at must live until CONNECTING is entered again.
 */
void
session_set_targets(struct session *s, const struct cliconf *conf,
    const struct cliconf *others, size_t n)
{
	targets_set(&s->targets, conf, others, n);
	s->conf = conf;
	if (s->state == SESSION_CONNECTING || s->state == SESSION_REFUSED)
		session_event(s, EVENT_BEGIN);
}

/*
 * A session with the far end of a configuration or, while that fails, of n
 * others in their order; all must outlive it.  Nothing is begun yet.  NULL
 * when memory is out.
 */
struct session *
session_new(struct event_base *base, const struct cliconf *conf,
    const struct cliconf *others, size_t n, session_cb *cb, void *arg)
{
	struct session *s;

	s = xcalloc(1, sizeof(*s));
	s->base = base;
	s->cb = cb;
	s->arg = arg;
	session_set_targets(s, conf, others, n);
	s->timer = evtimer_new(base, session_timer_cb, s);
	if (s->timer == NULL || (conf->reconnect && (s->netwatch =
	    netwatch_new(base, session_network_cb, s)) == NULL)) {
		session_free(s);
		return NULL;
	}
	return s;
}

/* Makes the first attempt; the callback never comes from inside this call. */
void
session_start(struct session *s)
{
	session_enter(s, SESSION_CONNECTING);
}

/* Ends it, telling the server, without calling back.  NULL is ignored. */
void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	session_leave(s);
	if (s->loop != NULL)
		sshloop_free(s->loop);
	targets_clear(&s->targets);
	netwatch_free(s->netwatch);
	if (s->timer != NULL)
		event_free(s->timer);
	free(s);
}

enum session_state
session_state(const struct session *s)
{
	return s->state;
}

/* A word for the log and for people. */
const char *
session_state_name(enum session_state state)
{
	static const char *const names[] = {
		[SESSION_NEW] = "new",
		[SESSION_CONNECTING] = "connecting",
		[SESSION_UP] = "up",
		[SESSION_LOST] = "lost",
		[SESSION_WAITING] = "waiting",
		[SESSION_REFUSED] = "refused",
		[SESSION_STOPPED] = "stopped",
	};

	return names[state];
}

/* Whom to ask; NULL while the session is not up. */
struct farend *
session_farend(struct session *s)
{
	return s->state == SESSION_UP ? &s->farend : NULL;
}

/* Is there any use in waiting for it? */
int
session_may_come(const struct session *s)
{
	switch (s->state) {
	case SESSION_REFUSED:
	case SESSION_STOPPED:
		return 0;
	case SESSION_LOST:
		return s->conf->reconnect;
	default:
		return 1;
	}
}

/* The configuration of the far end that serves, or is tried. */
const struct cliconf *
session_conf(const struct session *s)
{
	return targets_current(&s->targets)->conf;
}

static void
session_describe_connection(const struct session *s,
    struct session_description *d)
{
	const struct sshconn *conn = &s->loop->conn;
	struct tcppath path;

	d->native = s->farend.native;
	d->cipher = sshloop_cipher(s->loop);
	d->in = conn->count.in_bytes;
	d->out = conn->count.out_bytes;
	congestion_get(conn->watch, d->congestion);
	if (tcppath_read(conn->watch, &path) == -1)
		return;
	d->trip = path.trip;
	d->queued = path.trip - path.least_trip;
}

/* Says how it is. */
void
session_describe(const struct session *s, struct session_description *d)
{
	memset(d, 0, sizeof(*d));
	d->state = s->state;
	d->since = s->since;
	d->lost = s->lost;
	if (s->attempt != NULL)
		sshconnect_describe(s->attempt, d->step, sizeof(d->step));
	d->due = s->state == SESSION_WAITING ? session_due(s) : 0;
	d->connections = s->connections;
	d->reason = s->reason;
	d->conf = session_conf(s);
	if (s->state == SESSION_UP)
		session_describe_connection(s, d);
}
