/* SPDX-License-Identifier: ISC */
/*
 * Deadlines of one length are due in the order in which they were set, so a
 * list and one timer serve any number of them: to set one and to stop it costs
 * the same however many there are.  The timer is not set back when its
 * deadline is stopped; it comes once for nothing.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <string.h>

#include <event2/event.h>

#include "deadlines.h"
#include "eventloop.h"
#include "monotime.h"

/* Waits for the first one; -1 when there can be no timer. */
static int
deadlines_wait(struct deadlines *d, const struct deadline *first)
{
	int64_t left = first->at - monotime_ns();
	struct timeval tv = { 0, 1 };

	if (left > 0) {
		tv.tv_sec = left / MONOTIME_SECOND;
		tv.tv_usec = left % MONOTIME_SECOND / 1000 + 1;
	}
	return eventloop_watch(d->ev, &tv);
}

static void
deadlines_due_cb(evutil_socket_t fd, short what, void *arg)
{
	struct deadlines *d = arg;
	struct deadline *first;
	int64_t now = monotime_ns();

	/* Without a timer none can wait any longer. */
	while ((first = TAILQ_FIRST(&d->waiting)) != NULL &&
	    (first->at <= now || deadlines_wait(d, first) == -1)) {
		deadline_stop(first);
		d->cb(first->arg);
	}
}

/*
 * Prepares for waits of so many seconds, or without a deadline if that is 0.
 * -1 when memory is out.
 */
int
deadlines_init(struct deadlines *d, struct event_base *base, int seconds,
    deadlines_cb *cb)
{
	TAILQ_INIT(&d->waiting);
	d->seconds = seconds;
	d->cb = cb;
	d->ev = evtimer_new(base, deadlines_due_cb, d);
	return d->ev != NULL ? 0 : -1;
}

/* Stops all, before the loop is freed; may be called again. */
void
deadlines_clear(struct deadlines *d)
{
	struct deadline *first;

	if (d->ev == NULL)
		return;
	while ((first = TAILQ_FIRST(&d->waiting)) != NULL)
		deadline_stop(first);
	event_free(d->ev);
	d->ev = NULL;
}

/*
 * Gives a wait its deadline, from now on; one that it had is stopped.  The
 * callback comes from the loop, with arg.
 */
void
deadline_set(struct deadline *w, struct deadlines *d, void *arg)
{
	deadline_stop(w);
	if (d->seconds == 0)
		return;
	w->all = d;
	w->at = monotime_ns() + d->seconds * MONOTIME_SECOND;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&d->waiting, w, entry);
	if (!event_pending(d->ev, EV_TIMEOUT, NULL))
		deadlines_wait(d, w);
}

/* The wait is over, or given up; nothing is done if it has no deadline. */
void
deadline_stop(struct deadline *w)
{
	if (w->all == NULL)
		return;
	TAILQ_REMOVE(&w->all->waiting, w, entry);
	w->all = NULL;
}
