/* SPDX-License-Identifier: ISC */
/*
 * Datagrams over a stream: frames of sockstun-protocol(7) in both directions.
 * The queue of frames to be written is bounded; when it is full, the oldest
 * datagram is dropped and counted, so nothing ever waits for a datagram.
 */
#ifndef DGRAMLINK_H
#define DGRAMLINK_H

#include <sys/types.h>
#include <stdint.h>

#include "stream.h"

struct addr;
struct dgramlink;
struct event_base;

struct dgramlink_ops {
	/*
	 * A datagram came.  The bytes are valid during the call, which may not
	 * close the link.  If the stream is an SSH channel, the call comes from
	 * inside libssh: it may write to sockets and do nothing else.
	 */
	void	(*datagram)(const struct addr *, const void *, size_t, void *);
	/*
	 * The stream ended (NULL), or the reason why it cannot go on.  Called
	 * once, from the loop; the owner closes the link in it.
	 */
	void	(*ended)(const char *, void *);
};

struct dgramlink_count {
	uint64_t	sent;		/* datagrams written to the stream */
	uint64_t	received;
	uint64_t	dropped;	/* of those to be sent */
};

size_t		 dgramlink_share(size_t);
struct dgramlink *dgramlink_new(struct event_base *, struct stream *, size_t,
		    const struct dgramlink_ops *, void *);
int		 dgramlink_start(struct dgramlink *, const void *, size_t);
void		 dgramlink_send(struct dgramlink *, const struct addr *,
		    const void *, size_t);
const struct dgramlink_count *dgramlink_count(const struct dgramlink *);
void		 dgramlink_close(struct dgramlink *, enum stream_ending);

#endif
