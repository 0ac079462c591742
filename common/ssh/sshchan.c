/* SPDX-License-Identifier: ISC */
/*
 * The kind of stream that is an SSH channel.
 *
 * libssh runs a channel's callbacks from inside many of its calls, also from
 * calls made for another channel.  So the callbacks here only mark; sshloop
 * delivers the marks when no call of libssh is on the stack.  The one thing a
 * callback does is to offer bytes to the owner, who may write them to a
 * socket.
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

#include "log.h"
#include "monotime.h"
#include "sshchan.h"
#include "sshloop.h"
#include "sshprogram.h"

/* Twice the largest window: the peer does not keep to its own. */
#define SSHCHAN_UNREAD_MAX	(2 * 16 * 1024 * 1024)

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

/* Notes events for sshchan_deliver. */
void
sshchan_mark(struct sshchan *c, int marks)
{
	c->marks |= marks;
	if (c->marked_in == NULL) {
		TAILQ_INSERT_TAIL(&c->loop->marked, c, mark);
		c->marked_in = &c->loop->marked;
	}
	sshloop_kick(c->loop);
}

static int
sshchan_data_cb(ssh_session session, ssh_channel channel, void *data,
    uint32_t len, int is_stderr, void *arg)
{
	struct sshchan *c = arg;
	size_t taken = 0;

	c->loop->data_packets++;
	if (is_stderr) {
		if (c->session != NULL)
			sshprogram_stderr(c->session, data, len);
		return (int)len;
	}
	/* Taking it would announce more room on a channel that is closed. */
	if (c->state == SSHCHAN_CLOSING)
		return 0;
	if (len > SSHCHAN_UNREAD_MAX) {
		sshchan_mark(c, SSHCHAN_MARK_RESET);
		return 0;
	}
	if (c->state == SSHCHAN_OPEN && (c->want & STREAM_WANT_READ) != 0 &&
	    c->stream.offer != NULL && buf_len(&c->stray) == 0)
		taken = c->stream.offer(&c->stream, data, len, c->stream.arg);
	c->unread = len - taken;
	if (taken > 0)
		sshwindow_consumed(c, taken);
	if (c->unread > 0 && (c->want & STREAM_WANT_READ) != 0)
		sshchan_mark(c, SSHCHAN_MARK_DATA);
	return (int)taken;
}

static void
sshchan_eof_cb(ssh_session session, ssh_channel channel, void *arg)
{
	sshchan_mark(arg, SSHCHAN_MARK_EOF);
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

	if (c->session != NULL)
		sshprogram_killed(c->session, sig);
	else
		sshchan_signal_cb(session, channel, sig, arg);
}

#ifdef SSHCHAN_HAS_OPEN_RESPONSE
static void
sshchan_open_response_cb(ssh_session session, ssh_channel channel,
    bool is_success, void *arg)
{
	struct sshchan *c = arg;

	if (!is_success)
		sshloop_note_failure(c->loop, ssh_get_error(session));
}
#endif

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
	int n;

	if (c->state != SSHCHAN_OPEN || c->loop->lost) {
		errno = EAGAIN;
		return -1;
	}
	if (buf_len(&c->stray) > 0)
		return sshchan_read_stray(c, buf, len);
	if (c->unread == 0) {
		errno = EAGAIN;
		return c->eof ? 0 : -1;
	}
	if (len > c->unread)
		len = c->unread;
	/* Only the length at hand: more would be taken as a wish for window. */
	n = ssh_channel_read_timeout(c->channel, buf, (uint32_t)len, 0, 0);
	if (n <= 0) {
		errno = ECONNRESET;
		return -1;
	}
	c->unread -= (size_t)n < c->unread ? (size_t)n : c->unread;
	sshwindow_consumed(c, (size_t)n);
	/* libssh may have announced room, for which the peer may wait. */
	sshloop_note_output(c->loop);
	return n;
}

static ssize_t
sshchan_write(struct stream *st, const void *buf, size_t len)
{
	struct sshchan *c = (struct sshchan *)st;
	int n;

	if (len > c->allowance)
		len = c->allowance;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	n = ssh_channel_write(c->channel, buf, (uint32_t)len);
	if (n < 0) {
		/* Closed by the peer: the hangup that is marked will tell. */
		c->allowance = 0;
		errno = c->marks & SSHCHAN_MARK_CLOSE ? EAGAIN : ECONNRESET;
		return -1;
	}
	c->allowance -= (size_t)n;
	c->loop->gathered += (size_t)n;
	/* While keys are exchanged nothing is taken. */
	if ((size_t)n < len) {
		c->allowance = 0;
		c->loop->rekeying = 1;
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
			sshchan_wait_in(c, &c->loop->ring);
			sshloop_kick(c->loop);
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

	if (c->loop->lost || c->state != SSHCHAN_OPEN)
		return;
	ssh_channel_send_eof(c->channel);
	sshloop_kick(c->loop);
}

/* Frees our half; libssh's channel goes with the session, or has gone. */
static void
sshchan_discard(struct sshchan *c)
{
	struct sshloop *loop = c->loop;

	if (c->channel != NULL)
		ssh_remove_channel_callbacks(c->channel, &c->cbs);
	sshchan_unwait(c);
	sshwindow_clear(c);
	buf_clear(&c->stray);
	sshprogram_free(c->session);
	if (c->marked_in != NULL)
		TAILQ_REMOVE(c->marked_in, c, mark);
	TAILQ_REMOVE(&loop->all, c, entry);
	loop->nchannels--;
	free(c);
}

static void
sshchan_send_abort(struct sshchan *c)
{
	if (!c->loop->native || c->hangup)
		return;
	if (c->loop->role == SSHLOOP_CLIENT)
		ssh_channel_request_send_signal(c->channel, "ABRT");
	else
		ssh_channel_request_send_exit_signal(c->channel, "ABRT", 0,
		    "", "");
}

/*
 * libssh sends EOF and CLOSE, but returns after EOF when that could not be
 * flushed at once; the second call then sends CLOSE.
 */
static void
sshchan_send_close(struct sshchan *c)
{
	if (ssh_channel_close(c->channel) == SSH_AGAIN)
		ssh_channel_close(c->channel);
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
	if (c->loop->lost) {
		sshchan_discard(c);
		return;
	}
	c->state = SSHCHAN_CLOSING;
	sshwindow_clear(c);
	/* One that is not open yet is closed by sshchan_check_open. */
	if (!opening) {
		sshchan_unwait(c);
		if (ending == STREAM_ABORT)
			sshchan_send_abort(c);
		sshchan_send_close(c);
		sshchan_wait_in(c, &c->loop->closing);
		if (c->hangup || (c->marks & SSHCHAN_MARK_CLOSE))
			sshchan_mark(c, SSHCHAN_MARK_CLOSE);
		sshloop_kick(c->loop);
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

static struct sshchan *
sshchan_new(struct sshloop *loop, ssh_channel channel)
{
	struct sshchan *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->stream.ops = &sshchan_ops;
	c->loop = loop;
	c->channel = channel;
	buf_init(&c->stray, SSHLOOP_SCRATCH);
	sshwindow_init(&c->window);
	ssh_callbacks_init(&c->cbs);
	c->cbs.userdata = c;
	c->cbs.channel_data_function = sshchan_data_cb;
	c->cbs.channel_eof_function = sshchan_eof_cb;
	c->cbs.channel_close_function = sshchan_close_cb;
	c->cbs.channel_signal_function = sshchan_signal_cb;
	c->cbs.channel_exit_signal_function = sshchan_exit_signal_cb;
#ifdef SSHCHAN_HAS_OPEN_RESPONSE
	c->cbs.channel_open_response_function = sshchan_open_response_cb;
#endif
	if (ssh_set_channel_callbacks(channel, &c->cbs) != SSH_OK) {
		free(c);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&loop->all, c, entry);
	loop->nchannels++;
	return c;
}

/*
 * Frees a channel that both sides have closed.  Only where no message waits
 * in libssh.
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

/*
 * A channel about to be asked for; the caller has libssh send the message and
 * tells sshchan_begun how that went.  NULL when there can be none.
 */
struct sshchan *
sshchan_begin(struct sshloop *loop, sshchan_open_cb *opened, void *arg)
{
	struct sshchan *c;
	ssh_channel channel;

	if (loop->lost || (channel = ssh_channel_new(loop->session)) == NULL)
		return NULL;
	if ((c = sshchan_new(loop, channel)) == NULL) {
		ssh_channel_free(channel);
		return NULL;
	}
	c->state = SSHCHAN_OPENING;
	c->asked = monotime_ns();
	c->id = ++loop->last_id;
	c->opened = opened;
	c->opened_arg = arg;
	/* A peer nearby may refuse it before libssh's call returns. */
	sshchan_wait_in(c, &loop->opening);
	return c;
}

/* Returns the channel, or NULL if libssh could not ask: it is gone then. */
struct sshchan *
sshchan_begun(struct sshchan *c, int rc)
{
	if (rc == SSH_ERROR && !(c->marks & SSHCHAN_MARK_REFUSED)) {
		/*
		 * It may have been sent all the same, so libssh's channel is
		 * left to the session.
		 */
		sshchan_discard(c);
		return NULL;
	}
	sshloop_kick(c->loop);
	return c;
}

/*
 * Asks the peer for a direct-tcpip channel (RFC 4254, section 7.2) to host
 * and port in the name of an originator.  The answer comes through the
 * callback, never from inside this call; until then the channel may be
 * closed.  NULL when it could not be asked.
 */
struct sshchan *
sshchan_open(struct sshloop *loop, const char *host, int port,
    const char *origin, int origin_port, sshchan_open_cb *opened, void *arg)
{
	struct sshchan *c;

	if ((c = sshchan_begin(loop, opened, arg)) == NULL)
		return NULL;
	return sshchan_begun(c, ssh_channel_open_forward(c->channel, host,
	    port, origin, origin_port));
}

/*
 * Accepts a channel that the peer asks for; the message is still the
 * caller's.  NULL when memory is out.
 */
struct sshchan *
sshchan_accept(struct sshloop *loop, ssh_message msg)
{
	struct sshchan *c;
	ssh_channel channel;

	channel = ssh_message_channel_request_open_reply_accept(msg);
	if (channel == NULL)
		return NULL;
	if ((c = sshchan_new(loop, channel)) == NULL) {
		ssh_channel_close(channel);
		return NULL;
	}
	c->id = ++loop->last_id;
	c->state = SSHCHAN_OPEN;
	sshloop_kick(loop);
	return c;
}

/* The channel as a stream. */
struct stream *
sshchan_stream(struct sshchan *c)
{
	return &c->stream;
}

/* What the peer said when it refused; the loop acts on it later. */
void
sshchan_refused(struct sshchan *c, int code, const char *text)
{
	c->fail_code = code;
	strlcpy(c->fail_text, text, sizeof(c->fail_text));
	sshchan_mark(c, SSHCHAN_MARK_REFUSED);
}

/* The session's round trip is no longer than the shortest opening. */
static void
sshchan_note_trip(const struct sshchan *c)
{
	int64_t trip = monotime_ns() - c->asked;

	if (c->loop->trip == 0 || trip < c->loop->trip)
		c->loop->trip = trip;
}

/* The channel is its owner's, with all that was marked so far. */
void
sshchan_resume(struct sshchan *c)
{
	c->state = SSHCHAN_OPEN;
	sshchan_mark(c, c->marks | (c->unread > 0 ? SSHCHAN_MARK_DATA : 0));
}

/* Is an opening channel answered?  The channel may be gone after it. */
void
sshchan_check_open(struct sshchan *c)
{
	int refused = (c->marks & SSHCHAN_MARK_REFUSED) != 0;

	/* It may have been opened and closed in one go. */
	if (!refused && !ssh_channel_is_open(c->channel) &&
	    !(c->marks & SSHCHAN_MARK_CLOSE))
		return;
	sshchan_unwait(c);
	if (refused) {
		c->marks &= ~SSHCHAN_MARK_REFUSED;
		if (c->opened != NULL)
			c->opened(c, c->fail_code, c->fail_text,
			    c->opened_arg);
		sshchan_reap(c);
		return;
	}
	if (c->state == SSHCHAN_CLOSING) {
		sshchan_send_close(c);
		sshchan_wait_in(c, &c->loop->closing);
		sshchan_mark(c, c->marks);
		return;
	}
	sshchan_note_trip(c);
	sshchan_resume(c);
	c->opened(c, SSHCHAN_NO_FAILURE, "", c->opened_arg);
}

/*
 * A turn to send: the quantum, and what was left of the last turn (deficit
 * round robin); no more than the peer's window.  Who has nothing more to send
 * saves nothing.
 */
void
sshchan_take_turn(struct sshchan *c, size_t quantum)
{
	size_t window = ssh_channel_window_size(c->channel), granted;

	sshchan_unwait(c);
	if (window == 0) {
		sshchan_wait_in(c, &c->loop->blocked);
		return;
	}
	c->deficit += quantum;
	granted = window < c->deficit ? window : c->deficit;
	c->allowance = granted;
	c->want &= ~STREAM_WANT_WRITE;
	c->stream.cb(&c->stream, STREAM_WRITABLE, c->stream.arg);
	c->deficit -= granted - c->allowance;
	c->allowance = 0;
	if (c->waits_in == NULL || c->deficit > quantum)
		c->deficit = 0;
}

/* Delivers one event of those that callbacks marked; the rest stays marked. */
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
			sshchan_wait_in(c, &c->loop->dead);
	} else if (marks & SSHCHAN_MARK_RESET) {
		if (c->hangup)
			sshchan_mark(c, SSHCHAN_MARK_CLOSE);
		st->cb(st, STREAM_RESET, st->arg);
	} else if (marks & SSHCHAN_MARK_CLOSE)
		st->cb(st, sshprogram_failed(c->session) ? STREAM_RESET :
		    STREAM_HANGUP, st->arg);
	else if (c->want & STREAM_WANT_READ)
		st->cb(st, STREAM_READABLE, st->arg);
}

/* Has the window looked at in this round. */
void
sshchan_thirst(struct sshchan *c)
{
	if (c->is_thirsty || c->state != SSHCHAN_OPEN)
		return;
	TAILQ_INSERT_TAIL(&c->loop->thirsty, c, thirst);
	c->is_thirsty = 1;
	sshloop_kick(c->loop);
}

void
sshchan_unthirst(struct sshchan *c)
{
	if (c->is_thirsty)
		TAILQ_REMOVE(&c->loop->thirsty, c, thirst);
	c->is_thirsty = 0;
}

/*
 * Announces a window of so many bytes, if nothing that came is unread.  What
 * libssh reads from the socket meanwhile may come out here.
 */
void
sshchan_announce(struct sshchan *c, size_t window)
{
	int n;

	if (c->state != SSHCHAN_OPEN || c->unread > 0 ||
	    buf_len(&c->stray) > 0 ||
	    (c->marks & (SSHCHAN_MARK_EOF | SSHCHAN_MARK_CLOSE)) || c->eof)
		return;
	n = ssh_channel_read_timeout(c->channel, c->loop->scratch,
	    (uint32_t)window, 0, 0);
	if (n <= 0)
		return;
	c->unread = 0;
	if (buf_append(&c->stray, c->loop->scratch, (size_t)n) == -1)
		sshchan_mark(c, SSHCHAN_MARK_RESET);
	else
		sshchan_mark(c, SSHCHAN_MARK_DATA);
}

/*
 * The session is lost: tells the owner, if there is one, and frees the
 * channel.
 */
void
sshchan_lose(struct sshchan *c)
{
	struct sshloop *loop = c->loop;
	struct stream *st = &c->stream;

	if (c->state == SSHCHAN_OPENING && c->opened != NULL)
		c->opened(c, SSHCHAN_SESSION_LOST, "session lost",
		    c->opened_arg);
	else if (c->state == SSHCHAN_PENDING)
		sshprogram_lose(c);
	else if (c->state == SSHCHAN_OPEN)
		st->cb(st, STREAM_RESET, st->arg);
	/* Its owner has closed it by now, which freed it, or has none. */
	if (TAILQ_FIRST(&loop->all) == c)
		sshchan_discard(c);
}
