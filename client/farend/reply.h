/* SPDX-License-Identifier: ISC */
/*
 * A SOCKS5 reply that comes on a stream, in front of the bytes that the
 * stream is for.
 */
#ifndef REPLY_H
#define REPLY_H

#include <sys/types.h>

#include "socks.h"

struct stream;

struct reply {
	u_char	 data[SOCKS5_MESSAGE_MAX];
	size_t	 len;		/* bytes that were read */
	size_t	 used;		/* the reply's, once it is whole */
};

/* What reply_read returns. */
enum reply_status {
	REPLY_WHOLE = 1,
	REPLY_MORE = 0,		/* more of it is to come */
	REPLY_EBAD = -1,	/* no reply begins so */
	REPLY_EEND = -2,	/* the stream ended before it was whole */
	REPLY_ELOST = -3	/* the session did */
};

enum reply_status	 reply_read(struct reply *, struct stream *,
			    struct socks_reply *);
const char		*reply_strerror(enum reply_status);

#endif
