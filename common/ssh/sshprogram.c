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
#include "sshprogram.h"

/* Of one program: the bytes of a line, and lines that reach the log. */
#define SSHPROGRAM_LINE_MAX	256
#define SSHPROGRAM_LINES	20
/* Stands for the exit status of a program that a signal ended. */
#define SSHPROGRAM_KILLED	255

struct sshprogram {
	enum sshprogram_kind	 kind;
	char			*name;
	sshprogram_cb		*cb;		/* NULL: nothing is asked */
	void			*arg;
	int			 rc;		/* libssh's */
	int			 status;	/* -1: it has not ended */
	int			 nlines;
	size_t			 len;		/* bytes of a line not ended */
	char			 line[SSHPROGRAM_LINE_MAX];
};

static void
sshprogram_exit_cb(ssh_session session, ssh_channel channel, int status,
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
sshprogram_open(struct sshloop *loop, sshchan_open_cb *opened, void *arg)
{
	struct sshprogram *s;
	struct sshchan *c;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	if ((c = sshchan_begin(loop, opened, arg)) == NULL) {
		free(s);
		return NULL;
	}
	s->status = -1;
	c->session = s;
	c->cbs.channel_exit_status_function = sshprogram_exit_cb;
	return sshchan_begun(c, ssh_channel_open_session(c->channel));
}

/* Sends the request, or looks for the answer to the one that was sent. */
static int
sshprogram_ask(struct sshchan *c)
{
	struct sshprogram *s = c->session;

	if (s->kind == SSHPROGRAM_SUBSYSTEM)
		return ssh_channel_request_subsystem(c->channel, s->name);
	return ssh_channel_request_exec(c->channel, s->name);
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
	struct sshprogram *s = c->session;
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
	s->rc = sshprogram_ask(c);
	sshloop_kick(c->loop);
	return 0;
}

static void
sshprogram_check(struct sshchan *c)
{
	struct sshprogram *s = c->session;
	sshprogram_cb *cb = s->cb;

	if (s->rc == SSH_AGAIN)
		s->rc = sshprogram_ask(c);
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
 * says that all was refused: sshprogram_lose will tell that better.
 */
void
sshprogram_service(struct sshloop *l)
{
	struct sshchan *c, *next;

	if (sshloop_is_broken(l))
		return;
	TAILQ_FOREACH_SAFE(c, &l->asking, turn, next)
		sshprogram_check(c);
}

/* The program's exit status, or -1 while that is not known. */
int
sshprogram_exit_status(const struct sshchan *c)
{
	return c->session->status;
}

/* Did a program end as one does that could not finish?  NULL: there is none. */
int
sshprogram_failed(const struct sshprogram *s)
{
	return s != NULL && s->status > 0;
}

/* A signal has ended the program. */
void
sshprogram_killed(struct sshprogram *s, const char *sig)
{
	log_debug("far end's program: ended by signal %.20s", sig);
	s->status = SSHPROGRAM_KILLED;
}

static void
sshprogram_end_line(struct sshprogram *s)
{
	char text[SSHPROGRAM_LINE_MAX * 4];

	if (s->len > 0 && s->nlines++ < SSHPROGRAM_LINES)
		log_info("far end's program: %s",
		    log_safe(s->line, s->len, text, sizeof(text)));
	s->len = 0;
}

/* Bytes of the program's standard error. */
void
sshprogram_stderr(struct sshprogram *s, const char *data, size_t len)
{
	for (; len > 0; data++, len--) {
		if (*data == '\n' || s->len == sizeof(s->line))
			sshprogram_end_line(s);
		if (*data != '\n' && *data != '\r')
			s->line[s->len++] = *data;
	}
}

/* The session is lost: whoever waits for an answer gets none. */
void
sshprogram_lose(struct sshchan *c)
{
	struct sshprogram *s = c->session;
	sshprogram_cb *cb;

	if (s == NULL || (cb = s->cb) == NULL)
		return;
	s->cb = NULL;
	cb(c, 0, s->arg);
}

/* Frees what is kept of a channel's program; NULL does nothing. */
void
sshprogram_free(struct sshprogram *s)
{
	if (s == NULL)
		return;
	sshprogram_end_line(s);
	free(s->name);
	free(s);
}
