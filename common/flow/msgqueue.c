/* SPDX-License-Identifier: ISC */
/*
 * Sends messages (msg.h) in their order, by the rules of msgqueue.h.  What the
 * messages say is not known here.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "eventloop.h"
#include "msg.h"
#include "msgqueue.h"

#define MSGQUEUE_RETRY	20000	/* microseconds, if memory is short */

struct msgqueue_entry {
	TAILQ_ENTRY(msgqueue_entry) entry;
	struct msg		 msg;
};

/*
 * An empty queue for one end of a SOCK_SEQPACKET pair, which stays the
 * caller's.  Until the queue is started the descriptor blocks, and so does
 * sending.
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

/*
 * Arranges for another try after this errno.  If not even that can be, the try
 * comes at once, and the wait is here.
 */
static void
msgqueue_wait(struct msgqueue *q, int error)
{
	static const struct timeval retry = { 0, MSGQUEUE_RETRY };

	if (error == EAGAIN) {
		if (eventloop_watch(q->ev_write, NULL) == 0)
			return;
		event_del(q->ev_write);
	}
	if (eventloop_watch(q->ev_retry, &retry) == -1)
		msg_pause();
}

/* No message goes any more, and the owner is told, once. */
static void
msgqueue_fail(struct msgqueue *q, int error)
{
	while (q->n > 0)
		msgqueue_drop(q);
	q->broken = 1;
	q->failed(error, q->arg);
}

static void
msgqueue_flush(struct msgqueue *q)
{
	while (q->n > 0) {
		if (msg_send(q->fd, &TAILQ_FIRST(&q->waiting)->msg) == 0)
			msgqueue_drop(q);
		else if (errno == EAGAIN || msg_may_pass(errno)) {
			msgqueue_wait(q, errno);
			return;
		} else
			msgqueue_fail(q, errno);
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

/* Sends it if it need not wait: 0, 1 if it must, or -1 with errno. */
static int
msgqueue_try(struct msgqueue *q, const struct msg *m)
{
	int started = q->ev_write != NULL;

	if (m->bad || q->broken) {
		errno = m->bad ? m->bad : EPIPE;
		return -1;
	}
	if (q->n > 0)
		return 1;
	if ((started ? msg_send(q->fd, m) : msg_send_wait(q->fd, m)) == 0)
		return 0;
	if (started && (errno == EAGAIN || msg_may_pass(errno)))
		return 1;
	msgqueue_fail(q, errno);
	errno = EPIPE;
	return -1;
}

/* Puts it behind the others; -1 without memory. */
static int
msgqueue_add(struct msgqueue *q, struct msg *m)
{
	struct msgqueue_entry *e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return -1;
	e->msg = *m;
	msg_init(m, 0, 0);
	TAILQ_INSERT_TAIL(&q->waiting, e, entry);
	if (q->n++ == 0)
		msgqueue_flush(q);
	return 0;
}

/*
 * Sends a message, now or behind others; it is consumed.  Returns 0, or -1 with
 * errno when this one is lost: ENOMEM or EMSGSIZE, after which the next may
 * well go, or EPIPE, when none goes any more; failed was called then.
 */
int
msgqueue_send(struct msgqueue *q, struct msg *m)
{
	int r, saved;

	if ((r = msgqueue_try(q, m)) == 1)
		r = msgqueue_add(q, m);
	saved = errno;
	msg_clear(m);
	errno = saved;
	return r;
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
