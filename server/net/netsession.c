/* SPDX-License-Identifier: ISC */
/*
 * The "session" channels of clients that want a shell or a command: there is
 * none, and the people at the other end are told so.  What they send is
 * dropped, and nothing is ever run.
 */
#include <sys/types.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "netsession.h"
#include "sshchan.h"
#include "sshconn.h"
#include "stream.h"

#define NETSESSION_TEXT							\
	"sockstund: there is no shell and no command here, only "	\
	"forwarding: use sockstun, or ssh -N with -D or -L\r\n"
/* The exit status of a shell or a command that failed. */
#define NETSESSION_STATUS	1

/* The place of a channel in the list, or n. */
static size_t
netsession_find(const struct netsessions *s, ssh_channel channel)
{
	size_t i;

	for (i = 0; i < s->n && s->chan[i]->channel != channel; i++)
		;
	return i;
}

static void
netsession_close(struct netsessions *s, size_t i)
{
	struct stream *st = &s->chan[i]->stream;

	s->chan[i] = s->chan[--s->n];
	st->ops->close(st, STREAM_CLOSE);
}

/* Drops what comes, until the client closes the channel. */
static void
netsession_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct netsessions *s = arg;
	u_char junk[4096];
	ssize_t n = 1;

	while (ev == STREAM_READABLE && n > 0)
		n = st->ops->read(st, junk, sizeof(junk));
	if (ev == STREAM_HANGUP || ev == STREAM_RESET || n == 0)
		netsession_close(s, netsession_find(s,
		    ((struct sshchan *)st)->channel));
}

/* Takes over an open channel; the caller keeps to NETSESSION_MAX of them. */
void
netsession_add(struct netsessions *s, struct sshchan *chan)
{
	struct stream *st = &chan->stream;

	s->chan[s->n++] = chan;
	st->cb = netsession_cb;
	st->arg = s;
	st->ops->want(st, STREAM_WANT_READ);
}

/*
 * Answers a request for a shell or a command: one line on standard error, and
 * an exit status that is a failure.  A terminal is granted: without it some
 * clients never ask for the shell.  Returns 0 for any other request, which is
 * left to the caller.
 */
int
netsession_answer(struct netsessions *s, ssh_message msg)
{
	ssh_channel channel = ssh_message_channel_request_channel(msg);
	size_t i = netsession_find(s, channel);
	int what = ssh_message_subtype(msg);
	struct sshconn *conn;

	if (i == s->n || (what != SSH_CHANNEL_REQUEST_EXEC &&
	    what != SSH_CHANNEL_REQUEST_SHELL &&
	    what != SSH_CHANNEL_REQUEST_PTY))
		return 0;
	conn = s->chan[i]->chans->conn;
	SSHCONN_CALL(conn, ssh_message_channel_request_reply_success(msg));
	if (what == SSH_CHANNEL_REQUEST_PTY)
		return 1;
	SSHCONN_CALL(conn, ssh_channel_write_stderr(channel, NETSESSION_TEXT,
	    sizeof(NETSESSION_TEXT) - 1));
	SSHCONN_CALL(conn, ssh_channel_request_send_exit_status(channel,
	    NETSESSION_STATUS));
	netsession_close(s, i);
	return 1;
}
