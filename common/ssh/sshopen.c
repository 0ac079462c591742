/* SPDX-License-Identifier: ISC */
/*
 * How a channel comes to be.
 *
 *	opened by us:		OPENING --> OPEN, or told why not and gone
 *	opened by the peer:	OPEN
 *
 * libssh does not signal that an opening was confirmed, so those that wait
 * are looked at in the session's round (sshopen_check).  Nor does it keep the
 * peer's reason for each that was refused (sshopen_note_failure).
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "monotime.h"
#include "sshchan.h"
#include "sshconn.h"
#include "sshopen.h"

static const char open_failure[] = "Channel opening failure: channel ";

/*
 * Takes from a text of libssh's why the peer refused a channel; the round acts
 * on it.  libssh keeps the text of one failed open per session, so two that
 * fail together both show the second's.  Its log has each of them, and from
 * 0.11 on a callback comes when the text is that channel's.
 */
void
sshopen_note_failure(struct sshchans *chans, const char *text)
{
	struct sshchan *c;
	unsigned int id, code;
	int off = 0;

	if ((text = strstr(text, open_failure)) == NULL)
		return;
	text += sizeof(open_failure) - 1;
	if (sscanf(text, "%u error (%u) %n", &id, &code, &off) != 2)
		return;
	TAILQ_FOREACH(c, &chans->opening, turn)
		if (c->id == id) {
			c->fail_code = (int)code;
			strlcpy(c->fail_text, off > 0 ? text + off : "",
			    sizeof(c->fail_text));
			sshchan_mark(c, SSHCHAN_MARK_REFUSED);
			return;
		}
}

#ifdef SSHCHAN_HAS_OPEN_RESPONSE
static void
sshopen_response_cb(ssh_session session, ssh_channel channel, bool is_success,
    void *arg)
{
	struct sshchan *c = arg;

	if (!is_success)
		sshopen_note_failure(c->chans, ssh_get_error(session));
}
#endif

/*
 * A channel about to be asked for; the caller has libssh send the message and
 * tells sshopen_begun how that went.  NULL when there can be none.
 */
struct sshchan *
sshopen_begin(struct sshchans *chans, sshchan_open_cb *opened, void *arg)
{
	struct sshconn *conn = chans->conn;
	struct sshchan *c;
	ssh_channel channel;

	if (conn->lost)
		return NULL;
	errno = 0;
	channel = ssh_channel_new(conn->session);
	sshconn_result(conn, channel == NULL ? SSH_ERROR : SSH_OK,
	    "ssh_channel_new");
	if (channel == NULL)
		return NULL;
	if ((c = sshchan_new(chans, channel)) == NULL) {
		ssh_channel_free(channel);
		return NULL;
	}
#ifdef SSHCHAN_HAS_OPEN_RESPONSE
	c->cbs.channel_open_response_function = sshopen_response_cb;
#endif
	c->state = SSHCHAN_OPENING;
	c->asked = monotime_ns();
	c->opened = opened;
	c->opened_arg = arg;
	/* A peer nearby may refuse it before libssh's call returns. */
	sshchan_wait_in(c, &chans->opening);
	return c;
}

/* Returns the channel, or NULL if libssh could not ask: it is gone then. */
struct sshchan *
sshopen_begun(struct sshchan *c, int rc)
{
	if (rc == SSH_ERROR && !(c->marks & SSHCHAN_MARK_REFUSED)) {
		/*
		 * It may have been sent all the same, so libssh's channel is
		 * left to the session.
		 */
		sshchan_discard(c);
		return NULL;
	}
	sshconn_kick(c->chans->conn);
	return c;
}

/*
 * Asks the peer for a direct-tcpip channel (RFC 4254, section 7.2) to host
 * and port in the name of an originator.  The answer comes through the
 * callback, never from inside this call; until then the channel may be
 * closed.  NULL when it could not be asked.
 */
struct sshchan *
sshopen_direct(struct sshchans *chans, const char *host, int port,
    const char *origin, int origin_port, sshchan_open_cb *opened, void *arg)
{
	struct sshchan *c;

	if ((c = sshopen_begin(chans, opened, arg)) == NULL)
		return NULL;
	return sshopen_begun(c, SSHCONN_CALL(chans->conn,
	    ssh_channel_open_forward(c->channel, host, port, origin,
	    origin_port)));
}

/*
 * Accepts a channel that the peer asks for; the message is still the
 * caller's.  NULL when memory is out.
 */
struct sshchan *
sshopen_accept(struct sshchans *chans, ssh_message msg)
{
	struct sshconn *conn = chans->conn;
	struct sshchan *c;
	ssh_channel channel;

	errno = 0;
	channel = ssh_message_channel_request_open_reply_accept(msg);
	sshconn_result(conn, channel == NULL ? SSH_ERROR : SSH_OK,
	    "ssh_message_channel_request_open_reply_accept");
	if (channel == NULL)
		return NULL;
	if ((c = sshchan_new(chans, channel)) == NULL) {
		SSHCONN_CALL(conn, ssh_channel_close(channel));
		return NULL;
	}
	c->state = SSHCHAN_OPEN;
	sshconn_kick(conn);
	return c;
}

/*
 * Is an opening channel answered?  Tells the owner; the channel may be gone
 * after it.  Only from the loop.
 */
void
sshopen_check(struct sshchan *c)
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
	} else if (c->state == SSHCHAN_CLOSING)
		sshchan_finish(c);
	else {
		sshwindow_note_trip(&c->chans->windows,
		    monotime_ns() - c->asked);
		sshchan_resume(c);
		c->opened(c, SSHCHAN_NO_FAILURE, "", c->opened_arg);
	}
}
