/* SPDX-License-Identifier: ISC */
/*
 * Each side sends a message every few seconds.  One that was stopped, hangs,
 * or is in an endless loop sends none; then the other gives it up.  Beats are
 * counted, not seconds: a process that was stopped itself finds the messages
 * of the other waiting when it goes on.
 */
#include <sys/types.h>
#include <sys/time.h>

#include <event2/event.h>

#include "beat.h"
#include "eventloop.h"
#include "msg.h"
#include "msgqueue.h"

static void
beat_cb(evutil_socket_t fd, short what, void *arg)
{
	struct beat *b = arg;
	struct msg m;

	if (b->missed++ == BEAT_MISSED) {
		event_del(b->ev);
		b->silent(b->arg);
		return;
	}
	/* Whoever has not read the last ones needs no more of them. */
	if (b->queue->n > 0)
		return;
	msg_init(&m, b->type, 0);
	msgqueue_send(b->queue, &m);
}

/*
 * Sends a message of that type, with nothing in it, every so many seconds
 * (BEAT_SECONDS but in a test) through the queue, and calls back, once, when
 * nothing came for more than BEAT_MISSED of them.  -1 when memory is out.
 */
int
beat_start(struct beat *b, struct event_base *base, struct msgqueue *queue,
    uint32_t type, int seconds, void (*silent)(void *), void *arg)
{
	struct timeval every = { .tv_sec = seconds };

	b->queue = queue;
	b->type = type;
	b->missed = 0;
	b->silent = silent;
	b->arg = arg;
	if ((b->ev = event_new(base, -1, EV_PERSIST, beat_cb, b)) == NULL)
		return -1;
	return eventloop_watch(b->ev, &every);
}

/* A message came, whatever it says. */
void
beat_heard(struct beat *b)
{
	b->missed = 0;
}

/* Sends no more; nothing is done if it was not started. */
void
beat_stop(struct beat *b)
{
	if (b->ev != NULL)
		event_free(b->ev);
	b->ev = NULL;
}
