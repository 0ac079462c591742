/* SPDX-License-Identifier: ISC */
/*
 * Messages on their way to another process, in their order.
 *
 * What becomes of one that cannot be sent is the same in all our processes:
 *
 * - The pair is full, or the system is short of memory: the message waits, in
 *   the queue or, where a process does one thing at a time, in msg_send_wait().
 * - There is no memory to build or to queue it: that message alone is lost, and
 *   its sender is told (-1).  A request or a reply then fails its flow with a
 *   general failure; a reply without its payload says that, for which no
 *   memory is needed.  If not even that can be, or an answer is missing
 *   without which the session cannot go on, the connection ends.
 * - A line of log is lost in these cases, and counted: the next line that goes
 *   is preceded by one with their number.
 * - Any other error ends the connection.
 *
 * And of one that was received: without memory for its payload (m->bad is
 * ENOMEM) or a descriptor left for it (m->fd is -1) its flow fails, too.
 *
 * The end of a connection is logged by who ends it; only that the other
 * process is gone (EPIPE, ECONNRESET) is told by its own line, not by this.
 */
#ifndef MSGQUEUE_H
#define MSGQUEUE_H

#include <sys/types.h>
#include <sys/queue.h>

struct event;
struct event_base;
struct msg;

/* An errno that no second try can mend; what waited is given up.  Once. */
typedef void msgqueue_failed_cb(int, void *);

struct msgqueue {
	TAILQ_HEAD(, msgqueue_entry) waiting;
	size_t			 n;		/* of them */
	int			 fd;
	int			 broken;	/* failed was called */
	struct event		*ev_write;	/* NULL before it starts */
	struct event		*ev_retry;
	msgqueue_failed_cb	*failed;
	void			*arg;
};

void	 msgqueue_init(struct msgqueue *, int, msgqueue_failed_cb *, void *);
int	 msgqueue_start(struct msgqueue *, struct event_base *);
int	 msgqueue_send(struct msgqueue *, struct msg *);
void	 msgqueue_clear(struct msgqueue *);

#endif
