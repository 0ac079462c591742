/* SPDX-License-Identifier: ISC */
/*
 * MaxStartups and PerSourceMaxStartups: how many connections are not
 * authenticated yet, and which new ones are turned away.  For each connection
 * there is a pipe, whose other end its process holds: when that closes, the
 * connection is authenticated or gone.  What the processes do is not known
 * here.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "eventloop.h"
#include "log.h"
#include "monotime.h"
#include "ratelimit.h"
#include "servlimits.h"
#include "startups.h"
#include "xmalloc.h"

struct startup {
	TAILQ_ENTRY(startup)	 entry;
	struct startups		*owner;
	struct event		*ev;
	struct addr		 source;	/* the network it is from */
	int			 fd;
};

struct startups {
	TAILQ_HEAD(, startup)	 list;
	struct event_base	*base;
	startups_cb		*cb;
	void			*arg;
	struct servlimits	 limits;
	struct ratelimit	 lines;
	int			 count;
	u_int			 dropped;	/* since throttling began */
	int64_t			 since;		/* 0: not throttling */
};

/* The callback is told the number of connections whenever it changed. */
struct startups *
startups_new(struct event_base *base, const struct servlimits *limits,
    startups_cb *cb, void *arg)
{
	struct startups *s;

	s = xcalloc(1, sizeof(*s));
	TAILQ_INIT(&s->list);
	s->base = base;
	s->limits = *limits;
	ratelimit_init(&s->lines, LOG_PEER_LINES);
	s->cb = cb;
	s->arg = arg;
	return s;
}

static void
startups_remove(struct startup *st)
{
	TAILQ_REMOVE(&st->owner->list, st, entry);
	st->owner->count--;
	event_free(st->ev);
	close(st->fd);
	free(st);
}

/* Forgets all connections, which live on, without calling back. */
void
startups_free(struct startups *s)
{
	struct startup *st;

	while ((st = TAILQ_FIRST(&s->list)) != NULL)
		startups_remove(st);
	free(s);
}

/* Connections not authenticated yet. */
int
startups_count(const struct startups *s)
{
	return s->count;
}

/*
 * How many in a hundred new connections are turned away when there are count
 * already: none below begin, rate at begin, rising to all at max.
 */
int
startups_drop_chance(int count, int begin, int rate, int max)
{
	if (count < begin)
		return 0;
	if (count >= max)
		return 100;
	return rate + (int)((long long)(100 - rate) * (count - begin) /
	    (max - begin));
}

/* Logs when connections begin to be turned away, and when that is over. */
static void
startups_log_throttling(struct startups *s, int dropping)
{
	int64_t now = monotime_ns();

	if (dropping && s->since == 0) {
		log_info("beginning MaxStartups throttling");
		s->since = now;
		s->dropped = 0;
	} else if (!dropping && s->since != 0 &&
	    s->count < s->limits.startups.begin) {
		log_info("exited MaxStartups throttling after %lld seconds, "
		    "%u connections dropped", (long long)((now - s->since) /
		    MONOTIME_SECOND), s->dropped);
		s->since = 0;
	}
}

/* The network of which all addresses count as one source with this one. */
static struct addr
startups_source(const struct startups *s, const struct addr *peer)
{
	struct addr a = *peer;
	u_char *p = (u_char *)&a.u;
	int bit, bits = 0;

	a.port = 0;
	if (a.type == ADDR_IPV4)
		bits = 32;
	else if (a.type == ADDR_IPV6)
		bits = 128;
	bit = bits == 32 ? s->limits.bits.ipv4 : s->limits.bits.ipv6;
	for (; bit < bits; bit++)
		p[bit / 8] &= (u_char)~(0x80 >> bit % 8);
	return a;
}

/* Has the peer's network as many connections as it may have? */
static int
startups_source_full(const struct startups *s, const struct addr *peer)
{
	struct addr source = startups_source(s, peer);
	const struct startup *st;
	int n = 0;

	if (s->limits.per_source == 0)
		return 0;
	TAILQ_FOREACH(st, &s->list, entry)
		n += addr_equal(&st->source, &source);
	return n >= s->limits.per_source;
}

/* May a new connection of that peer (unmapped) be served?  1, or 0. */
int
startups_admit(struct startups *s, const struct addr *peer)
{
	const struct servlimits_startups *l = &s->limits.startups;
	char name[ADDR_STRLEN];
	int chance, drop;

	addr_format(peer, name, sizeof(name));
	if (startups_source_full(s, peer)) {
		log_info_limited(&s->lines, "drop connection #%d from %s past "
		    "PerSourceMaxStartups", s->count, name);
		return 0;
	}
	chance = startups_drop_chance(s->count, l->begin, l->rate, l->max);
	drop = chance > 0 && (int)arc4random_uniform(100) < chance;
	startups_log_throttling(s, drop);
	if (drop) {
		s->dropped++;
		log_verbose("drop connection #%d from %s past MaxStartups",
		    s->count, name);
	}
	return !drop;
}

/* Only the end of the pipe counts; bytes sent by mistake are dropped. */
static void
startups_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct startup *st = arg;
	struct startups *s = st->owner;
	char c;
	ssize_t n;

	n = read(fd, &c, sizeof(c));
	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return;
	startups_remove(st);
	startups_log_throttling(s, 0);
	if (s->count == 0)
		log_left_out(&s->lines);
	s->cb(s->count, s->arg);
}

/*
 * Counts a connection of that peer (unmapped) until the other end of the pipe
 * closes; the descriptor is taken over.  -1 with errno when it cannot be
 * watched, or memory is out: it is then still the caller's.
 */
int
startups_add(struct startups *s, int fd, const struct addr *peer)
{
	struct startup *st;

	if ((st = calloc(1, sizeof(*st))) == NULL)
		return -1;
	st->owner = s;
	st->fd = fd;
	st->source = startups_source(s, peer);
	st->ev = event_new(s->base, fd, EV_READ | EV_PERSIST,
	    startups_read_cb, st);
	if (st->ev == NULL || eventloop_watch(st->ev, NULL) == -1) {
		if (st->ev != NULL)
			event_free(st->ev);
		free(st);
		errno = ENOMEM;
		return -1;
	}
	TAILQ_INSERT_TAIL(&s->list, st, entry);
	s->count++;
	s->cb(s->count, s->arg);
	return 0;
}
