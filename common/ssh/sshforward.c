/* SPDX-License-Identifier: ISC */
/*
 * Forwardings that the peer is asked for:
 *
 *	ASKING --> LISTENING --> CANCELLING --> (gone)
 *	   '--> FAILED
 *
 * libssh has one place for a global request that awaits its answer, and gives
 * the answer to whoever asks next.  So requests go one by one from a queue,
 * and none while the answer to a keepalive is due (sshconn.c).  Nor does it
 * keep the port that the peer chose, if it was to choose: the owner does.
 *
 * Any other channel or request of the peer's is refused here.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "sshchan.h"
#include "sshconn.h"
#include "sshforward.h"
#include "sshopen.h"
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
	struct sshforwards	*home;
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
	TAILQ_INSERT_TAIL(&f->home->queue, f, queued);
	f->is_queued = 1;
	sshconn_kick(f->home->chans->conn);
}

static void
sshforward_dequeue(struct sshforward *f)
{
	if (f->is_queued)
		TAILQ_REMOVE(&f->home->queue, f, queued);
	f->is_queued = 0;
}

static void
sshforward_free(struct sshforward *f)
{
	sshforward_dequeue(f);
	TAILQ_REMOVE(&f->home->all, f, entry);
	free(f);
}

/* A session for which nobody waits on a port. */
void
sshforwards_init(struct sshforwards *home, struct sshchans *chans)
{
	memset(home, 0, sizeof(*home));
	home->chans = chans;
	TAILQ_INIT(&home->all);
	TAILQ_INIT(&home->queue);
}

/*
 * Asks the peer to wait on a port of one address, or of all that its policy
 * permits (""); that text is not copied.  Answers come from the loop.  NULL
 * when memory is out or the session is lost.
 */
struct sshforward *
sshforward_listen(struct sshforwards *home, const char *where, int port,
    const struct sshforward_ops *ops, void *arg)
{
	struct sshforward *f;

	if (home->chans->conn->lost || (f = calloc(1, sizeof(*f))) == NULL)
		return NULL;
	f->home = home;
	f->where = where;
	f->port = port;
	f->ops = ops;
	f->arg = arg;
	TAILQ_INSERT_TAIL(&home->all, f, entry);
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
		st = &f->chan->stream;
		f->chan = NULL;
		st->ops->close(st, STREAM_ABORT);
	}
	if (f->home->chans->conn->lost || f->state == FORWARD_FAILED ||
	    f->is_queued)
		sshforward_free(f);
	else if (f->state == FORWARD_LISTENING)
		sshforward_enqueue(f, FORWARD_CANCELLING);
}

/*
 * A message of the peer's; runs inside libssh.  1 has libssh refuse it, 0
 * says that it was answered.
 */
int
sshforwards_message_cb(ssh_session session, ssh_message msg, void *arg)
{
	struct sshforwards *home = arg;
	struct sshforward *f;
	const char *host;
	int port;

	/* For SSHCONN_CALL, inside of which this is: it is over. */
	if (errno == ENOMEM)
		return 1;
	if (ssh_message_type(msg) != SSH_REQUEST_CHANNEL_OPEN ||
	    ssh_message_subtype(msg) != SSH_CHANNEL_FORWARDED_TCPIP)
		return 1;
	port = ssh_message_channel_request_open_destination_port(msg);
	TAILQ_FOREACH(f, &home->all, entry)
		if (f->port == port && f->ops != NULL && !f->used)
			break;
	host = ssh_message_channel_request_open_originator(msg);
	if (f == NULL || host == NULL)
		return 1;
	port = ssh_message_channel_request_open_originator_port(msg);
	if (!f->ops->permit(host, port, f->arg) ||
	    (f->chan = sshopen_accept(home->chans, msg)) == NULL)
		return 1;
	f->chan->state = SSHCHAN_PENDING;
	f->used = 1;
	strlcpy(f->host, host, sizeof(f->host));
	f->host_port = port;
	home->came = 1;
	return 0;
}

/* Gives channels that were accepted to their owners. */
static void
sshforwards_hand_over(struct sshforwards *home)
{
	struct sshforward *f, *next;
	struct sshchan *c;

	home->came = 0;
	TAILQ_FOREACH_SAFE(f, &home->all, entry, next) {
		if ((c = f->chan) == NULL)
			continue;
		f->chan = NULL;
		sshchan_resume(c);
		f->ops->connected(c, f->host, f->host_port, f->arg);
	}
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
			f->ops->failed(SSHCONN_REFUSED, f->arg);
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
sshforwards_step(struct sshforwards *home)
{
	struct sshconn *conn = home->chans->conn;
	struct sshforward *f;
	int rc;

	if (home->now == NULL) {
		if ((f = TAILQ_FIRST(&home->queue)) == NULL ||
		    !sshconn_may_request(conn))
			return 0;
		sshforward_dequeue(f);
		home->now = f;
		conn->requesting = 1;
	}
	f = home->now;
	if (f->state == FORWARD_CANCELLING)
		rc = SSHCONN_CALL(conn, ssh_channel_cancel_forward(
		    conn->session, f->where, f->port));
	else
		rc = SSHCONN_CALL(conn, ssh_channel_listen_forward(
		    conn->session, f->where, f->port, NULL));
	if (rc == SSH_AGAIN)
		return 0;
	home->now = NULL;
	conn->requesting = 0;
	sshforward_answered(f, rc == SSH_OK);
	return 1;
}

/*
 * Has requests sent and answered, and hands channels over; only from the
 * loop.  When the connection broke, all is left to sshforwards_lose.
 */
void
sshforwards_service(struct sshforwards *home)
{
	if (sshconn_is_broken(home->chans->conn))
		return;
	while (sshforwards_step(home))
		;
	if (home->came)
		sshforwards_hand_over(home);
}

/* The session is lost: tells the owners and frees the rest. */
void
sshforwards_lose(struct sshforwards *home)
{
	struct sshforward *f;

	while ((f = TAILQ_FIRST(&home->all)) != NULL) {
		f->chan = NULL;
		if (f->ops != NULL)
			f->ops->failed(SSHCONN_LOST, f->arg);
		/* Its owner has closed it by now, which freed it. */
		if (TAILQ_FIRST(&home->all) == f)
			sshforward_free(f);
	}
}
