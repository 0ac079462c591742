/* SPDX-License-Identifier: ISC */
/* One SOCKS5 request on a stream, and the service that it asks for. */
#ifndef REQUEST_H
#define REQUEST_H

struct services;
struct stream;
struct request;

enum request_end {
	REQUEST_SERVED,	/* whatever the reply said */
	REQUEST_FAILED,	/* malformed, or nobody hears the reply */
	REQUEST_RESET	/* the connection did not end, but broke */
};

/* Called once, when it is over: from the loop, or from request_stop. */
typedef void request_cb(enum request_end, void *);

struct request *request_start(struct services *, struct stream *,
		    request_cb *, void *);
void		 request_stop(struct request *);

#endif
