/* SPDX-License-Identifier: ISC */
/*
 * The far end of a session, of either kind, and the questions that are put to
 * it: do for me what this command of SOCKS asks for.
 */
#ifndef FAREND_H
#define FAREND_H

#include <sys/types.h>
#include <sys/queue.h>

#include "answer.h"
#include "helper.h"
#include "reply.h"
#include "socks.h"
#include "spares.h"

struct addr;
struct bindfallback;
struct cliconf;
struct event;
struct event_base;
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
	size_t			 nlookups;	/* whose turn it is */
	struct event		*next_lookup;
	int			 told_fallback;	/* what BIND then cannot do */
	int			 told_forbidden; /* that it does not forward */
};

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
void	farend_quicken(struct farend *);
void	farend_ask(struct farend_ask *, struct farend *, enum socks_cmd,
	    const struct addr *, farend_cb *, void *);
void	farend_await(struct farend_ask *);
void	farend_cancel(struct farend_ask *);

#endif
