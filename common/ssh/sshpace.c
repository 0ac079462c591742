/* SPDX-License-Identifier: ISC */
/*
 * Pacing: a byte that is written waits behind all that was written before and
 * not yet sent.  To keep that wait at a few milliseconds whatever the link,
 * the bytes that may wait in the kernel (TCP_NOTSENT_LOWAT) and the size of a
 * turn follow the rate at which the connection was seen to drain.
 *
 * The rate is measured only over times in which something always waited to be
 * sent: otherwise it would be that of the senders.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "monotime.h"
#include "sshpace.h"

/* One full packet towards OpenSSH and libssh: 32 KiB less the headers. */
#define PACE_QUANTUM_MAX	32758
#define PACE_QUANTUM_MIN	4096
#define PACE_BACKLOG_MAX	(1024 * 1024)
#define PACE_BACKLOG_MIN	8192
/* Before anything is known: not much on a fast link, nor on a slow one. */
#define PACE_BACKLOG_START	(128 * 1024)
/* Seconds that a turn, and the backlog, may take to drain. */
#define PACE_QUANTUM_TIME	0.0006
#define PACE_BACKLOG_TIME	0.001
/* Nanoseconds over which the rate is measured. */
#define PACE_INTERVAL		20000000
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

/* Starts on a connection of which nothing is known. */
void
sshpace_init(struct sshpace *p, int fd)
{
	p->fd = fd;
	p->rate = 0;
	p->measuring = 0;
	p->quantum = PACE_QUANTUM_MAX;
	pace_set_backlog(p, PACE_BACKLOG_START);
}

static void
pace_adapt(struct sshpace *p, double rate)
{
	double backlog;

	p->rate = p->rate == 0 ? rate :
	    p->rate + PACE_GAIN * (rate - p->rate);
	p->quantum = (size_t)clamp(p->rate * PACE_QUANTUM_TIME,
	    PACE_QUANTUM_MIN, PACE_QUANTUM_MAX);
	backlog = clamp(p->rate * PACE_BACKLOG_TIME, PACE_BACKLOG_MIN,
	    PACE_BACKLOG_MAX);
	/* Small changes are not worth a system call. */
	if (backlog > p->backlog * 1.2 || backlog < p->backlog * 0.8)
		pace_set_backlog(p, (int)backlog);
}

/*
 * Notes, after a round of the loop, how many bytes the connection has taken
 * since it stands, and whether more waits.
 */
void
sshpace_note(struct sshpace *p, uint64_t sent, int waiting)
{
	int64_t now;

	if (!waiting) {
		p->measuring = 0;
		return;
	}
	now = monotime_ns();
	if (!p->measuring) {
		p->measuring = 1;
	} else if (now - p->since < PACE_INTERVAL)
		return;
	else if (now - p->since < PACE_GAP)
		pace_adapt(p, (double)(sent - p->sent) * 1e9 /
		    (double)(now - p->since));
	p->since = now;
	p->sent = sent;
}
