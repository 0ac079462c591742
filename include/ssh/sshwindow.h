/* SPDX-License-Identifier: ISC */
/*
 * How much the peer may send on a channel before it must wait: the receive
 * window, which grows with flows that use it up.
 */
#ifndef SSHWINDOW_H
#define SSHWINDOW_H

#include <sys/types.h>

struct sshchan;
struct sshloop;

/* The window of one channel. */
struct sshwindow {
	size_t	size;		/* what it is raised to */
	size_t	charge;		/* its part of the session's budget */
	size_t	epoch;		/* bytes read since it was last looked at */
	int64_t	began;		/* ns, when that was */
	size_t	since;		/* bytes read since it was last raised */
	int	slow;		/* the reader did not keep up meanwhile */
};

void	sshwindow_init(struct sshwindow *);
void	sshwindow_clear(struct sshchan *);
void	sshwindow_consumed(struct sshchan *, size_t);
void	sshwindow_service(struct sshloop *);

#endif
