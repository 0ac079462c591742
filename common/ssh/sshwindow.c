/* SPDX-License-Identifier: ISC */
/*
 * Receive windows that grow.
 *
 * libssh keeps a channel's window between 640,000 and 1,280,000 bytes, which
 * on a link 100 ms long is 6 to 12 MB/s.  libssh 0.10 has one way to a larger
 * one: reading with a count beyond what is buffered announces that much.
 *
 * A flow that takes a whole window within two round trips is held up by it,
 * and gets one twice as large, up to a limit and within one budget for the
 * session.  One whose reader falls behind gets libssh's own again, and at
 * once no more credit.  No window grows without need: OpenSSH reads from the
 * target whatever the window has room for, and moves that about in memory.
 *
 * A round trip is what the fastest opening of a channel took.  The accepting
 * side does not know it; there windows grow if the peer is a sockstun, which
 * reads only what it can send.
 *
 * From 0.11 on the window has a fixed size of 2 MiB and none of this is done.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>

#include <libssh/libssh.h>

#include "monotime.h"
#include "sshchan.h"
#include "sshloop.h"
#include "sshwindow.h"

/* The window that libssh raises a channel to by itself. */
#define SSHWINDOW_BASE	1280000
#define SSHWINDOW_MAX	(16 * 1024 * 1024)
/* How often a larger window is raised again: after an eighth of it. */
#define SSHWINDOW_STEPS	8
/* Round trips in which a window is read that holds its flow up. */
#define SSHWINDOW_TRIPS	2

/* A new channel's window is libssh's. */
void
sshwindow_init(struct sshwindow *w)
{
	w->size = SSHWINDOW_BASE;
	w->charge = 0;
	w->epoch = w->since = 0;
	w->slow = 0;
}

/* Gives the channel's part of the budget back. */
void
sshwindow_clear(struct sshchan *c)
{
	c->loop->window_used -= c->window.charge;
	c->window.charge = 0;
	sshchan_unthirst(c);
}

/* Notes that the channel's reader took so many bytes. */
void
sshwindow_consumed(struct sshchan *c, size_t n)
{
	struct sshwindow *w = &c->window;

	if (!c->loop->window_grows)
		return;
	if (w->epoch == 0)
		w->began = monotime_ns();
	w->epoch += n;
	w->since += n;
	if (c->unread > w->size / SSHWINDOW_STEPS)
		w->slow = 1;
	if (w->epoch >= w->size ||
	    (w->charge > 0 && w->since >= w->size / SSHWINDOW_STEPS))
		sshchan_thirst(c);
}

/* Was the window the reason that the flow was no faster? */
static int
sshwindow_was_short(const struct sshchan *c)
{
	const struct sshloop *l = c->loop;

	if (l->role == SSHLOOP_SERVER)
		return l->native;
	return l->trip > 0 && monotime_ns() - c->window.began <=
	    SSHWINDOW_TRIPS * l->trip;
}

/* A whole window was read: is a larger one due, or is it too large? */
static void
sshwindow_resize(struct sshchan *c)
{
	struct sshwindow *w = &c->window;
	struct sshloop *l = c->loop;
	size_t more = w->size;

	if (more > SSHWINDOW_MAX - w->size)
		more = SSHWINDOW_MAX - w->size;
	if (w->slow) {
		l->window_used -= w->charge;
		w->charge = 0;
		w->size = SSHWINDOW_BASE;
	} else if (sshwindow_was_short(c) &&
	    more <= l->window_budget - l->window_used) {
		l->window_used += more;
		w->charge += more;
		w->size += more;
	}
	w->epoch = 0;
	w->slow = 0;
}

/* Looks at the channels that have read much; only from the loop. */
void
sshwindow_service(struct sshloop *l)
{
	struct sshchan *c;
	struct sshwindow *w;

	while ((c = TAILQ_FIRST(&l->thirsty)) != NULL) {
		w = &c->window;
		sshchan_unthirst(c);
		if (w->epoch >= w->size)
			sshwindow_resize(c);
		if (w->charge > 0 && !w->slow) {
			w->since = 0;
			sshchan_announce(c, w->size);
		}
	}
}
