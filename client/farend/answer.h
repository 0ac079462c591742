/* SPDX-License-Identifier: ISC */
/* What a far end answers, by whichever way it was asked. */
#ifndef ANSWER_H
#define ANSWER_H

#include <sys/types.h>

#include "addr.h"

struct stream;

enum farend_result {
	FAREND_BOUND,		/* BIND waits at bnd; another answer follows */
	FAREND_GRANTED,		/* done; bnd and the stream are the answer */
	FAREND_REFUSED,		/* rep, text and hint say why */
	FAREND_LOST		/* the session ended before it was answered */
};

struct farend_answer {
	enum farend_result	 result;
	int			 rep;	/* enum socks_rep, or anything */
	struct addr		 bnd;
	struct stream		*stream;	/* the callee's from now on */
	const void		*first;		/* to be written before all */
	size_t			 first_len;
	const void		*surplus;	/* read from it already */
	size_t			 surplus_len;
	const char		*text;		/* why, for the log */
	const char		*hint;		/* what to do about it, or "" */
};

/* Unless it is FAREND_BOUND, the question is over and may be freed. */
typedef void farend_cb(const struct farend_answer *, void *);

#endif
