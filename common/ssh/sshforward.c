/* SPDX-License-Identifier: ISC */
/*
 * Forwardings that the peer is asked for:
 *
 *	ASKING --> LISTENING --> CANCELLING --> (gone)
 *	   '--> FAILED
 *
 * libssh has one place for a global request, which keepalives use as well,
 * and gives an answer to whoever asks next.  So requests go one by one from a
 * queue, and none before the answer to a keepalive is taken.  Nor does it keep
 * the port that an answer tells; the owner must choose one.
 *
 * Any other channel or request of the peer's is refused here.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "log.h"
#include "sshchan.h"
#include "sshforward.h"
#include "sshloop.h"
#include "stream.h"

#define SSHFORWARD_HOST_MAX	64	/* of an address as text */

enum sshforward_state {
	FORWARD_ASKING,
	FORWARD_LISTENING,
	FORWARD_FAILED,
	FORWARD_CANCELLING
};

struct sshforward {
	TAILQ_ENTRY(sshforward)	 entry;
	TAILQ_ENTRY(sshforward)	 queued;
	int			 is_queued;
	struct sshloop		*loop;
	enum sshforward_state	 state;
	const char		*where;		/* not owned */
	int			 port;
	const struct sshforward_ops *ops;	/* NULL: it has no owner */
	void			*arg;
	int			 used;		/* somebody has connected */
	struct sshchan		*chan;		/* not yet handed over */
	char			 host[SSHFORWARD_HOST_MAX];
	int			 host_port;
};

static void
sshforward_enqueue(struct sshforward *f, enum sshforward_state state)
{
	f->state = state;
	TAILQ_INSERT_TAIL(&f->loop->forward_queue, f, queued);
	f->is_queued = 1;
	sshloop_kick(f->loop);
}

static void
sshforward_dequeue(struct sshforward *f)
{
	if (f->is_queued)
		TAILQ_REMOVE(&f->loop->forward_queue, f, queued);
	f->is_queued = 0;
}

static void
sshforward_free(struct sshforward *f)
{
	if (f->loop->forward_now == f)
		f->loop->forward_now = NULL;
	sshforward_dequeue(f);
	TAILQ_REMOVE(&f->loop->forwards, f, entry);
	free(f);
}

/*
 * Asks the peer to wait on a port of an address, a constant, or of all that
 * its policy permits ("").  Answers come from the loop.  NULL when memory is
 * out or the session is lost.
 */
struct sshforward *
sshforward_listen(struct sshloop *loop, const char *where, int port,
    const struct sshforward_ops *ops, void *arg)
{
	struct sshforward *f;

	if (loop->lost || (f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->loop = loop;
	f->where = where;
	f->port = port;
	f->ops = ops;
	f->arg = arg;
	TAILQ_INSERT_TAIL(&loop->forwards, f, entry);
	sshforward_enqueue(f, FORWARD_ASKING);
	return f;
}

/* Gives the port up; channels that were handed over stay. */
void
sshforward_close(struct sshforward *f)
{
	struct stream *st;

	f->ops = NULL;
	if (f->chan != NULL) {
		st = sshchan_stream(f->chan);
		f->chan = NULL;
		st->ops->close(st, STREAM_ABORT);
	}
	if (f->loop->lost || f->state == FORWARD_FAILED || f->is_queued)
		sshforward_free(f);
	else if (f->state == FORWARD_LISTENING)
		sshforward_enqueue(f, FORWARD_CANCELLING);
}

/*
 * A message of the peer's; runs inside libssh.  1 has libssh refuse it, 0
 * says that it was answered.
 */
int
sshforward_message_cb(ssh_session session, ssh_message msg, void *arg)
{
	struct sshloop *l = arg;
	struct sshforward *f;
	const char *host;
	int port;

	if (ssh_message_type(msg) != SSH_REQUEST_CHANNEL_OPEN ||
	    ssh_message_subtype(msg) != SSH_CHANNEL_FORWARDED_TCPIP)
		return 1;
	port = ssh_message_channel_request_open_destination_port(msg);
	TAILQ_FOREACH(f, &l->forwards, entry)
		if (f->port == port && f->ops != NULL && !f->used)
			break;
	host = ssh_message_channel_request_open_originator(msg);
	if (f == NULL || host == NULL)
		return 1;
	port = ssh_message_channel_request_open_originator_port(msg);
	if (!f->ops->permit(host, port, f->arg) ||
	    (f->chan = sshchan_accept(l, msg)) == NULL)
		return 1;
	f->chan->state = SSHCHAN_PENDING;
	f->used = 1;
	strlcpy(f->host, host, sizeof(f->host));
	f->host_port = port;
	l->forward_came = 1;
	return 0;
}

/* Gives channels that were accepted to their owners. */
static void
sshforward_hand_over(struct sshloop *l)
{
	struct sshforward *f, *next;
	struct sshchan *c;

	l->forward_came = 0;
	TAILQ_FOREACH_SAFE(f, &l->forwards, entry, next) {
		if ((c = f->chan) == NULL)
			continue;
		f->chan = NULL;
		sshchan_resume(c);
		f->ops->connected(c, f->host, f->host_port, f->arg);
	}
}

/*
 * Is the place for a request free?  What ssh_send_keepalive() does not tell,
 * another request does: it waits for the answer to the keepalive, or is
 * itself sent, and then names nothing that could be cancelled.
 */
static int
sshforward_may_ask(struct sshloop *l)
{
	if (l->keepalive_due &&
	    ssh_channel_cancel_forward(l->session, "", 0) == SSH_AGAIN)
		return 0;
	l->keepalive_due = 0;
	return 1;
}

static void
sshforward_answered(struct sshforward *f, int ok)
{
	if (f->state == FORWARD_CANCELLING)
		sshforward_free(f);
	else if (!ok) {
		f->state = FORWARD_FAILED;
		if (f->ops == NULL)
			sshforward_free(f);
		else
			f->ops->failed(f->arg);
	} else {
		f->state = FORWARD_LISTENING;
		if (f->ops == NULL)
			sshforward_enqueue(f, FORWARD_CANCELLING);
		else
			f->ops->listening(f->arg);
	}
}

/* Sends a request, or looks for its answer; returns whether one was done. */
static int
sshforward_step(struct sshloop *l)
{
	struct sshforward *f;
	int rc;

	if (l->forward_now == NULL) {
		if ((f = TAILQ_FIRST(&l->forward_queue)) == NULL ||
		    !sshforward_may_ask(l))
			return 0;
		sshforward_dequeue(f);
		l->forward_now = f;
	}
	f = l->forward_now;
	if (f->state == FORWARD_CANCELLING)
		rc = ssh_channel_cancel_forward(l->session, f->where,
		    f->port);
	else
		rc = ssh_channel_listen_forward(l->session, f->where,
		    f->port, NULL);
	if (rc == SSH_AGAIN)
		return 0;
	l->forward_now = NULL;
	sshforward_answered(f, rc == SSH_OK);
	return 1;
}

/*
 * Hands channels over and has requests answered; only from the loop.  What is
 * open when the connection broke is left to sshforward_lose.
 */
void
sshforward_service(struct sshloop *l)
{
	if (sshloop_is_broken(l))
		return;
	while (sshforward_step(l))
		;
	if (l->forward_came)
		sshforward_hand_over(l);
}

/* The session is lost: tells the owners and frees the rest. */
void
sshforward_lose(struct sshloop *l)
{
	struct sshforward *f;

	while ((f = TAILQ_FIRST(&l->forwards)) != NULL) {
		f->chan = NULL;
		if (f->ops != NULL)
			f->ops->failed(f->arg);
		/* Its owner has closed it by now, which freed it. */
		if (TAILQ_FIRST(&l->forwards) == f)
			sshforward_free(f);
	}
}
