/* SPDX-License-Identifier: ISC */
/*
 * Sends messages (msg.h) in their order.  What cannot be sent waits: while the
 * pair is full, until it has room; while the kernel lacks memory, for a moment.
 * What the messages say is not known here.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "eventloop.h"
#include "msg.h"
#include "msgqueue.h"
#include "xmalloc.h"

#define MSGQUEUE_RETRY	20000	/* microseconds, if memory is short */

struct msgqueue_entry {
	TAILQ_ENTRY(msgqueue_entry) entry;
	struct msg		 msg;
};

/*
 * An empty queue for one end of a SOCK_SEQPACKET pair, which stays the
 * caller's.  Until the queue is started the descriptor blocks.
 */
void
msgqueue_init(struct msgqueue *q, int fd, msgqueue_failed_cb *failed,
    void *arg)
{
	memset(q, 0, sizeof(*q));
	TAILQ_INIT(&q->waiting);
	q->fd = fd;
	q->failed = failed;
	q->arg = arg;
}

static void
msgqueue_drop(struct msgqueue *q)
{
	struct msgqueue_entry *e = TAILQ_FIRST(&q->waiting);

	TAILQ_REMOVE(&q->waiting, e, entry);
	q->n--;
	msg_clear(&e->msg);
	free(e);
}

/* Arranges for another try after this errno.  -1: that would be useless. */
static int
msgqueue_wait(struct msgqueue *q, int error)
{
	static const struct timeval retry = { 0, MSGQUEUE_RETRY };

	switch (error) {
	case EAGAIN:
		return q->ev_write == NULL ? -1 :
		    eventloop_watch(q->ev_write, NULL);
	case ENOBUFS:
	case ENOMEM:
	case ETOOMANYREFS:
		if (q->ev_retry != NULL)
			return eventloop_watch(q->ev_retry, &retry);
		usleep(MSGQUEUE_RETRY);
		return 0;
	default:
		return -1;
	}
}

static void
msgqueue_flush(struct msgqueue *q)
{
	int error;

	while (q->n > 0) {
		if (msg_send(q->fd, &TAILQ_FIRST(&q->waiting)->msg) == 0) {
			msgqueue_drop(q);
			continue;
		}
		error = errno;
		if (msgqueue_wait(q, error) == -1) {
			while (q->n > 0)
				msgqueue_drop(q);
			q->failed(error, q->arg);
			return;
		}
		if (q->ev_write != NULL)
			return;
	}
}

static void
msgqueue_flush_cb(evutil_socket_t fd, short what, void *arg)
{
	msgqueue_flush(arg);
}

/*
 * From now on nothing waits but in the queue: the descriptor does not block,
 * and the loop sends.  Returns 0, or -1.
 */
int
msgqueue_start(struct msgqueue *q, struct event_base *base)
{
	if (evutil_make_socket_nonblocking(q->fd) == -1)
		return -1;
	q->ev_write = event_new(base, q->fd, EV_WRITE, msgqueue_flush_cb, q);
	q->ev_retry = evtimer_new(base, msgqueue_flush_cb, q);
	return q->ev_write == NULL || q->ev_retry == NULL ? -1 : 0;
}

/* Sends a message, now or behind others; it is consumed.  May call failed. */
void
msgqueue_send(struct msgqueue *q, struct msg *m)
{
	struct msgqueue_entry *e;

	if (q->n == 0 && msg_send(q->fd, m) == 0) {
		msg_clear(m);
		return;
	}
	e = xcalloc(1, sizeof(*e));
	e->msg = *m;
	TAILQ_INSERT_TAIL(&q->waiting, e, entry);
	if (q->n++ == 0)
		msgqueue_flush(q);
}

/* Gives up what waits, and the events; the descriptor is the caller's. */
void
msgqueue_clear(struct msgqueue *q)
{
	while (q->n > 0)
		msgqueue_drop(q);
	if (q->ev_write != NULL)
		event_free(q->ev_write);
	if (q->ev_retry != NULL)
		event_free(q->ev_retry);
}
