/* SPDX-License-Identifier: ISC */
/*
 * The side of sockstund-net in its talk with the monitor and, later, the
 * dialer (privsep.h).  Before authentication a question waits for its answer;
 * afterwards nothing waits.
 */
#ifndef MM_H
#define MM_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "addr.h"
#include "log.h"

struct event;
struct event_base;
struct mm_outgoing;
struct msg;

/* The last answer to a dial; the descriptor, if any, is the callee's. */
struct mm_dialed {
	uint32_t	 id;
	uint32_t	 rep;		/* enum socks_rep */
	struct addr	 bnd;
	char		 reason[256];
	int		 fd;
};

struct mm_ops {
	void	(*bound)(uint32_t, const struct addr *, void *);
	void	(*dialed)(const struct mm_dialed *, void *);
	void	(*gone)(void *);	/* the other side ended */
};

struct mm {
	int			 fd;
	struct event		*ev_read;
	struct event		*ev_write;
	TAILQ_HEAD(mm_queue, mm_outgoing) queue;
	size_t			 nqueued;
	int			 gone;		/* nobody reads what is sent */
	const struct mm_ops	*ops;
	void			*arg;
};

void	mm_init(struct mm *, int);
int	mm_start(struct mm *, struct event_base *, const struct mm_ops *,
	    void *);
void	mm_clear(struct mm *);
void	mm_recv_setup(struct mm *, struct msg *);
void	mm_send_ready(struct mm *);
int	mm_key_query(struct mm *, const char *, const char *, const char *);
int	mm_key_proved(struct mm *, const char *, const char *, const char *);
void	mm_dial(struct mm *, uint32_t, const char *, uint16_t, const char *,
	    uint16_t);
void	mm_service(struct mm *, uint32_t, int, const char *, uint16_t);
void	mm_cancel(struct mm *, uint32_t);
void	mm_log(enum log_level, const char *, void *);

#endif
