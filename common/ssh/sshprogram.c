/* SPDX-License-Identifier: ISC */
/*
 * Session channels: the request that makes the peer run a program, what the
 * program says on standard error, which goes to the log, and how it ended.
 * While a request is not answered the channel is SSHCHAN_PENDING and waits
 * among the "asking".  Which program it is, is not known here.
 *
 * A program that is killed ends what it writes, and only then does the server
 * tell that it was killed.  So that end is held back for a moment.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <libssh/libssh.h>

#include "eventloop.h"
#include "log.h"
#include "eventloop.h"
#include "sshchan.h"
#include "sshconn.h"
#include "sshopen.h"
#include "sshprogram.h"

/* One program's bytes of a line, and its lines that reach the log. */
#define SSHPROGRAM_LINE_MAX	256
#define SSHPROGRAM_LINES	20
/* Stands for the exit status of a program that a signal ended. */
#define SSHPROGRAM_KILLED	255

/* How long after the end of its output the news of its death may come. */
static const struct timeval sshprogram_moment = { .tv_usec = 200000 };

struct sshprogram {
	struct sshchan		*chan;
	enum sshprogram_kind	 kind;
	char			*name;
	sshprogram_cb		*cb;		/* while SSHCHAN_PENDING */
	void			*arg;
	int			 rc;		/* libssh's */
	int			 status;	/* -1: it has not ended */
	struct event		*ev_eof;	/* to be told of */
	int			 nlines;
	size_t			 len;		/* bytes of a line not ended */
	char			 line[SSHPROGRAM_LINE_MAX];
};

static void
sshprogram_exit_cb(ssh_session session, ssh_channel channel, int status,
    void *arg)
{
	struct sshprogram *p = ((struct sshchan *)arg)->kind_data;

	p->status = status;
}

/* Did the program end as one does that could not finish? */
static int
sshprogram_failed(const struct sshchan *c)
{
	const struct sshprogram *p = c->kind_data;

	return p->status > 0;
}

static void
sshprogram_eof_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshchan *c = ((struct sshprogram *)arg)->chan;

	sshchan_mark(c, sshprogram_failed(c) ? SSHCHAN_MARK_RESET :
	    SSHCHAN_MARK_EOF);
}

static void
sshprogram_eof(struct sshchan *c)
{
	struct sshprogram *p = c->kind_data;

	eventloop_watch(p->ev_eof, &sshprogram_moment);
}

static void
sshprogram_killed(struct sshchan *c, const char *sig)
{
	struct sshprogram *p = c->kind_data;

	log_debug("far end's program: ended by signal %.20s", sig);
	p->status = SSHPROGRAM_KILLED;
}

static void
sshprogram_end_line(struct sshprogram *p)
{
	char text[SSHPROGRAM_LINE_MAX * 4];

	if (p->len > 0 && p->nlines++ < SSHPROGRAM_LINES)
		log_info("far end's program: %s",
		    log_safe(p->line, p->len, text, sizeof(text)));
	p->len = 0;
}

/* Logs each line of the program's standard error that is whole. */
static void
sshprogram_stderr(struct sshchan *c, const char *data, size_t len)
{
	struct sshprogram *p = c->kind_data;

	for (; len > 0; data++, len--) {
		if (*data == '\n' || p->len == sizeof(p->line))
			sshprogram_end_line(p);
		if (*data != '\n' && *data != '\r')
			p->line[p->len++] = *data;
	}
}

/* Whoever waits for the answer to a request gets none. */
static void
sshprogram_lost(struct sshchan *c)
{
	struct sshprogram *p = c->kind_data;

	p->cb(c, SSHCONN_LOST, p->arg);
}

static void
sshprogram_free(struct sshchan *c)
{
	struct sshprogram *p = c->kind_data;

	sshprogram_end_line(p);
	event_free(p->ev_eof);
	free(p->name);
	free(p);
}

static const struct sshchan_kind sshprogram_chan_kind = {
	.stderr_data = sshprogram_stderr,
	.eof = sshprogram_eof,
	.killed = sshprogram_killed,
	.failed = sshprogram_failed,
	.lost = sshprogram_lost,
	.free = sshprogram_free,
};

/*
 * Asks the peer for a session channel; the callback is as sshopen_direct's.
 * NULL when it could not be asked.
 */
struct sshchan *
sshprogram_open(struct sshchans *chans, sshchan_open_cb *opened, void *arg)
{
	struct sshprogram *p;
	struct sshchan *c;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->ev_eof = evtimer_new(chans->conn->base, sshprogram_eof_cb, p);
	if (p->ev_eof == NULL ||
	    (c = sshopen_begin(chans, opened, arg)) == NULL) {
		if (p->ev_eof != NULL)
			event_free(p->ev_eof);
		free(p);
		return NULL;
	}
	p->chan = c;
	p->status = -1;
	c->kind = &sshprogram_chan_kind;
	c->kind_data = p;
	c->cbs.channel_exit_status_function = sshprogram_exit_cb;
	return sshopen_begun(c, SSHCONN_CALL(chans->conn,
	    ssh_channel_open_session(c->channel)));
}

/* Sends the request, or looks for the answer to the one that was sent. */
static int
sshprogram_ask(struct sshchan *c)
{
	struct sshprogram *p = c->kind_data;
	struct sshconn *conn = c->chans->conn;

	if (p->kind == SSHPROGRAM_SUBSYSTEM)
		return SSHCONN_CALL(conn,
		    ssh_channel_request_subsystem(c->channel, p->name));
	return SSHCONN_CALL(conn, ssh_channel_request_exec(c->channel,
	    p->name));
}

/*
 * Has the peer run a subsystem or a command on a session channel that is
 * open; until the callback tells the answer nothing can be read or written.
 * Another may be asked for when one was refused.  -1 when memory is out.
 */
int
sshprogram_request(struct sshchan *c, enum sshprogram_kind kind,
    const char *name, sshprogram_cb *cb, void *arg)
{
	struct sshprogram *p = c->kind_data;
	char *copy;

	if ((copy = strdup(name)) == NULL)
		return -1;
	free(p->name);
	p->name = copy;
	p->kind = kind;
	p->cb = cb;
	p->arg = arg;
	c->state = SSHCHAN_PENDING;
	sshchan_wait_in(c, &c->chans->asking);
	p->rc = sshprogram_ask(c);
	sshconn_kick(c->chans->conn);
	return 0;
}

static void
sshprogram_check(struct sshchan *c)
{
	struct sshprogram *p = c->kind_data;

	if (p->rc == SSH_AGAIN)
		p->rc = sshprogram_ask(c);
	/* A channel that the peer has closed is not answered any more. */
	if (p->rc == SSH_AGAIN && !(c->marks & SSHCHAN_MARK_CLOSE))
		return;
	sshchan_unwait(c);
	sshchan_resume(c);
	p->cb(c, p->rc == SSH_OK ? SSHCONN_GRANTED : SSHCONN_REFUSED, p->arg);
}

/*
 * Looks for answers; only from the loop.  When the connection broke libssh
 * says that all was refused, which nobody did: sshchans_lose tells the truth.
 */
void
sshprogram_service(struct sshchans *chans)
{
	struct sshchan *c, *next;

	if (sshconn_is_broken(chans->conn))
		return;
	TAILQ_FOREACH_SAFE(c, &chans->asking, turn, next)
		sshprogram_check(c);
}

/* The program's exit status, or -1 while that is not known. */
int
sshprogram_exit_status(const struct sshchan *c)
{
	const struct sshprogram *p = c->kind_data;

	return p->status;
}
