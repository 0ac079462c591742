/* SPDX-License-Identifier: ISC */
/*
 * The side of sockstund-net in its talk with the monitor and, later, the
 * dialer (privsep.h).  Before authentication a question waits for its answer;
 * afterwards nothing waits.
 */
#ifndef PRIV_H
#define PRIV_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "addr.h"
#include "log.h"

struct event;
struct event_base;
struct priv_outgoing;
struct msg;

/* The last answer to a dial; the descriptor, if any, is the callee's. */
struct priv_dialed {
	uint32_t	 id;
	uint32_t	 rep;		/* enum socks_rep */
	struct addr	 bnd;
	char		 reason[256];
	int		 fd;
};

struct priv_ops {
	void	(*bound)(uint32_t, const struct addr *, void *);
	void	(*dialed)(const struct priv_dialed *, void *);
	void	(*gone)(void *);	/* the other side ended */
};

struct priv {
	int			 fd;
	struct event		*ev_read;
	struct event		*ev_write;
	TAILQ_HEAD(priv_queue, priv_outgoing) queue;
	size_t			 nqueued;
	int			 gone;		/* nobody reads what is sent */
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
	    const char *);
void	priv_dial(struct priv *, uint32_t, const char *, uint16_t, const char *,
	    uint16_t);
void	priv_service(struct priv *, uint32_t, int, const char *, uint16_t);
void	priv_cancel(struct priv *, uint32_t);
void	priv_log(enum log_level, const char *, void *);

#endif
