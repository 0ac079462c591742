/* SPDX-License-Identifier: ISC */
/*
 * The side of sockstund-net in its talk with the monitor and, later, the
 * dialer (privsep.h).  Before authentication a question waits for its answer;
 * afterwards nothing waits.
 */
#ifndef PRIV_H
#define PRIV_H

#include <sys/types.h>
#include <stdint.h>

#include "beat.h"
#include "log.h"
#include "msgqueue.h"

struct addr;
struct event;
struct event_base;
struct msg;
struct privsep_reply;
struct privsep_proof;
struct privsep_request;

/* What the dialer says of a request; both from the loop. */
struct priv_ops {
	/* A BIND waits for its peer at this address. */
	void	(*bound)(uint32_t, const struct addr *, void *);
	/* The last word; the descriptor, or -1, is the callee's. */
	void	(*reply)(uint32_t, const struct privsep_reply *, int, void *);
	/* The dialer ended, or takes no messages: so it is said why. */
	void	(*gone)(const char *, void *);
};

struct priv {
	int			 fd;
	struct event		*ev_read;
	struct msgqueue		 queue;
	u_int			 lost;		/* lines of log */
	struct beat		 beat;
	const struct priv_ops	*ops;
	void			*arg;
};

void	priv_init(struct priv *, int);
int	priv_start(struct priv *, struct event_base *, const struct priv_ops *,
	    void *);
void	priv_clear(struct priv *);
void	priv_recv_setup(struct priv *, struct msg *);
void	priv_send_ready(struct priv *);
int	priv_key_query(struct priv *, const char *, const char *, const char *);
int	priv_key_proved(struct priv *, const char *, const char *,
	    const char *, const struct privsep_proof *);
int	priv_request(struct priv *, uint32_t, const struct privsep_request *);
void	priv_cancel(struct priv *, uint32_t);
void	priv_stuck(const char *, void *);
void	priv_log(enum log_level, const char *, void *);

#endif
