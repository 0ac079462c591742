/* SPDX-License-Identifier: ISC */
/*
 * The session with the far end, whose life is longer than that of one
 * connection.
 */
#ifndef SESSION_H
#define SESSION_H

#include <sys/types.h>
#include <stdint.h>

#include "congestion.h"

struct cliconf;
struct event_base;
struct farend;
struct session;

enum session_state {
	SESSION_NEW,
	SESSION_CONNECTING,
	SESSION_UP,
	SESSION_LOST,		/* what it carried is being let go */
	SESSION_WAITING,	/* for the next attempt */
	SESSION_REFUSED,	/* by us: the server's key has changed */
	SESSION_STOPPED		/* for good */
};

/* Why it may be worth to try now. */
enum session_nudge {
	SESSION_WANTED,		/* a client waits, or is turned away */
	SESSION_NETWORK,	/* an address or a route has changed */
	SESSION_ORDERED		/* the user says so */
};

/* How it is, for those who ask; the strings are the session's. */
struct session_description {
	enum session_state	 state;
	int64_t			 since;		/* of that, monotime_ns() */
	int64_t			 lost;		/* when the last one was */
	char			 step[320];	/* of an attempt, or "" */
	int			 due;		/* ms until it is left, or 0 */
	unsigned int		 connections;	/* times that it was up */
	const char		*reason;	/* of the last loss, or "" */
	const struct cliconf	*conf;		/* of the far end */
	/* While it is up: */
	int			 native;	/* a sockstund */
	const char		*cipher;	/* of what is sent */
	char			 congestion[CONGESTION_NAME_SIZE];
	uint64_t		 in, out;	/* bytes on the wire */
	int64_t			 trip;		/* ns; 0: not known */
	int64_t			 queued;	/* what of it is a queue's */
};

/* Called from the loop when the state has changed. */
typedef void session_cb(struct session *, enum session_state, void *);

struct session	*session_new(struct event_base *, const struct cliconf *,
		    const struct cliconf *, size_t, session_cb *, void *);
void		 session_start(struct session *);
void		 session_set_targets(struct session *, const struct cliconf *,
		    const struct cliconf *, size_t);
void		 session_nudge(struct session *, enum session_nudge);
void		 session_free(struct session *);

enum session_state session_state(const struct session *);
const char	*session_state_name(enum session_state);
struct farend	*session_farend(struct session *);
int		 session_may_come(const struct session *);
const struct cliconf *session_conf(const struct session *);
void		 session_describe(const struct session *,
		    struct session_description *);

#endif
