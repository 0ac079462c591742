/* SPDX-License-Identifier: ISC */
/*
 * Pacing: a byte that is written waits behind all that was written before and
 * not yet sent.  To keep that wait at a few milliseconds whatever the link,
 * the bytes that may wait in the kernel (TCP_NOTSENT_LOWAT) and the size of a
 * turn follow the rate at which the connection was seen to drain, and what TCP
 * itself says of the path.  What waits on the path is sshqueue.c's affair.
 *
 * The rate is measured only over times in which something always waited to be
 * sent: otherwise it would be that of the senders.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <limits.h>
#include <poll.h>
#include <string.h>

#include "monotime.h"
#include "sshpace.h"
#include "tcppath.h"

/* One full packet towards OpenSSH and libssh: 32 KiB less the headers. */
#define PACE_PACKET		32758
/* Two of them are read at once and leave in one write: fewer system calls. */
#define PACE_QUANTUM_MAX	(2 * PACE_PACKET)
#define PACE_QUANTUM_MIN	4096
#define PACE_BACKLOG_MAX	(1024 * 1024)
#define PACE_BACKLOG_MIN	8192
/* What the kernel takes at once, whatever the backlog. */
#define PACE_KERNEL_PIECE	65536
/* Before anything is known: not much on a fast link, nor on a slow one. */
#define PACE_BACKLOG_START	(128 * 1024)
/* Seconds that a turn, and the backlog, may take to drain. */
#define PACE_QUANTUM_TIME	0.0006
#define PACE_BACKLOG_TIME	0.001
/*
 * What TCP needs so as not to run dry, beside four packets: it sends what a
 * millisecond takes at once, wakes us when half of the backlog is left, and
 * we are not always there at once.
 */
#define PACE_TCP_TIME		0.004
#define PACE_TCP_LEAST		5840
/* Nanoseconds over which the rate is measured. */
#define PACE_INTERVAL		20000000
/* Nothing waits: the kernel still has what it needs for so long. */
#define PACE_LULL		2000000
/* A gap in which nothing was noted says nothing of the link. */
#define PACE_GAP		(5 * (int64_t)PACE_INTERVAL)
/* Weight of a new measurement. */
#define PACE_GAIN		0.5

static double
clamp(double x, double min, double max)
{
	return x < min ? min : x > max ? max : x;
}

static void
pace_set_backlog(struct sshpace *p, int backlog)
{
	p->backlog = backlog;
	/* Fails on what is no TCP socket, as a proxy command's; no matter. */
	setsockopt(p->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &backlog,
	    sizeof(backlog));
}

/* Tells the kernel how many bytes a second it may send; 0: as it likes. */
static void
pace_set_limit(struct sshpace *p, double limit)
{
#ifdef SO_MAX_PACING_RATE
	unsigned long value = ULONG_MAX;

	if (limit == p->limit)
		return;
	p->limit = limit;
	if (limit > 0 && limit < (double)ULONG_MAX)
		value = (unsigned long)limit;
	setsockopt(p->fd, SOL_SOCKET, SO_MAX_PACING_RATE, &value,
	    sizeof(value));
#endif
}

/* Starts on a connection of which nothing is known. */
void
sshpace_init(struct sshpace *p, int fd)
{
	memset(p, 0, sizeof(*p));
	p->fd = fd;
	p->quantum = PACE_QUANTUM_MAX;
	pace_set_backlog(p, PACE_BACKLOG_START);
}

/*
 * The bytes that may wait unsent.  TCP must find more whenever it may send
 * more, or it takes the connection for idle: BBR then does not learn the
 * path's rate, and floods it.  Where the peer's window is what holds the
 * connection up, they would only wait.
 */
static double
pace_backlog(const struct sshpace *p, const struct tcppath *path, int held)
{
	double backlog = p->rate * PACE_BACKLOG_TIME;

	if (!held)
		backlog = MAX(backlog, PACE_TCP_LEAST +
		    path->pacing * PACE_TCP_TIME);
	return clamp(backlog, PACE_BACKLOG_MIN, PACE_BACKLOG_MAX);
}

/* Follows what TCP knows of the path, for so many ns while something waited. */
static void
pace_follow_tcp(struct sshpace *p, int64_t took, int64_t now)
{
	struct tcppath path;
	double backlog;
	int held;

	if (tcppath_read(p->fd, &path) == -1)
		memset(&path, 0, sizeof(path));
	held = path.held_up - p->held_up > took / 2;
	p->held_up = path.held_up;
	if (held)
		sshqueue_init(&p->queue, p->queue.bound);
	pace_set_limit(p, held ? 0 : sshqueue_look(&p->queue, &path, now));
	backlog = pace_backlog(p, &path, held);
	/* Small changes are not worth a system call. */
	if (backlog > p->backlog * 1.2 || backlog < p->backlog * 0.8)
		pace_set_backlog(p, (int)backlog);
}

/* So much was sent in so many ns, while more waited. */
static void
pace_adapt(struct sshpace *p, double sent, int64_t took, int64_t now)
{
	double rate = sent * 1e9 / (double)took;

	p->rate = p->rate == 0 ? rate :
	    p->rate + PACE_GAIN * (rate - p->rate);
	p->quantum = (size_t)clamp(p->rate * PACE_QUANTUM_TIME,
	    PACE_QUANTUM_MIN, PACE_QUANTUM_MAX);
	pace_follow_tcp(p, took, now);
}

/*
 * May more be sent?  The kernel itself goes beyond the backlog: it fills up
 * what it has begun, to 64 KiB, before it takes nothing more.
 */
int
sshpace_may_send(const struct sshpace *p)
{
	const struct timespec now = { 0, 0 };
	struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };

	return p->backlog >= PACE_KERNEL_PIECE ||
	    ppoll(&pfd, 1, &now, NULL) != 0;
}

/* Begins to measure when something waits that did not before. */
static int
pace_measures(struct sshpace *p, int64_t now)
{
	int lasts = p->measuring &&
	    (p->lull == 0 || now - p->lull < PACE_LULL);

	p->measuring = 1;
	p->lull = 0;
	if (!lasts)
		sshqueue_pause(&p->queue);
	return lasts;
}

/*
 * Notes, after a round of the loop, how many bytes the connection has taken
 * since it stands, and whether more waits.
 */
void
sshpace_note(struct sshpace *p, uint64_t sent, int waiting)
{
	int64_t now, took;

	if (!waiting) {
		if (p->measuring && p->lull == 0)
			p->lull = monotime_ns();
		return;
	}
	now = monotime_ns();
	took = now - p->since;
	if (pace_measures(p, now)) {
		if (took < PACE_INTERVAL)
			return;
		if (took < PACE_GAP)
			pace_adapt(p, (double)(sent - p->sent), took, now);
	}
	p->since = now;
	p->sent = sent;
}
