/* SPDX-License-Identifier: ISC */
/*
 * The connection of one authenticated SSH session.
 *
 * Whatever makes libssh send or receive is called from the events of this
 * file, or from what those call, one after the other and never one inside
 * another: libssh's callbacks only mark channels (sshchan.c).
 *
 * libssh reads in sshconn_receive and sends in sshconn_flush, and where
 * sshwire.c stands before the descriptor, nowhere else.  libssh's queue holds
 * little more than one packet of data: small ones gather there until the end
 * of a round, so that they leave in one write, and channels may write only
 * while the kernel has taken all that was sent before.  The kernel takes no
 * more than will leave within a few milliseconds (sshpace.c).
 *
 * When memory runs out libssh may leave half a message in its buffer, behind
 * which it then puts the next one, or drop a message that came.  Most of its
 * calls return an error, but not for all that they do on the way; malloc(3)
 * leaves ENOMEM in errno in any case.  The session is then given up at once:
 * nothing that libssh holds is sent, and nothing that it read last is believed.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "eventloop.h"
#include "log.h"
#include "monotime.h"
#include "sshconn.h"
#include "sshwire.h"
#include "tcppath.h"
#include "watchdog.h"

/* Reads in one event; then others have the loop. */
#define SSHCONN_READS		64
/* Rounds after which they have it at the latest. */
#define SSHCONN_ROUNDS		4
/* What libssh reads at once. */
#define SSHCONN_READ_SIZE	4096
/* Bytes that gather in libssh before they are sent. */
#define SSHCONN_GATHER		8192
/* Bytes of answers not yet sent, beyond which the peer is not read. */
#define SSHCONN_QUEUE_MAX	(1024 * 1024)

/* How often it is looked whether an answer has come. */
static const struct timeval sshconn_look = { 0, 500000 };

/*
 * Nothing is read from now on, and no round comes; the layers above then let
 * their channels go.
 */
void
sshconn_stop(struct sshconn *c)
{
	if (c->lost)
		return;
	c->lost = 1;
	sshwire_close();
	event_del(c->ev_read);
	event_del(c->ev_write);
	event_del(c->ev_kick);
	event_del(c->ev_alive);
	event_del(c->ev_pulse);
}

/* Gives the session up, for this reason: the owner is told from inside. */
void
sshconn_give_up(struct sshconn *c, const char *why)
{
	char text[512];

	log_safe(why, strlen(why), text, sizeof(text));
	sshconn_stop(c);
	c->ops->broken(text, c->arg);
}

static int
sshconn_has_failed(const struct sshconn *c)
{
	return c->failed[0] != '\0';
}

/* Is the session given up, here or by libssh?  The round's end tells it. */
int
sshconn_is_broken(const struct sshconn *c)
{
	return sshconn_has_failed(c) || !ssh_is_connected(c->session) ||
	    (ssh_get_status(c->session) & (SSH_CLOSED | SSH_CLOSED_ERROR));
}

/*
 * Returns the result of a call, for SSHCONN_CALL, and gives the session up if
 * the call failed.  What the peer refuses, or can no longer take, is none of
 * libssh's fatal errors.
 */
int
sshconn_result(struct sshconn *c, int rc, const char *call)
{
	const char *why = NULL;

	if (errno == ENOMEM)
		why = strerror(ENOMEM);
	else if (rc == SSH_ERROR && !sshconn_is_broken(c) &&
	    ssh_get_error_code(c->session) == SSH_FATAL)
		why = ssh_get_error(c->session);
	if (why == NULL || sshconn_has_failed(c) || c->lost)
		return rc;
	snprintf(c->failed, sizeof(c->failed), "%.*s: %s",
	    (int)strcspn(call, "("), call, why);
	shutdown(c->watch, SHUT_RDWR);
	sshconn_kick(c);
	return rc;
}

/* Refuses what the peer asks for, a channel or anything else. */
void
sshconn_refuse(struct sshconn *c, ssh_message msg)
{
	SSHCONN_CALL(c, ssh_message_reply_default(msg));
	sshconn_note_output(c);
}

/* Why the session was given up. */
static const char *
sshconn_reason(struct sshconn *c)
{
	const char *text = ssh_get_error(c->session);

	if (sshconn_has_failed(c))
		return c->failed;
	return text != NULL && *text != '\0' ? text : "connection lost";
}

/* Does libssh hold what it has not sent? */
static int
sshconn_has_output(const struct sshconn *c)
{
	return (ssh_get_status(c->session) & SSH_WRITE_PENDING) != 0;
}

/*
 * Sends what libssh holds; returns whether all of it went.  Without the wire
 * libssh sends when it polls, and may read as well.
 */
static int
sshconn_flush(struct sshconn *c)
{
	if (sshconn_has_output(c)) {
		if (!sshpace_may_send(&c->pace))
			return 0;
		if (c->wired)
			sshwire_permit(SSHWIRE_WRITE);
		SSHCONN_CALL(c, ssh_event_dopoll(c->poll, 0));
		if (c->wired)
			sshwire_permit(0);
		if (sshconn_has_output(c))
			return 0;
	}
	c->gathered = 0;
	return 1;
}

/* May a channel write now? */
int
sshconn_has_room(struct sshconn *c)
{
	if (c->rekeying || c->full || sshconn_has_failed(c))
		return 0;
	return (c->wired && c->gathered < MIN(SSHCONN_GATHER,
	    c->pace.quantum)) || sshconn_flush(c);
}

/*
 * Stops reading while too much waits in libssh to be sent.  Its two counters
 * differ by padding and the like, so they are compared only from the moment
 * on when something began to wait.
 */
static void
sshconn_count_queue(struct sshconn *c)
{
	uint64_t given, sent;
	int was_choked = c->choked;

	if (!sshconn_has_output(c)) {
		c->queue_given = c->packets.out_bytes;
		c->queue_sent = c->count.out_bytes;
	}
	given = c->packets.out_bytes - c->queue_given;
	sent = c->count.out_bytes - c->queue_sent;
	c->choked = given > sent && given - sent > SSHCONN_QUEUE_MAX;
	if (c->choked)
		event_del(c->ev_read);
	else
		eventloop_watch(c->ev_read, NULL);
	/*
	 * sshwire may hold bytes from before reading stopped.  The socket
	 * does not report those, so a round is asked for.
	 */
	if (was_choked && !c->choked)
		sshconn_kick(c);
}

/* Has libssh read what came; returns whether more waits. */
static int
sshconn_receive_wired(struct sshconn *c)
{
	int n;

	sshwire_permit(SSHWIRE_READ);
	for (n = 0; n < SSHCONN_READS && sshwire_has_input(); n++)
		if (SSHCONN_CALL(c, ssh_event_dopoll(c->poll, 0)) != SSH_OK ||
		    sshconn_has_failed(c))
			break;
	sshwire_permit(0);
	return n == SSHCONN_READS;
}

/* The same without the wire: a read that is not full emptied the socket. */
static int
sshconn_receive_plain(struct sshconn *c)
{
	uint64_t before;
	int n;

	for (n = 0; n < SSHCONN_READS; n++) {
		before = c->count.in_bytes;
		if (SSHCONN_CALL(c, ssh_event_dopoll(c->poll, 0)) != SSH_OK ||
		    sshconn_has_failed(c) ||
		    c->count.in_bytes - before < SSHCONN_READ_SIZE)
			return 0;
	}
	return 1;
}

/*
 * Reads what has come; returns whether more may be waiting.  A peer that asks
 * and does not read the answers is not read until it does.
 */
static int
sshconn_receive(struct sshconn *c)
{
	uint64_t before = c->count.in_bytes;
	int more;

	if (c->choked)
		return 0;
	more = c->wired ? sshconn_receive_wired(c) : sshconn_receive_plain(c);
	if (c->count.in_bytes != before)
		c->rekeying = 0;
	return more;
}

/* A call of libssh outside of a round may have left something to send. */
void
sshconn_note_output(struct sshconn *c)
{
	if (!c->in_round && !c->full && sshconn_has_output(c))
		sshconn_kick(c);
}

/* Sets a timer, without which the session is given up. */
static void
sshconn_set_timer(struct sshconn *c, struct event *ev,
    const struct timeval *tv)
{
	if (eventloop_watch(ev, tv) == 0)
		return;
	event_del(ev);
	event_active(c->ev_kick, EV_TIMEOUT, 0);
}

/*
 * Something was sent that the peer answers: looks after it until the answer
 * comes.  Only at the near end, which can connect again.
 */
static void
sshconn_follow_pulse(struct sshconn *c)
{
	if (!c->server && sshpulse_note(&c->pulse, c->count.in_bytes,
	    c->count.out_bytes, monotime_ns()) && !c->following) {
		c->following = 1;
		sshconn_set_timer(c, c->ev_pulse, &sshconn_look);
	}
}

/* Reads, has the layers above do their work, and sends. */
static void
sshconn_event_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshconn *c = arg;
	uint64_t seen;
	int due;

	if (what & EV_TIMEOUT) {
		sshconn_give_up(c, "the session cannot be watched");
		return;
	}
	/*
	 * libssh can be made to write empty packets for ever by a peer whose
	 * largest packet is smaller than its header, which no call tells
	 * beforehand.
	 */
	watchdog_note("a round of the SSH session", 0);
	c->in_round = 1;
	if (what & EV_READ)
		sshwire_readable();
	if (what & EV_WRITE)
		c->full = !sshconn_flush(c);
	due = sshconn_receive(c) ? SSHCONN_AGAIN : 0;
	seen = c->count.in_bytes;
	if (!sshconn_has_failed(c))
		due |= c->ops->round(c->arg);
	c->in_round = 0;
	if (!c->full)
		c->full = !sshconn_flush(c);
	if (sshconn_is_broken(c)) {
		sshconn_give_up(c, sshconn_reason(c));
		return;
	}
	if (c->full)
		eventloop_watch(c->ev_write, NULL);
	sshpace_note(&c->pace, c->count.out_bytes,
	    c->full || (due & SSHCONN_WAITING));
	sshconn_count_queue(c);
	sshconn_follow_pulse(c);
	/* Without the wire libssh also reads inside other calls. */
	if (c->count.in_bytes != seen) {
		c->rekeying = 0;
		due |= SSHCONN_AGAIN;
	}
	if (due & SSHCONN_AGAIN)
		sshconn_kick(c);
	/*
	 * libevent looks at no descriptor and no timer while events are made
	 * active, which a busy session's rounds do without end.  So it
	 * is made to look, but not each time, which costs a receiver 5 %.
	 */
	if ((due & SSHCONN_AGAIN) || ++c->rounds % SSHCONN_ROUNDS == 0)
		event_base_loopcontinue(c->base);
}

/*
 * libssh has one place for a global request that awaits its answer.  May the
 * caller use it?  The caller sets and clears "requesting" around its own.
 *
 * ssh_send_keepalive() does not tell whether a keepalive was answered.  So
 * another request finds out, one to cancel a forwarding that does not exist:
 * libssh holds it back until the keepalive is answered, and then sends it and
 * waits for its own answer.
 */
int
sshconn_may_request(struct sshconn *c)
{
	if (c->keepalive_due &&
	    SSHCONN_CALL(c, ssh_channel_cancel_forward(c->session, "", 0)) ==
	    SSH_AGAIN)
		return 0;
	c->keepalive_due = 0;
	return 1;
}

/*
 * Asks the peer for a sign of life, now.  The first call takes the answer to
 * an earlier keepalive, if it came; the second asks again, or does nothing
 * while an answer is due.  Any other request that awaits its answer asks as
 * well.
 */
void
sshconn_ask(struct sshconn *c)
{
	if (c->lost)
		return;
	if (!c->requesting) {
		SSHCONN_CALL(c, ssh_send_keepalive(c->session));
		SSHCONN_CALL(c, ssh_send_keepalive(c->session));
		c->keepalive_due = 1;
	}
	sshconn_kick(c);
}

static void
sshconn_alive_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshconn *c = arg;

	if (c->count.in_bytes != c->alive_seen)
		c->alive_missed = 0;
	else if (c->alive_missed++ >= c->alive_max) {
		sshconn_give_up(c, "Timeout, peer not responding.");
		return;
	}
	c->alive_seen = c->count.in_bytes;
	sshconn_ask(c);
	sshconn_set_timer(c, c->ev_alive, &c->alive_every);
}

/* An answer was waited for, and may be still. */
static void
sshconn_pulse_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshconn *c = arg;
	struct tcppath path;
	int known = tcppath_read(c->watch, &path) == 0;

	switch (sshpulse_look(&c->pulse, monotime_ns(),
	    known ? &path : NULL)) {
	case SSHPULSE_CALM:
		c->following = 0;
		return;
	case SSHPULSE_DEAD:
		sshconn_give_up(c, "Nothing gets through any more.");
		return;
	case SSHPULSE_ASK:
		sshconn_ask(c);
		break;
	case SSHPULSE_WAITING:
		break;
	}
	sshconn_set_timer(c, c->ev_pulse, &sshconn_look);
}

static void
sshconn_prepare_socket(int fd)
{
	int on = 1, flags;

	if ((flags = fcntl(fd, F_GETFL)) != -1)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	/* A proxy command's descriptor is no TCP socket; that is no error. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
sshconn_make_events(struct sshconn *c, struct event_base *base)
{
	c->ev_read = event_new(base, c->watch, EV_READ | EV_PERSIST,
	    sshconn_event_cb, c);
	c->ev_write = event_new(base, c->watch, EV_WRITE, sshconn_event_cb, c);
	c->ev_kick = event_new(base, -1, 0, sshconn_event_cb, c);
	c->ev_alive = evtimer_new(base, sshconn_alive_cb, c);
	c->ev_pulse = evtimer_new(base, sshconn_pulse_cb, c);
	c->poll = ssh_event_new();
	return c->ev_read != NULL && c->ev_write != NULL &&
	    c->ev_kick != NULL && c->ev_alive != NULL &&
	    c->ev_pulse != NULL && c->poll != NULL ? 0 : -1;
}

/*
 * Puts an authenticated session, owned from now on, into the loop; server
 * says that the peer is the client.  Nothing is read before sshconn_start.
 * -1 when memory or descriptors are out; the session is then still the
 * caller's, and nothing is left to clear.
 */
int
sshconn_init(struct sshconn *c, struct event_base *base, ssh_session session,
    int server, const struct sshconn_ops *ops, void *arg)
{
	int fd = ssh_get_fd(session);

	memset(c, 0, sizeof(*c));
	c->base = base;
	c->server = server;
	c->ops = ops;
	c->arg = arg;
	ssh_set_blocking(session, 0);
	sshconn_prepare_socket(fd);
	sshpace_init(&c->pace, fd);
	if ((c->watch = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1 ||
	    sshconn_make_events(c, base) == -1 ||
	    ssh_event_add_session(c->poll, session) != SSH_OK) {
		sshconn_clear(c);
		return -1;
	}
	c->session = session;
	c->wired = sshwire_open(fd) == 0;
	log_debug2("reading ahead: %s", c->wired ? "yes" : "no");
	ssh_set_counters(session, &c->count, &c->packets);
	return 0;
}

/* Begins to read; libssh may hold bytes already. */
void
sshconn_start(struct sshconn *c)
{
	eventloop_watch(c->ev_read, NULL);
	if (c->alive_every.tv_sec > 0)
		sshconn_set_timer(c, c->ev_alive, &c->alive_every);
	sshconn_kick(c);
}

/* Asks for a round of the session's work; safe from anywhere. */
void
sshconn_kick(struct sshconn *c)
{
	if (!c->lost)
		event_active(c->ev_kick, 0, 0);
}

/*
 * A client's session was given its descriptor by SSH_OPTIONS_FD, which libssh
 * leaves open; a server's closes its own.
 */
static void
sshconn_close_session(struct sshconn *c)
{
	int fd = ssh_get_fd(c->session);

	ssh_event_remove_session(c->poll, c->session);
	ssh_set_fd_towrite(c->session);
	ssh_disconnect(c->session);
	ssh_free(c->session);
	if (!c->server && fd != -1)
		close(fd);
}

static void
sshconn_free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

/* Ends a session that was stopped, telling the peer, and frees it. */
void
sshconn_clear(struct sshconn *c)
{
	sshconn_free_event(c->ev_read);
	sshconn_free_event(c->ev_write);
	sshconn_free_event(c->ev_kick);
	sshconn_free_event(c->ev_alive);
	sshconn_free_event(c->ev_pulse);
	if (c->session != NULL)
		sshconn_close_session(c);
	if (c->poll != NULL)
		ssh_event_free(c->poll);
	if (c->watch != -1)
		close(c->watch);
}
