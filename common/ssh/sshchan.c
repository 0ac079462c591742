/* SPDX-License-Identifier: ISC */
/*
 * The kind of stream that is an SSH channel.
 *
 * libssh runs a channel's callbacks from inside many of its calls, also from
 * calls made for another channel.  So the callbacks here only mark; the marks
 * are delivered in the session's round, when no call of libssh is on the
 * stack.  The one thing more that a callback does is to offer bytes to the
 * owner, who may write them to a socket.
 *
 * A channel closed by its owner stays, without an owner, until the peer has
 * closed it too: libssh's messages point at channels, and freeing one while a
 * message about it waits would leave the message dangling.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "sshchan.h"
#include "sshconn.h"

/* More unread bytes (twice the largest window): the peer ignores it. */
#define SSHCHAN_UNREAD_MAX	(2 * 16 * 1024 * 1024)
/* More than libssh can have read when it returns: a packet, and 4 KiB. */
#define SSHCHAN_SCRATCH		(320 * 1024)
/* The number libssh gives the first channel of a session. */
#define SSHCHAN_FIRST_ID	43

/* Puts the channel in the list it waits in from now on. */
void
sshchan_wait_in(struct sshchan *c, struct sshchan_list *list)
{
	if (c->waits_in == list)
		return;
	sshchan_unwait(c);
	TAILQ_INSERT_TAIL(list, c, turn);
	c->waits_in = list;
}

/* Takes the channel out of the list it waits in, if any. */
void
sshchan_unwait(struct sshchan *c)
{
	if (c->waits_in != NULL) {
		TAILQ_REMOVE(c->waits_in, c, turn);
		c->waits_in = NULL;
	}
}

/* Notes events, for sshchan_deliver to tell of in the next round. */
void
sshchan_mark(struct sshchan *c, int marks)
{
	c->marks |= marks;
	if (c->marked_in == NULL) {
		TAILQ_INSERT_TAIL(&c->chans->marked, c, mark);
		c->marked_in = &c->chans->marked;
	}
	sshconn_kick(c->chans->conn);
}

/* Notes that the owner took n bytes: may the window have to grow? */
static void
sshchan_consumed(struct sshchan *c, size_t n)
{
	struct sshchans *chans = c->chans;

	if (!sshwindow_consumed(&c->window, &chans->windows, n, c->unread) ||
	    c->is_thirsty || c->state != SSHCHAN_OPEN)
		return;
	TAILQ_INSERT_TAIL(&chans->thirsty, c, thirst);
	c->is_thirsty = 1;
	sshconn_kick(chans->conn);
}

static void
sshchan_unthirst(struct sshchan *c)
{
	if (c->is_thirsty)
		TAILQ_REMOVE(&c->chans->thirsty, c, thirst);
	c->is_thirsty = 0;
}

/* Stops the window's growth and frees its part of the budget. */
static void
sshchan_clear_window(struct sshchan *c)
{
	sshwindow_clear(&c->window, &c->chans->windows);
	sshchan_unthirst(c);
}

static int
sshchan_data_cb(ssh_session session, ssh_channel channel, void *data,
    uint32_t len, int is_stderr, void *arg)
{
	struct sshchan *c = arg;
	size_t taken = 0;

	c->chans->data_packets++;
	if (is_stderr) {
		if (c->kind != NULL)
			c->kind->stderr_data(c, data, len);
		return (int)len;
	}
	/*
	 * If they were taken, libssh would announce room that is no more.  In
	 * want of memory it may have dropped those before (SSHCONN_CALL).
	 */
	if (c->state == SSHCHAN_CLOSING || errno == ENOMEM)
		return 0;
	if (len > SSHCHAN_UNREAD_MAX) {
		sshchan_mark(c, SSHCHAN_MARK_RESET);
		return 0;
	}
	if (c->state == SSHCHAN_OPEN && (c->want & STREAM_WANT_READ) != 0 &&
	    c->stream.offer != NULL && buf_len(&c->stray) == 0)
		taken = c->stream.offer(&c->stream, data, len, c->stream.arg);
	/* What SSHCONN_CALL then sees is libssh's. */
	errno = 0;
	c->unread = len - taken;
	if (taken > 0)
		sshchan_consumed(c, taken);
	if (c->unread > 0 && (c->want & STREAM_WANT_READ) != 0)
		sshchan_mark(c, SSHCHAN_MARK_DATA);
	return (int)taken;
}

static void
sshchan_eof_cb(ssh_session session, ssh_channel channel, void *arg)
{
	struct sshchan *c = arg;
	int saved = errno;

	if (c->kind != NULL)
		c->kind->eof(c);
	else
		sshchan_mark(c, SSHCHAN_MARK_EOF);
	/* What SSHCONN_CALL then sees is libssh's. */
	errno = saved;
}

static void
sshchan_close_cb(ssh_session session, ssh_channel channel, void *arg)
{
	sshchan_mark(arg, SSHCHAN_MARK_CLOSE);
}

static void
sshchan_signal_cb(ssh_session session, ssh_channel channel, const char *sig,
    void *arg)
{
	if (strcmp(sig, "ABRT") == 0)
		sshchan_mark(arg, SSHCHAN_MARK_RESET);
}

static void
sshchan_exit_signal_cb(ssh_session session, ssh_channel channel,
    const char *sig, int core, const char *text, const char *lang, void *arg)
{
	struct sshchan *c = arg;

	if (c->kind != NULL)
		c->kind->killed(c, sig);
	else
		sshchan_signal_cb(session, channel, sig, arg);
}

static ssize_t
sshchan_read_stray(struct sshchan *c, void *buf, size_t len)
{
	if (len > buf_len(&c->stray))
		len = buf_len(&c->stray);
	memcpy(buf, buf_data(&c->stray), len);
	buf_consume(&c->stray, len);
	if (buf_len(&c->stray) == 0)
		buf_clear(&c->stray);
	return (ssize_t)len;
}

static ssize_t
sshchan_read(struct stream *st, void *buf, size_t len)
{
	struct sshchan *c = (struct sshchan *)st;
	struct sshconn *conn = c->chans->conn;
	int n;

	if (c->state != SSHCHAN_OPEN || conn->lost) {
		errno = conn->lost ? ENETRESET : EAGAIN;
		return -1;
	}
	if (buf_len(&c->stray) > 0)
		return sshchan_read_stray(c, buf, len);
	if (c->unread == 0) {
		errno = c->reset ? ECONNRESET : EAGAIN;
		return c->eof && !c->reset ? 0 : -1;
	}
	if (len > c->unread)
		len = c->unread;
	/* A length beyond what is there would announce a larger window. */
	n = SSHCONN_CALL(conn, ssh_channel_read_timeout(c->channel, buf,
	    (uint32_t)len, 0, 0));
	if (n <= 0) {
		errno = ECONNRESET;
		return -1;
	}
	c->unread -= (size_t)n < c->unread ? (size_t)n : c->unread;
	sshchan_consumed(c, (size_t)n);
	/* libssh may have announced room, for which the peer may wait. */
	sshconn_note_output(conn);
	return n;
}

static ssize_t
sshchan_write(struct stream *st, const void *buf, size_t len)
{
	struct sshchan *c = (struct sshchan *)st;
	struct sshconn *conn = c->chans->conn;
	int n;

	if (len > c->allowance)
		len = c->allowance;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = SSHCONN_CALL(conn, ssh_channel_write(c->channel, buf,
	    (uint32_t)len));
	if (n < 0) {
		/* If the peer has closed it, the mark of that will tell. */
		c->allowance = 0;
		errno = c->marks & SSHCHAN_MARK_CLOSE ? EAGAIN : ECONNRESET;
		return -1;
	}
	c->allowance -= (size_t)n;
	conn->gathered += (size_t)n;
	/* While new keys are agreed on, libssh takes nothing. */
	if ((size_t)n < len) {
		c->allowance = 0;
		conn->rekeying = 1;
	}
	return n;
}

static size_t
sshchan_space(struct stream *st)
{
	return ((struct sshchan *)st)->allowance;
}

static void
sshchan_want(struct stream *st, int want)
{
	struct sshchan *c = (struct sshchan *)st;

	c->want = want;
	if (c->state != SSHCHAN_OPEN)
		return;
	if (want & STREAM_WANT_WRITE) {
		if (c->waits_in == NULL) {
			sshchan_wait_in(c, &c->chans->ring);
			sshconn_kick(c->chans->conn);
		}
	} else
		sshchan_unwait(c);
	if ((want & STREAM_WANT_READ) &&
	    (c->unread > 0 || buf_len(&c->stray) > 0 || c->eof))
		sshchan_mark(c, SSHCHAN_MARK_DATA);
}

static void
sshchan_end(struct stream *st)
{
	struct sshchan *c = (struct sshchan *)st;
	struct sshconn *conn = c->chans->conn;

	if (conn->lost || c->state != SSHCHAN_OPEN)
		return;
	SSHCONN_CALL(conn, ssh_channel_send_eof(c->channel));
	sshconn_kick(conn);
}

/* Frees our half of a channel; libssh frees its own with the session. */
void
sshchan_discard(struct sshchan *c)
{
	if (c->channel != NULL)
		ssh_remove_channel_callbacks(c->channel, &c->cbs);
	sshchan_unwait(c);
	sshchan_clear_window(c);
	buf_clear(&c->stray);
	if (c->kind != NULL)
		c->kind->free(c);
	if (c->marked_in != NULL)
		TAILQ_REMOVE(c->marked_in, c, mark);
	TAILQ_REMOVE(&c->chans->all, c, entry);
	c->chans->count--;
	free(c);
}

static void
sshchan_send_abort(struct sshchan *c)
{
	struct sshconn *conn = c->chans->conn;

	if (!c->chans->sockstun || c->hangup)
		return;
	if (conn->server)
		SSHCONN_CALL(conn, ssh_channel_request_send_exit_signal(
		    c->channel, "ABRT", 0, "", ""));
	else
		SSHCONN_CALL(conn, ssh_channel_request_send_signal(c->channel,
		    "ABRT"));
}

/*
 * Closes a channel that has no owner any more, and waits for the peer to do
 * so.  libssh sends EOF and CLOSE, but returns after EOF when that could not
 * be flushed at once; the second call then sends CLOSE.
 */
void
sshchan_finish(struct sshchan *c)
{
	struct sshconn *conn = c->chans->conn;

	if (SSHCONN_CALL(conn, ssh_channel_close(c->channel)) == SSH_AGAIN)
		SSHCONN_CALL(conn, ssh_channel_close(c->channel));
	sshchan_wait_in(c, &c->chans->closing);
	sshchan_mark(c, c->marks | (c->hangup ? SSHCHAN_MARK_CLOSE : 0));
}

static void
sshchan_close(struct stream *st, enum stream_ending ending)
{
	struct sshchan *c = (struct sshchan *)st;
	int opening = c->state == SSHCHAN_OPENING;

	c->stream.offer = NULL;
	c->stream.cb = NULL;
	c->opened = NULL;
	c->want = 0;
	if (c->chans->conn->lost) {
		sshchan_discard(c);
		return;
	}
	c->state = SSHCHAN_CLOSING;
	sshchan_clear_window(c);
	/* One that is not open yet is closed by sshopen_check. */
	if (!opening) {
		if (ending == STREAM_ABORT)
			sshchan_send_abort(c);
		sshchan_finish(c);
	}
}

static const struct stream_ops sshchan_ops = {
	.read = sshchan_read,
	.write = sshchan_write,
	.space = sshchan_space,
	.want = sshchan_want,
	.end = sshchan_end,
	.close = sshchan_close,
};

/*
 * Our half of a channel that libssh has made; the caller sets its state.  NULL
 * when memory is out.
 */
struct sshchan *
sshchan_new(struct sshchans *chans, ssh_channel channel)
{
	struct sshchan *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->stream.ops = &sshchan_ops;
	c->chans = chans;
	c->channel = channel;
	buf_init(&c->stray, SSHCHAN_SCRATCH);
	sshwindow_init(&c->window);
	ssh_callbacks_init(&c->cbs);
	c->cbs.userdata = c;
	c->cbs.channel_data_function = sshchan_data_cb;
	c->cbs.channel_eof_function = sshchan_eof_cb;
	c->cbs.channel_close_function = sshchan_close_cb;
	c->cbs.channel_signal_function = sshchan_signal_cb;
	c->cbs.channel_exit_signal_function = sshchan_exit_signal_cb;
	if (ssh_set_channel_callbacks(channel, &c->cbs) != SSH_OK) {
		free(c);
		return NULL;
	}
	c->id = ++chans->last_id;
	TAILQ_INSERT_TAIL(&chans->all, c, entry);
	chans->count++;
	return c;
}

/*
 * Frees a channel that both sides have closed, and libssh's half of it.  Only
 * when libssh holds no message, which may point at it.
 */
void
sshchan_reap(struct sshchan *c)
{
	ssh_channel channel = c->channel;

	ssh_remove_channel_callbacks(channel, &c->cbs);
	c->channel = NULL;
	sshchan_discard(c);
	ssh_channel_free(channel);
}

/* Opens a channel to its owner, who is told what was marked until now. */
void
sshchan_resume(struct sshchan *c)
{
	c->state = SSHCHAN_OPEN;
	sshchan_mark(c, c->marks | (c->unread > 0 ? SSHCHAN_MARK_DATA : 0));
}

/* An owner that comes later finds it at the end of what it reads. */
static void
sshchan_tell_reset(struct sshchan *c)
{
	c->reset = 1;
	c->stream.cb(&c->stream, STREAM_RESET, c->stream.arg);
}

/*
 * Tells the owner what was marked, in one event: the gravest.  The owner finds
 * the rest when it reads.
 */
void
sshchan_deliver(struct sshchan *c)
{
	struct stream *st = &c->stream;
	int marks = c->marks;

	if (c->state == SSHCHAN_OPENING || c->state == SSHCHAN_PENDING)
		return;
	if (marks & SSHCHAN_MARK_CLOSE)
		c->hangup = 1;
	if (marks & (SSHCHAN_MARK_CLOSE | SSHCHAN_MARK_EOF))
		c->eof = 1;
	c->marks = 0;
	if (c->state == SSHCHAN_CLOSING) {
		if (c->hangup)
			sshchan_wait_in(c, &c->chans->dead);
	} else if (marks & SSHCHAN_MARK_RESET) {
		if (c->hangup)
			sshchan_mark(c, SSHCHAN_MARK_CLOSE);
		sshchan_tell_reset(c);
	} else if (marks & SSHCHAN_MARK_CLOSE) {
		if (c->kind != NULL && c->kind->failed(c))
			sshchan_tell_reset(c);
		else
			st->cb(st, STREAM_HANGUP, st->arg);
	} else if (c->want & STREAM_WANT_READ)
		st->cb(st, STREAM_READABLE, st->arg);
}

/*
 * Announces a window of so many bytes, if nothing that came is unread.  libssh
 * may read from the socket on this occasion, and return what came.
 */
static void
sshchan_announce(struct sshchan *c, size_t window)
{
	int n;

	if (c->state != SSHCHAN_OPEN || c->unread > 0 ||
	    buf_len(&c->stray) > 0 ||
	    (c->marks & (SSHCHAN_MARK_EOF | SSHCHAN_MARK_CLOSE)) || c->eof)
		return;
	n = SSHCONN_CALL(c->chans->conn, ssh_channel_read_timeout(c->channel,
	    c->chans->scratch, (uint32_t)window, 0, 0));
	if (n <= 0)
		return;
	c->unread = 0;
	if (buf_append(&c->stray, c->chans->scratch, (size_t)n) == -1)
		sshchan_mark(c, SSHCHAN_MARK_RESET);
	else
		sshchan_mark(c, SSHCHAN_MARK_DATA);
}

/* Looks at the window of a thirsty channel; only from the loop. */
void
sshchan_widen(struct sshchan *c)
{
	size_t window;

	sshchan_unthirst(c);
	window = sshwindow_review(&c->window, &c->chans->windows);
	if (window > 0)
		sshchan_announce(c, window);
}

/* Tells the owner that the session is lost, and frees the channel. */
static void
sshchan_lose(struct sshchan *c)
{
	struct sshchans *chans = c->chans;
	struct stream *st = &c->stream;

	if (c->state == SSHCHAN_OPENING && c->opened != NULL)
		c->opened(c, SSHCHAN_SESSION_LOST, "session lost",
		    c->opened_arg);
	else if (c->state == SSHCHAN_PENDING && c->kind != NULL)
		c->kind->lost(c);
	else if (c->state == SSHCHAN_OPEN)
		st->cb(st, STREAM_RESET, st->arg);
	/* The owner may have closed it by now, which freed it. */
	if (TAILQ_FIRST(&chans->all) == c)
		sshchan_discard(c);
}

/* Tells all owners that the session is lost; no channel is left after it. */
void
sshchans_lose(struct sshchans *chans)
{
	struct sshchan *c;

	while ((c = TAILQ_FIRST(&chans->all)) != NULL)
		sshchan_lose(c);
}

/*
 * A session without channels, whose windows may grow by so many bytes beyond
 * libssh's own.  -1 when memory is out.
 */
int
sshchans_init(struct sshchans *chans, struct sshconn *conn, size_t budget)
{
	memset(chans, 0, sizeof(*chans));
	if ((chans->scratch = malloc(SSHCHAN_SCRATCH)) == NULL)
		return -1;
	chans->conn = conn;
	chans->last_id = SSHCHAN_FIRST_ID - 1;
	chans->windows.grow = ssh_version(SSH_VERSION_INT(0, 11, 0)) == NULL;
	chans->windows.budget = budget;
	TAILQ_INIT(&chans->all);
	TAILQ_INIT(&chans->opening);
	TAILQ_INIT(&chans->asking);
	TAILQ_INIT(&chans->ring);
	TAILQ_INIT(&chans->blocked);
	TAILQ_INIT(&chans->closing);
	TAILQ_INIT(&chans->dead);
	TAILQ_INIT(&chans->marked);
	TAILQ_INIT(&chans->delivering);
	TAILQ_INIT(&chans->thirsty);
	return 0;
}

/* After sshchans_lose, or where there never was a channel. */
void
sshchans_clear(struct sshchans *chans)
{
	free(chans->scratch);
}
