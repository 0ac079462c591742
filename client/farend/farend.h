/* SPDX-License-Identifier: ISC */
/*
 * The services of a far end, whatever its kind: asks for one and hands over
 * the stream that carries it.
 */
#ifndef FAREND_H
#define FAREND_H

#include <sys/types.h>

#include "addr.h"
#include "socks.h"

struct buf;
struct farend_ask;
struct stream;
struct tunnel;

/* What the far end said to a request. */
struct farend_answer {
	int		 rep;		/* enum socks_rep, or anything */
	struct addr	 bnd;
	struct stream	*stream;	/* the callee's, if rep is OK */
	const void	*surplus;	/* read from it already */
	size_t		 len;
	const char	*text;		/* why, for the log */
	const char	*hint;		/* what to do about it, or "" */
	int		 unserved;	/* nobody there took the request */
};

/* Called once, from the loop; the question is gone after it. */
typedef void farend_cb(const struct farend_answer *, void *);

/* What farend_read_reply returns, else the bytes of a reply. */
enum farend_error {
	FAREND_MORE = 0,	/* is to come */
	FAREND_EBAD = -1,	/* no reply begins so */
	FAREND_EEND = -2,	/* the stream ended before one was whole */
	FAREND_ELOST = -3	/* the session did */
};

int			 farend_serves(const struct tunnel *);
struct farend_ask	*farend_ask(struct tunnel *, enum socks_cmd,
			    const struct addr *, farend_cb *, void *);
void			 farend_cancel(struct farend_ask *);
int			 farend_read_reply(struct stream *, struct buf *,
			    struct socks_reply *);
const char		*farend_strerror(int);

#endif
