/* SPDX-License-Identifier: ISC */
/*
 * Session channels: the request that makes the peer run a program, what the
 * program says on standard error, which goes to the log, and how it ended.
 * While a request is not answered the channel is SSHCHAN_PENDING and waits in
 * the loop's list of those that ask.  Which program it is, is not known here.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>

#include "log.h"
#include "sshchan.h"
#include "sshloop.h"
#include "sshsession.h"

/* Of one program: the bytes of a line, and lines that reach the log. */
#define SSHSESSION_LINE_MAX	256
#define SSHSESSION_LINES	20
/* Stands for the exit status of a program that a signal ended. */
#define SSHSESSION_KILLED	255

struct sshsession {
	enum sshsession_kind	 kind;
	char			*name;
	sshsession_cb		*cb;		/* NULL: nothing is asked */
	void			*arg;
	int			 rc;		/* libssh's */
	int			 status;	/* -1: it has not ended */
	int			 nlines;
	size_t			 len;		/* bytes of a line not ended */
	char			 line[SSHSESSION_LINE_MAX];
};

static void
sshsession_exit_cb(ssh_session session, ssh_channel channel, int status,
    void *arg)
{
	struct sshchan *c = arg;

	c->session->status = status;
}

/*
 * Asks the peer for a session channel; the callback is as sshchan_open's.
 * NULL when it could not be asked.
 */
struct sshchan *
sshsession_open(struct sshloop *loop, sshchan_open_cb *opened, void *arg)
{
	struct sshsession *s;
	struct sshchan *c;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	if ((c = sshchan_begin(loop, opened, arg)) == NULL) {
		free(s);
		return NULL;
	}
	s->status = -1;
	c->session = s;
	c->cbs.channel_exit_status_function = sshsession_exit_cb;
	return sshchan_begun(c, ssh_channel_open_session(c->channel));
}

/* Sends the request, or looks for the answer to the one that was sent. */
static int
sshsession_ask(struct sshchan *c)
{
	struct sshsession *s = c->session;

	if (s->kind == SSHSESSION_SUBSYSTEM)
		return ssh_channel_request_subsystem(c->channel, s->name);
	return ssh_channel_request_exec(c->channel, s->name);
}

/*
 * Has the peer run a subsystem or a command on a session channel that is
 * open; until the callback tells the answer nothing can be read or written.
 * Another may be asked for when one was refused.  -1 when memory is out.
 */
int
sshsession_request(struct sshchan *c, enum sshsession_kind kind,
    const char *name, sshsession_cb *cb, void *arg)
{
	struct sshsession *s = c->session;
	char *copy;

	if ((copy = strdup(name)) == NULL)
		return -1;
	free(s->name);
	s->name = copy;
	s->kind = kind;
	s->cb = cb;
	s->arg = arg;
	c->state = SSHCHAN_PENDING;
	sshchan_wait_in(c, &c->loop->asking);
	s->rc = sshsession_ask(c);
	sshloop_kick(c->loop);
	return 0;
}

static void
sshsession_check(struct sshchan *c)
{
	struct sshsession *s = c->session;
	sshsession_cb *cb = s->cb;

	if (s->rc == SSH_AGAIN)
		s->rc = sshsession_ask(c);
	/* A channel that the peer has closed is not answered any more. */
	if (s->rc == SSH_AGAIN && !(c->marks & SSHCHAN_MARK_CLOSE))
		return;
	sshchan_unwait(c);
	s->cb = NULL;
	sshchan_resume(c);
	cb(c, s->rc == SSH_OK, s->arg);
}

/*
 * Looks for answers; only from the loop.  Of a connection that broke libssh
 * says that all was refused: sshsession_lose will tell that better.
 */
void
sshsession_service(struct sshloop *l)
{
	struct sshchan *c, *next;

	if (sshloop_is_broken(l))
		return;
	TAILQ_FOREACH_SAFE(c, &l->asking, turn, next)
		sshsession_check(c);
}

/* The program's exit status, or -1 while that is not known. */
int
sshsession_exit_status(const struct sshchan *c)
{
	return c->session->status;
}

/* Did a program end as one does that could not finish?  NULL: there is none. */
int
sshsession_failed(const struct sshsession *s)
{
	return s != NULL && s->status > 0;
}

/* A signal has ended the program. */
void
sshsession_killed(struct sshsession *s, const char *sig)
{
	log_debug("far end's program: ended by signal %.20s", sig);
	s->status = SSHSESSION_KILLED;
}

static void
sshsession_end_line(struct sshsession *s)
{
	char text[SSHSESSION_LINE_MAX * 4];

	if (s->len > 0 && s->nlines++ < SSHSESSION_LINES)
		log_info("far end's program: %s",
		    log_safe(s->line, s->len, text, sizeof(text)));
	s->len = 0;
}

/* Bytes of the program's standard error. */
void
sshsession_stderr(struct sshsession *s, const char *data, size_t len)
{
	for (; len > 0; data++, len--) {
		if (*data == '\n' || s->len == sizeof(s->line))
			sshsession_end_line(s);
		if (*data != '\n' && *data != '\r')
			s->line[s->len++] = *data;
	}
}

/* The session is lost: whoever waits for an answer gets none. */
void
sshsession_lose(struct sshchan *c)
{
	struct sshsession *s = c->session;
	sshsession_cb *cb;

	if (s == NULL || (cb = s->cb) == NULL)
		return;
	s->cb = NULL;
	cb(c, 0, s->arg);
}

/* Frees what is kept of a channel's program; NULL does nothing. */
void
sshsession_free(struct sshsession *s)
{
	if (s == NULL)
		return;
	sshsession_end_line(s);
	free(s->name);
	free(s);
}
