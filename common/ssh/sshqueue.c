/* SPDX-License-Identifier: ISC */
/*
 * A bound on the queue that a connection causes on its path.
 *
 * CUBIC and Reno send faster and faster until a queue overflows, and BBR does
 * so when it begins; whatever else the session carries waits in that queue.
 * TCP tells the round trip now, and the shortest one; what lies between them
 * is the queue.  Once it is beyond the bound, the rate at which the path was
 * seen to deliver is the most that TCP may send (SO_MAX_PACING_RATE), and from
 * then on it is steered so that half of the bound is left: faster while the
 * queue is shorter, slower while it is longer.
 *
 * A queue that does not go away though we send less is not ours.  Whoever
 * fills it would take all that we do not, so for a while nothing is held.
 *
 * The shortest trip is that of the last 10 to 20 seconds: a path may change.
 * Each 10 seconds the queue is emptied for one round trip, so that its own
 * share is not taken for a part of the path.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <string.h>

#include "monotime.h"
#include "sshqueue.h"
#include "tcppath.h"

/* One measurement takes a round trip, but no less. */
#define QUEUE_MEASURE	(20 * MONOTIME_MILLISECOND)
#define QUEUE_PERIOD	(10 * MONOTIME_SECOND)
/* No bound is shorter than these take, nor a rate lower than them a trip. */
#define QUEUE_SEGMENTS	8
/* The part of what the queue has too much that goes in one round trip. */
#define QUEUE_GAIN	0.5
#define QUEUE_SLOWER	0.5
/* The weight of a new measurement of the path's rate. */
#define QUEUE_WEIGHT	0.5
/*
 * After so many round trips without a queue the path is taken to do so much
 * more, then twice that, and so on.
 */
#define QUEUE_SURE	3
#define QUEUE_STEP	0.05
#define QUEUE_FASTER	1.25
/* Below this part of the rate it is TCP that holds the connection. */
#define QUEUE_USED	0.8
/* Emptying the queue. */
#define QUEUE_DIP	0.75
/* A queue shrinks if this is left of it after a round trip. */
#define QUEUE_SHRINKS	0.9
/* After so many round trips in which it did not it is not ours. */
#define QUEUE_STUBBORN	4
/* What is left to us of the path's rate while that is found out. */
#define QUEUE_SHARE	0.35
#define QUEUE_PATIENCE	(5 * MONOTIME_SECOND)

/* A connection whose bytes may wait so many ns on the path; 0: no bound. */
void
sshqueue_init(struct sshqueue *q, int64_t bound)
{
	memset(q, 0, sizeof(*q));
	q->bound = bound;
}

/* Nothing waits to be sent: what is delivered says nothing of the path. */
void
sshqueue_pause(struct sshqueue *q)
{
	q->began = 0;
}

/*
 * Notes a trip.  When a period begins, the queue is emptied: it is not known
 * any more how long the path is without one.
 */
static void
queue_note_trip(struct sshqueue *q, const struct tcppath *path, int64_t now)
{
	if (q->period == 0 || now - q->period > 2 * QUEUE_PERIOD) {
		q->trips[0] = q->trips[1] = path->least_trip;
		q->period = now;
	} else if (now - q->period > QUEUE_PERIOD) {
		q->trips[1] = q->trips[0];
		q->trips[0] = path->trip;
		q->period = now;
		q->rate = q->path * QUEUE_DIP;
		q->queue = 0;
	}
	q->trips[0] = MIN(q->trips[0], path->trip);
}

static int64_t
queue_shortest_trip(const struct sshqueue *q)
{
	return MIN(q->trips[0], q->trips[1]);
}

static void
queue_hold(struct sshqueue *q, double delivered)
{
	q->state = SSHQUEUE_HELD;
	q->path = q->proven = delivered;
	q->queue = 0;
	q->empty = q->stubborn = 0;
}

/* The queue is another's, or the path is a longer one now. */
static void
queue_let_go(struct sshqueue *q, int64_t trip, int64_t now)
{
	q->state = SSHQUEUE_RIVAL;
	q->until = now + QUEUE_PATIENCE;
	q->trips[0] = q->trips[1] = trip;
	q->period = now;
}

/* There is a queue; if it lasted, what was delivered is all the path can do. */
static void
queue_note_full(struct sshqueue *q, double delivered, int64_t queue,
    int64_t bound)
{
	q->empty = 0;
	if (q->queue > bound / 4)
		q->path += QUEUE_WEIGHT * (delivered - q->path);
	if (queue <= bound) {
		q->stubborn = 0;
		q->proven = q->path;
	} else if (queue > q->queue * QUEUE_SHRINKS)
		q->stubborn++;
	q->path = MAX(q->path, q->proven * QUEUE_SHARE);
}

/*
 * There is none: the path may do more than it was known to.  What is tried
 * shows after two round trips.
 */
static void
queue_note_empty(struct sshqueue *q, double delivered)
{
	double step;

	q->stubborn = 0;
	q->proven = q->path;
	if (delivered < q->rate * QUEUE_USED)
		return;
	if (++q->empty < QUEUE_SURE || q->empty % 2 == 0)
		return;
	step = 1 + (q->empty - QUEUE_SURE + 1) * QUEUE_STEP;
	q->path = MAX(q->path, delivered) * MIN(step, QUEUE_FASTER);
}

/* Steers by one measurement. */
static void
queue_steer(struct sshqueue *q, const struct tcppath *path, double delivered,
    int64_t queue, int64_t bound)
{
	double step = 1 + QUEUE_GAIN * (double)(bound / 2 - queue) /
	    (double)path->trip;

	if (queue > bound / 4)
		queue_note_full(q, delivered, queue, bound);
	else
		queue_note_empty(q, delivered);
	q->rate = MAX(q->path * MAX(step, QUEUE_SLOWER),
	    QUEUE_SEGMENTS * (double)path->segment *
	    (double)MONOTIME_SECOND / (double)path->trip);
	q->queue = queue;
}

/* On a slow path a few segments take longer than the bound. */
static int64_t
queue_bound(const struct sshqueue *q, const struct tcppath *path)
{
	double few = QUEUE_SEGMENTS * (double)path->segment *
	    (double)MONOTIME_SECOND;

	if (path->rate <= 0 || few / path->rate < (double)q->bound)
		return q->bound;
	return (int64_t)(few / path->rate);
}

/* One measurement is over, in which something was delivered. */
static void
queue_measured(struct sshqueue *q, const struct tcppath *path, int64_t now)
{
	uint32_t segments = path->delivered - q->delivered;
	double delivered = (double)segments * (double)path->segment *
	    (double)MONOTIME_SECOND / (double)(now - q->began);
	int64_t queue = path->trip - queue_shortest_trip(q);
	int64_t bound = queue_bound(q, path);

	if (q->state != SSHQUEUE_HELD && queue > bound && now >= q->until)
		queue_hold(q, MAX(delivered, path->rate));
	if (q->state != SSHQUEUE_HELD)
		return;
	queue_steer(q, path, delivered, queue, bound);
	if (q->stubborn > QUEUE_STUBBORN)
		queue_let_go(q, path->trip, now);
}

/*
 * Is a measurement over?  One in which a queue begins is cut short: the rate
 * may double in each round trip.  A burst may look like half of it.
 */
static int
queue_is_due(const struct sshqueue *q, const struct tcppath *path, int64_t now)
{
	int64_t took = now - q->began;

	if (q->began == 0 || path->delivered == q->delivered)
		return 0;
	return took >= q->takes || (took >= QUEUE_MEASURE &&
	    q->state != SSHQUEUE_HELD && now >= q->until &&
	    path->trip - queue_shortest_trip(q) > 2 * queue_bound(q, path));
}

/*
 * Looks at a connection on which something has waited to be sent since the
 * last look, or since sshqueue_pause.  Returns the bytes a second that it may
 * send from now on, or 0 for as many as TCP likes.
 */
double
sshqueue_look(struct sshqueue *q, const struct tcppath *path, int64_t now)
{
	int due;

	if (q->bound == 0 || path->trip == 0)
		return 0;
	queue_note_trip(q, path, now);
	due = queue_is_due(q, path, now);
	if (due)
		queue_measured(q, path, now);
	if (due || q->began == 0 || now - q->began >= q->takes) {
		q->began = now;
		q->takes = MAX(path->trip, QUEUE_MEASURE);
		q->delivered = path->delivered;
	}
	return q->state == SSHQUEUE_HELD ? q->rate : 0;
}
