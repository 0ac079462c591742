/* SPDX-License-Identifier: ISC */
/*
 * A dead link looks like a slow target: nothing comes.  But TCP's own
 * acknowledgements do not wait for the target.  While some are missing it is
 * they who tell; when none is, the peer is asked for a sign of life, so that
 * one is.
 *
 * A queue that is seconds deep still brings acknowledgements, however late,
 * and what was sent again several times without one was not held up by a
 * queue.
 */
#include <sys/types.h>
#include <sys/param.h>

#include <stddef.h>

#include "monotime.h"
#include "sshpulse.h"
#include "tcppath.h"

/* Without any acknowledgement for so long, the connection is dead; or trips. */
#define PULSE_DEAD		(3 * MONOTIME_SECOND)
#define PULSE_DEAD_TRIPS	8
/*
 * Only if TCP has sent so often, with doubled pauses, in that time, and the
 * last of these had its trips to be answered.  Where a deep queue has made its
 * pauses long, not so often, but for a longer time.
 */
#define PULSE_BACKOFF		4
#define PULSE_BACKOFF_LEAST	2
#define PULSE_DEAD_LATE		(5 * MONOTIME_SECOND)
#define PULSE_ANSWER_TRIPS	2
#define PULSE_ANSWER_LEAST	(MONOTIME_SECOND / 10)
/* Without an answer for so long the peer is asked; or trips. */
#define PULSE_ASK		(2 * MONOTIME_SECOND)
#define PULSE_ASK_TRIPS		4
/* Where nobody acknowledges, as behind a command, an answer may take this. */
#define PULSE_ANSWER		(15 * MONOTIME_SECOND)

/*
 * Bytes that came and that were sent, in all, by now; returns whether an
 * answer is waited for.  What comes may answer all or only a part of what was
 * sent: TCP knows.
 */
int
sshpulse_note(struct sshpulse *p, uint64_t in, uint64_t out, int64_t now)
{
	int came = in != p->in, sent = out != p->out;

	if (came || (sent && (!p->waits || p->answered)))
		p->since = now;
	if (came)
		p->probed = 0;
	if (sent)
		p->waits = 1;
	p->answered = came || (p->answered && !sent);
	p->in = in;
	p->out = out;
	return p->waits;
}

/* Is it TCP that gets no answer, and has given the path its chances? */
static int
sshpulse_is_dead(int64_t quiet, const struct tcppath *path)
{
	int64_t dead = path->backoff >= PULSE_BACKOFF ? PULSE_DEAD :
	    PULSE_DEAD_LATE;

	return path->backoff >= PULSE_BACKOFF_LEAST &&
	    MIN(path->acked, quiet) >=
	    MAX(dead, PULSE_DEAD_TRIPS * path->trip) &&
	    path->sent >=
	    MAX(PULSE_ANSWER_LEAST, PULSE_ANSWER_TRIPS * path->trip);
}

/*
 * Judges, by the clock and the path as it is now (NULL: it is not known).
 * After SSHPULSE_ASK the caller asks.
 */
enum sshpulse_verdict
sshpulse_look(struct sshpulse *p, int64_t now,
    const struct tcppath *path)
{
	int64_t quiet = now - p->since, trip = path != NULL ? path->trip : 0;

	if (!p->waits)
		return SSHPULSE_CALM;
	if (path != NULL && path->unacked > 0)
		return sshpulse_is_dead(quiet, path) ? SSHPULSE_DEAD :
		    SSHPULSE_WAITING;
	if (p->answered) {
		p->waits = 0;
		return SSHPULSE_CALM;
	}
	if (p->probed == 0 &&
	    quiet >= MAX(PULSE_ASK, PULSE_ASK_TRIPS * trip)) {
		p->probed = now;
		return SSHPULSE_ASK;
	}
	if (path == NULL && p->probed != 0 && now - p->probed >= PULSE_ANSWER)
		return SSHPULSE_DEAD;
	return SSHPULSE_WAITING;
}
