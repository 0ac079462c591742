/* SPDX-License-Identifier: ISC */
/*
 * Receive windows that grow.
 *
 * libssh keeps a channel's window between 640,000 and 1,280,000 bytes, which
 * on a link 100 ms long is 6 to 12 MB/s.  libssh 0.10 has one way to a larger
 * one: reading with a count beyond what is buffered announces that much.  A
 * flow whose reader took a whole window without delay gets a window twice as
 * large, up to a limit and within one budget for the session; one whose
 * reader falls behind gets libssh's own again, and at once no more credit.
 *
 * From 0.11 on the window has a fixed size of 2 MiB and none of this is done.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>

#include <libssh/libssh.h>

#include "sshchan.h"
#include "sshloop.h"
#include "sshwindow.h"

/* The window that libssh raises a channel to by itself. */
#define SSHWINDOW_BASE	1280000
#define SSHWINDOW_MAX	(16 * 1024 * 1024)
/* How often a larger window is raised again: after an eighth of it. */
#define SSHWINDOW_STEPS	8

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
	w->epoch += n;
	w->since += n;
	if (c->unread > w->size / SSHWINDOW_STEPS)
		w->slow = 1;
	if (w->epoch >= w->size ||
	    (w->charge > 0 && w->since >= w->size / SSHWINDOW_STEPS))
		sshchan_thirst(c);
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
	} else if (more <= l->window_budget - l->window_used) {
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

	while ((c = TAILQ_FIRST(&l->thirsty)) != NULL) {
		sshchan_unthirst(c);
		if (c->window.epoch >= c->window.size)
			sshwindow_resize(c);
		if (c->window.charge > 0 && !c->window.slow) {
			c->window.since = 0;
			sshchan_announce(c, c->window.size);
		}
	}
}
