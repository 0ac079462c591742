/* SPDX-License-Identifier: ISC */
/*
 * One end of a flow: a socket or an SSH channel behind the same six
 * operations.  A stream belongs to one owner, which hears of events through
 * its callback and closes it.
 */
#ifndef STREAM_H
#define STREAM_H

#include <sys/types.h>

struct event_base;
struct stream;

enum stream_event {
	STREAM_READABLE,	/* read may give data, the end or an error */
	STREAM_WRITABLE,	/* write may take bytes */
	STREAM_HANGUP,		/* nothing that is written arrives any more */
	STREAM_RESET		/* it failed, or cannot be watched: end it */
};

#define STREAM_WANT_READ	0x01
#define STREAM_WANT_WRITE	0x02

enum stream_ending {
	STREAM_CLOSE,		/* what was written still arrives */
	STREAM_ABORT		/* the far side sees a reset */
};

struct stream_ops {
	/*
	 * Bytes, 0 at the end, or -1 and errno (EAGAIN: not now; ENETRESET:
	 * the session below it was lost; EPIPE: the end, and nothing that is
	 * written arrives any more).
	 */
	ssize_t	(*read)(struct stream *, void *, size_t);
	/* Bytes taken, or -1 and errno (EAGAIN: not now). */
	ssize_t	(*write)(struct stream *, const void *, size_t);
	/* How many bytes write may take now; 0: wait for WRITABLE. */
	size_t	(*space)(struct stream *);
	/*
	 * Which events are wanted from now on: READABLE while there is
	 * something to read, WRITABLE once.
	 */
	void	(*want)(struct stream *, int);
	/* Nothing more will be written; reading goes on. */
	void	(*end)(struct stream *);
	/* Gives the stream up and frees it. */
	void	(*close)(struct stream *, enum stream_ending);
};

struct stream {
	const struct stream_ops	*ops;
	void	(*cb)(struct stream *, enum stream_event, void *);
	/*
	 * Bytes that the stream holds in its own memory are offered here
	 * first; returns how many were taken.  May be NULL.  Called from
	 * inside the stream's machinery: it may write to other kinds of
	 * stream and nothing else.
	 */
	size_t	(*offer)(struct stream *, const void *, size_t, void *);
	void	 *arg;
};

struct stream	*sockstream_new(struct event_base *, int);
struct stream	*sockstream_new_pair(struct event_base *, int, int);
void		 sockstream_set_reset(int, int);

#endif
