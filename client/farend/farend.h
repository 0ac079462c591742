/* SPDX-License-Identifier: ISC */
/*
 * The far end of a session, of either kind, and the questions that are put to
 * it: do for me what this command of SOCKS asks for.
 */
#ifndef FAREND_H
#define FAREND_H

#include <sys/types.h>
#include <sys/queue.h>

#include "addr.h"
#include "helper.h"
#include "reply.h"
#include "socks.h"
#include "spares.h"

struct bindfallback;
struct cliconf;
struct event;
struct event_base;
struct farend_ask;
struct sshchan;
struct sshloop;
struct stream;

TAILQ_HEAD(farend_list, farend_ask);

struct farend {
	struct event_base	*base;		/* NULL: there is no far end */
	struct sshloop		*loop;
	int			 native;	/* it is a sockstund */
	struct spares		 spares;	/* if it is one */
	struct helper		 helper;	/* if it is not */
	struct farend_list	 lookups;	/* wait for their turn */
	size_t			 nlookups;	/* have it */
	struct event		*next_lookup;
	int			 told_fallback;	/* what BIND without help is */
};

enum farend_result {
	FAREND_BOUND,		/* BIND waits at bnd; another answer follows */
	FAREND_GRANTED,		/* done; bnd and the stream are the answer */
	FAREND_REFUSED,		/* rep, text and hint say why */
	FAREND_LOST		/* the session ended before it was answered */
};

struct farend_answer {
	enum farend_result	 result;
	int			 rep;		/* enum socks_rep, or anything */
	struct addr		 bnd;
	struct stream		*stream;	/* the callee's from now on */
	const void		*first;		/* to be written before all */
	size_t			 first_len;
	const void		*surplus;	/* was read from it already */
	size_t			 surplus_len;
	const char		*text;		/* why, for the log */
	const char		*hint;		/* what to do about it, or "" */
};

/* The question is over, but after FAREND_BOUND, and may be freed. */
typedef void farend_cb(const struct farend_answer *, void *);

enum farend_turn {
	TURN_NONE,		/* it needs none, or waits no more */
	TURN_WAITING,
	TURN_TAKEN
};

/* A question; embedded.  All zero, nothing is asked. */
struct farend_ask {
	struct farend		*farend;	/* NULL: nothing is asked */
	enum socks_cmd		 cmd;
	const struct addr	*dst;
	farend_cb		*cb;
	void			*arg;
	TAILQ_ENTRY(farend_ask)	 entry;		/* while TURN_WAITING */
	enum farend_turn	 turn;
	struct sshchan		*opening;	/* until it is open */
	struct helper_run	 run;
	struct bindfallback	*fallback;
	struct stream		*stream;	/* that the answer comes on */
	size_t			 unsent;	/* bytes of the request */
	struct reply		 reply;
	int			 bound;		/* FAREND_BOUND was told */
};

int	farend_init(struct farend *, struct event_base *, struct sshloop *,
	    const struct cliconf *, int);
void	farend_clear(struct farend *);
void	farend_ask(struct farend_ask *, struct farend *, enum socks_cmd,
	    const struct addr *, farend_cb *, void *);
void	farend_await(struct farend_ask *);
void	farend_cancel(struct farend_ask *);

#endif
