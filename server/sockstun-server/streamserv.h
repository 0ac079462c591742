/* SPDX-License-Identifier: ISC */
/* One SOCKS5 request on a stream, and the service that it asks for. */
#ifndef STREAMSERV_H
#define STREAMSERV_H

struct services;
struct stream;
struct streamserv;

enum streamserv_end {
	STREAMSERV_SERVED,	/* whatever the reply said */
	STREAMSERV_FAILED,	/* malformed, or nobody hears the reply */
	STREAMSERV_RESET	/* the connection did not end, but broke */
};

/* Called once, when it is over: from the loop, or from streamserv_stop. */
typedef void streamserv_cb(enum streamserv_end, void *);

struct streamserv *streamserv_start(struct services *, struct stream *,
		    streamserv_cb *, void *);
void		 streamserv_stop(struct streamserv *);

#endif
