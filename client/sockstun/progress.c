/* SPDX-License-Identifier: ISC */
/*
 * While the session is not up, a line of the terminal says what is tried, or
 * when the next attempt is.  It is looked after once a second, so what takes
 * no longer is not shown.
 */
#include <sys/types.h>
#include <sys/time.h>
#include <stdint.h>
#include <stdlib.h>

#include <event2/event.h>

#include "cliconf.h"
#include "eventloop.h"
#include "log.h"
#include "monotime.h"
#include "progress.h"
#include "session.h"
#include "statusline.h"
#include "xmalloc.h"

struct progress {
	const struct session	*session;
	struct event		*timer;
};

/* Whole seconds since a time of monotime_ns(). */
static int
progress_since(int64_t when)
{
	return (int)((monotime_ns() - when) / MONOTIME_SECOND);
}

/* A session that was up is gone; what is done about it? */
static void
progress_show_lost(const struct session_description *d)
{
	const char *host = d->conf->hostname;
	int lost = progress_since(d->lost);

	if (d->state == SESSION_WAITING)
		statusline_show("sockstun: connection to %s lost %d s ago, "
		    "next attempt in %d s", host, lost, (d->due + 999) / 1000);
	else
		statusline_show("sockstun: connection to %s lost %d s ago, %s",
		    host, lost, d->step);
}

static void
progress_show(const struct progress *p)
{
	struct session_description d;

	session_describe(p->session, &d);
	if (d.state != SESSION_WAITING && *d.step == '\0')
		statusline_clear();
	else if (d.connections > 0)
		progress_show_lost(&d);
	else
		statusline_show("sockstun: %s (%d s)", d.step,
		    progress_since(d.since));
}

static void
progress_watch(struct progress *p)
{
	static const struct timeval second = { 1, 0 };

	eventloop_watch(p->timer, &second);
}

static void
progress_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct progress *p = arg;

	progress_show(p);
	progress_watch(p);
}

/* The session, which must outlive it, is begun.  NULL when memory is out. */
struct progress *
progress_start(struct event_base *base, const struct session *session)
{
	struct progress *p = xcalloc(1, sizeof(*p));

	p->session = session;
	p->timer = evtimer_new(base, progress_timer_cb, p);
	if (p->timer == NULL) {
		free(p);
		return NULL;
	}
	progress_watch(p);
	return p;
}

/* The session's state has changed.  NULL is ignored. */
void
progress_update(struct progress *p)
{
	enum session_state state;

	if (p == NULL)
		return;
	state = session_state(p->session);
	if (state == SESSION_UP || state == SESSION_REFUSED ||
	    state == SESSION_STOPPED) {
		event_del(p->timer);
		statusline_clear();
	} else if (!evtimer_pending(p->timer, NULL))
		progress_watch(p);
}

/* Shows no more.  NULL is ignored. */
void
progress_stop(struct progress *p)
{
	if (p == NULL)
		return;
	statusline_clear();
	event_free(p->timer);
	free(p);
}
