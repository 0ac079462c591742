/* SPDX-License-Identifier: ISC */
/*
 * How much the peer may send on a channel before it must wait: the receive
 * window, which grows with flows that use it up.
 */
#ifndef SSHWINDOW_H
#define SSHWINDOW_H

#include <sys/types.h>
#include <stdint.h>

/* What the windows of one session share. */
struct sshwindows {
	int	grow;		/* libssh lets them */
	size_t	budget;		/* bytes beyond libssh's own windows */
	size_t	used;		/* of that */
	int64_t	trip;		/* ns, shortest round trip; 0: not known */
	int	eager;		/* while it is not, grow all the same */
};

/* The window of one channel. */
struct sshwindow {
	size_t	size;		/* what it is raised to */
	size_t	limit;		/* that it may be raised to */
	size_t	charge;		/* its part of the session's budget */
	size_t	epoch;		/* bytes read since it was last looked at */
	int64_t	began;		/* ns, when that was */
	size_t	since;		/* bytes read since it was last raised */
	int	slow;		/* the reader did not keep up meanwhile */
};

void	sshwindow_init(struct sshwindow *);
void	sshwindow_clear(struct sshwindow *, struct sshwindows *);
int	sshwindow_consumed(struct sshwindow *, const struct sshwindows *,
	    size_t, size_t);
size_t	sshwindow_review(struct sshwindow *, struct sshwindows *);
void	sshwindow_note_trip(struct sshwindows *, int64_t);

#endif
