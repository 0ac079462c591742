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
 * session.  One whose reader falls behind is announced nothing more, and gets
 * libssh's own window again.  No window grows without need: OpenSSH reads
 * from the target whatever the window has room for, and moves that about in
 * memory, until it does nothing else.  So a window whose reading takes many
 * round trips is halved, and never gets as large again.
 *
 * A round trip is what the fastest opening of a channel took.  The accepting
 * side does not know it; there windows grow if the peer is a sockstun, which
 * reads only what it can send.
 *
 * From 0.11 on the window has a fixed size of 2 MiB and none of this is done.
 */
#include <sys/types.h>

#include "monotime.h"
#include "sshwindow.h"

/* The window that libssh raises a channel to by itself. */
#define SSHWINDOW_BASE	1280000
#define SSHWINDOW_MAX	(16 * 1024 * 1024)
/* The same of a stock server: what it can keep without being slowed down. */
#define SSHWINDOW_STOCK	(6 * 1024 * 1024)
/* How often a larger window is raised again: after an eighth of it. */
#define SSHWINDOW_STEPS	8
/* A flow that reads a whole window in so many round trips is held up by it. */
#define SSHWINDOW_TRIPS	2
/* A window that takes more of them is too large for a stock server. */
#define SSHWINDOW_MANY	6

/* A new channel's window is libssh's. */
void
sshwindow_init(struct sshwindow *w)
{
	w->size = SSHWINDOW_BASE;
	w->limit = SSHWINDOW_MAX;
	w->charge = 0;
	w->epoch = w->since = 0;
	w->slow = 0;
}

/* Gives the window's part of the budget back. */
void
sshwindow_clear(struct sshwindow *w, struct sshwindows *all)
{
	all->used -= w->charge;
	w->charge = 0;
}

/* Notes how many nanoseconds an answer of the peer's took. */
void
sshwindow_note_trip(struct sshwindows *all, int64_t trip)
{
	if (all->trip == 0 || trip < all->trip)
		all->trip = trip;
}

/*
 * Notes that the reader took n bytes and left so many unread.  Returns
 * whether sshwindow_review has something to do.
 */
int
sshwindow_consumed(struct sshwindow *w, const struct sshwindows *all,
    size_t n, size_t unread)
{
	if (!all->grow)
		return 0;
	if (w->epoch == 0)
		w->began = monotime_ns();
	w->epoch += n;
	w->since += n;
	if (unread > w->size / SSHWINDOW_STEPS)
		w->slow = 1;
	return w->epoch >= w->size ||
	    (w->charge > 0 && w->since >= w->size / SSHWINDOW_STEPS);
}

/* Was the window the reason that the flow was no faster? */
static int
sshwindow_was_short(const struct sshwindow *w, const struct sshwindows *all)
{
	if (all->trip == 0)
		return all->eager;
	return monotime_ns() - w->began <= SSHWINDOW_TRIPS * all->trip;
}

/* Is the peer held up by what the window has it keep? */
static int
sshwindow_is_burden(const struct sshwindow *w, const struct sshwindows *all)
{
	return w->charge > 0 && !all->eager && all->trip != 0 &&
	    monotime_ns() - w->began > SSHWINDOW_MANY * all->trip;
}

static void
sshwindow_halve(struct sshwindow *w, struct sshwindows *all)
{
	size_t less = w->size / 2;

	if (less > w->charge)
		less = w->charge;
	all->used -= less;
	w->charge -= less;
	w->size -= less;
	w->limit = w->size;
}

/* A whole window was read: is a larger one due, or is it too large? */
static void
sshwindow_resize(struct sshwindow *w, struct sshwindows *all)
{
	size_t more = w->size, limit = w->limit;

	if (!all->eager && limit > SSHWINDOW_STOCK)
		limit = SSHWINDOW_STOCK;
	if (more > limit - w->size)
		more = limit - w->size;
	if (w->slow) {
		sshwindow_clear(w, all);
		w->size = SSHWINDOW_BASE;
	} else if (sshwindow_is_burden(w, all))
		sshwindow_halve(w, all);
	else if (sshwindow_was_short(w, all) &&
	    more <= all->budget - all->used) {
		all->used += more;
		w->charge += more;
		w->size += more;
	}
	w->epoch = 0;
	w->slow = 0;
}

/*
 * Sizes a window of which much was read anew.  Returns the bytes that libssh
 * is to announce, or 0 where its own window does.
 */
size_t
sshwindow_review(struct sshwindow *w, struct sshwindows *all)
{
	if (w->epoch >= w->size || sshwindow_is_burden(w, all))
		sshwindow_resize(w, all);
	if (w->charge == 0 || w->slow)
		return 0;
	w->since = 0;
	return w->size;
}
