/* SPDX-License-Identifier: ISC */
/*
 * One authenticated SSH session in the loop.
 *
 * All calls of libssh that can send or receive are made from the events of
 * this file or from the streams it calls, one after the other, never one
 * inside another: callbacks of libssh only mark channels (sshchan.c).
 *
 * libssh reads only in sshloop_receive and sends only in sshloop_flush
 * (sshwire.c).  Its queue holds little more than a packet of data: small ones
 * gather there until the end of a round, so that they leave in one write, and
 * a channel gets a turn only while nothing waits that the kernel did not take.
 * The kernel takes only what will leave within a few milliseconds (sshpace.c).
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "log.h"
#include "sshchan.h"
#include "sshforward.h"
#include "sshloop.h"
#include "sshprogram.h"
#include "sshwindow.h"
#include "sshwire.h"

/* Turns and reads in one event; then others have the loop. */
#define SSHLOOP_TURNS		32
#define SSHLOOP_READS		64
/* What libssh reads at once. */
#define SSHLOOP_READ_SIZE	4096
/* Bytes that gather in libssh before they are sent. */
#define SSHLOOP_GATHER		8192
/* Unsent answers beyond which the peer is not read. */
#define SSHLOOP_QUEUE_MAX	(1024 * 1024)
/* Seconds of work after which a call of libssh is not going to return. */
#define SSHLOOP_WATCHDOG	30
/* The number libssh gives the first channel of a session. */
#define SSHLOOP_FIRST_ID	43

/*
 * What libssh must log for sshloop_note_failure.  Built with 0.10, whose
 * header has no callback for it, and run with a later one: everything.
 */
#ifdef SSHCHAN_HAS_OPEN_RESPONSE
#define SSHLOOP_LOG_LEVEL(l)	SSH_LOG_WARN
#else
#define SSHLOOP_LOG_LEVEL(l)	\
	((l)->window_grows ? SSH_LOG_WARN : SSH_LOG_TRACE)
#endif

static const char open_failure[] = "Channel opening failure: channel ";

/*
 * libssh keeps the text of one failed open per session, so two that fail
 * together both show the second's.  Its log has each of them, and from 0.11 on
 * a callback comes when the text is that channel's.
 */
void
sshloop_note_failure(struct sshloop *l, const char *text)
{
	struct sshchan *c;
	unsigned int id, code;
	int off = 0;

	text = strstr(text, open_failure);
	if (text == NULL || sscanf(text + sizeof(open_failure) - 1,
	    "%u error (%u) %n", &id, &code, &off) != 2)
		return;
	TAILQ_FOREACH(c, &l->opening, turn)
		if (c->id == id) {
			sshchan_refused(c, (int)code,
			    off > 0 ? text + sizeof(open_failure) - 1 + off :
			    "");
			return;
		}
}

static void
sshloop_log_cb(int level, const char *function, const char *text, void *arg)
{
	if (arg != NULL)
		sshloop_note_failure(arg, text);
	log_debug2("libssh: %s", text);
}

/*
 * From now on, so many seconds of work without a return to the loop are too
 * many; 0: no limit.  Of work, as the process may be stopped meanwhile.
 */
static void
sshloop_limit(int seconds)
{
	struct itimerval limit = { .it_value = { .tv_sec = seconds } };

	setitimer(ITIMER_PROF, &limit, NULL);
}

static void
sshloop_fail(struct sshloop *l, const char *why)
{
	struct sshchan *c;
	char text[512];

	if (l->lost)
		return;
	log_safe(why, strlen(why), text, sizeof(text));
	l->lost = 1;
	sshwire_close();
	event_del(l->ev_read);
	event_del(l->ev_write);
	event_del(l->kick);
	event_del(l->alive);
	event_del(l->watchdog);
	sshloop_limit(0);
	sshforward_lose(l);
	while ((c = TAILQ_FIRST(&l->all)) != NULL)
		sshchan_lose(c);
	l->ops->lost(text, l->arg);
}

/* Has libssh given the session up?  The end of the round will tell all. */
int
sshloop_is_broken(const struct sshloop *l)
{
	return !ssh_is_connected(l->session) ||
	    (ssh_get_status(l->session) & (SSH_CLOSED | SSH_CLOSED_ERROR));
}

/* Why libssh gave the session up. */
static const char *
sshloop_reason(struct sshloop *l)
{
	const char *text = ssh_get_error(l->session);

	return text != NULL && *text != '\0' ? text : "connection lost";
}

/*
 * Sends what libssh holds; returns whether all of it went.  Without the wire
 * libssh sends when it polls, and may read as well.
 */
static int
sshloop_flush(struct sshloop *l)
{
	if (!(ssh_get_status(l->session) & SSH_WRITE_PENDING)) {
		l->gathered = 0;
		return 1;
	}
	if (l->wired)
		sshwire_permit(SSHWIRE_WRITE);
	ssh_event_dopoll(l->poll, 0);
	if (l->wired)
		sshwire_permit(0);
	if (ssh_get_status(l->session) & SSH_WRITE_PENDING)
		return 0;
	l->gathered = 0;
	return 1;
}

/*
 * What libssh was given to send and has not sent.  Only while something waits
 * does it count: the two counters differ by padding and the like.
 */
static void
sshloop_count_queue(struct sshloop *l)
{
	uint64_t given, sent;
	int was_choked = l->choked;

	if (!(ssh_get_status(l->session) & SSH_WRITE_PENDING)) {
		l->queue_given = l->packets.out_bytes;
		l->queue_sent = l->count.out_bytes;
	}
	given = l->packets.out_bytes - l->queue_given;
	sent = l->count.out_bytes - l->queue_sent;
	l->choked = given > sent && given - sent > SSHLOOP_QUEUE_MAX;
	if (l->choked)
		event_del(l->ev_read);
	else
		event_add(l->ev_read, NULL);
	/* What was read ahead when it began is not told by the socket. */
	if (was_choked && !l->choked)
		sshloop_kick(l);
}

/* Has libssh read what came; returns whether more waits. */
static int
sshloop_receive_wired(struct sshloop *l)
{
	int n;

	sshwire_permit(SSHWIRE_READ);
	for (n = 0; n < SSHLOOP_READS && sshwire_has_input(); n++)
		if (ssh_event_dopoll(l->poll, 0) != SSH_OK)
			break;
	sshwire_permit(0);
	return n == SSHLOOP_READS;
}

/* A read that is not full has emptied the socket. */
static int
sshloop_receive_plain(struct sshloop *l)
{
	uint64_t before;
	int n;

	for (n = 0; n < SSHLOOP_READS; n++) {
		before = l->count.in_bytes;
		if (ssh_event_dopoll(l->poll, 0) != SSH_OK ||
		    l->count.in_bytes - before < SSHLOOP_READ_SIZE)
			return 0;
	}
	return 1;
}

/*
 * Reads what has come; returns whether more may be waiting.  A peer that asks
 * and does not read the answers is read no more until it does.
 */
static int
sshloop_receive(struct sshloop *l)
{
	uint64_t before = l->count.in_bytes;
	int more;

	if (l->choked)
		return 0;
	more = l->wired ? sshloop_receive_wired(l) : sshloop_receive_plain(l);
	if (l->count.in_bytes != before)
		l->rekeying = 0;
	return more;
}

/*
 * Hands messages to the owner until libssh has none; only then may channels
 * that both sides closed be freed, as a message points at its channel.
 */
static void
sshloop_take_messages(struct sshloop *l)
{
	struct sshchan *c;
	ssh_message msg;

	if (l->role == SSHLOOP_SERVER && l->count.in_bytes != l->messages_seen)
		while (!sshloop_is_broken(l) &&
		    (msg = ssh_message_get(l->session)) != NULL)
			if (!l->ops->message(msg, l->arg))
				ssh_message_free(msg);
	if (sshloop_is_broken(l))
		return;
	l->messages_seen = l->count.in_bytes;
	while ((c = TAILQ_FIRST(&l->dead)) != NULL)
		sshchan_reap(c);
}

/* A call of libssh outside of a round may have left something to send. */
void
sshloop_note_output(struct sshloop *l)
{
	if (!l->busy && !l->full &&
	    (ssh_get_status(l->session) & SSH_WRITE_PENDING))
		sshloop_kick(l);
}

/* What is marked on the way is for the next round. */
static void
sshloop_deliver_marks(struct sshloop *l)
{
	struct sshchan *c;

	while ((c = TAILQ_FIRST(&l->marked)) != NULL) {
		TAILQ_REMOVE(&l->marked, c, mark);
		TAILQ_INSERT_TAIL(&l->delivering, c, mark);
		c->marked_in = &l->delivering;
	}
	while ((c = TAILQ_FIRST(&l->delivering)) != NULL) {
		TAILQ_REMOVE(&l->delivering, c, mark);
		c->marked_in = NULL;
		sshchan_deliver(c);
	}
}

/*
 * An opening that is confirmed and a peer's window that grows are not
 * signalled: when anything but data came, those that wait are looked at.
 */
static void
sshloop_check_waiting(struct sshloop *l)
{
	struct sshchan *c, *next;
	uint64_t others = l->packets.in_packets - l->data_packets;

	if (others == l->others_seen)
		return;
	l->others_seen = others;
	TAILQ_FOREACH_SAFE(c, &l->opening, turn, next)
		sshchan_check_open(c);
	TAILQ_FOREACH_SAFE(c, &l->blocked, turn, next)
		if (ssh_channel_window_size(c->channel) > 0) {
			TAILQ_REMOVE(&l->blocked, c, turn);
			TAILQ_INSERT_TAIL(&l->ring, c, turn);
			c->waits_in = &l->ring;
		}
}

/* May a channel write now? */
static int
sshloop_has_room(struct sshloop *l)
{
	if (l->wired && l->gathered < SSHLOOP_GATHER)
		return 1;
	return sshloop_flush(l);
}

/* Gives turns to send; returns whether any are due. */
static int
sshloop_run_ring(struct sshloop *l)
{
	struct sshchan *c;
	int turn;

	for (turn = 0; turn < SSHLOOP_TURNS; turn++) {
		if (TAILQ_EMPTY(&l->ring) || l->rekeying ||
		    l->full || !sshloop_has_room(l))
			return 0;
		/* The last packets may have taken it out. */
		if ((c = TAILQ_FIRST(&l->ring)) != NULL)
			sshchan_take_turn(c, l->pace.quantum);
	}
	return !TAILQ_EMPTY(&l->ring);
}

/* A round. */
static void
sshloop_service(struct sshloop *l, short what)
{
	uint64_t seen;
	int more;

	l->busy = 1;
	if (what & EV_READ)
		sshwire_readable();
	if (what & EV_WRITE)
		l->full = !sshloop_flush(l);
	more = sshloop_receive(l);
	seen = l->count.in_bytes;
	sshloop_take_messages(l);
	sshloop_check_waiting(l);
	sshprogram_service(l);
	sshforward_service(l);
	sshloop_deliver_marks(l);
	sshwindow_service(l);
	if (sshloop_run_ring(l))
		more = 1;
	l->busy = 0;
	if (!l->full)
		l->full = !sshloop_flush(l);
	if (sshloop_is_broken(l)) {
		sshloop_fail(l, sshloop_reason(l));
		return;
	}
	if (l->full)
		event_add(l->ev_write, NULL);
	sshpace_note(&l->pace, l->count.out_bytes,
	    l->full || !TAILQ_EMPTY(&l->ring));
	sshloop_count_queue(l);
	/* Without the wire libssh reads inside other calls, too. */
	if (l->count.in_bytes != seen) {
		l->rekeying = 0;
		more = 1;
	}
	if (more || !TAILQ_EMPTY(&l->dead))
		sshloop_kick(l);
}

static void
sshloop_event_cb(evutil_socket_t fd, short what, void *arg)
{
	sshloop_service(arg, what);
}

static void
sshloop_alive_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshloop *l = arg;

	if (l->count.in_bytes != l->alive_seen)
		l->alive_missed = 0;
	else if (l->alive_missed++ >= l->alive_max) {
		sshloop_fail(l, "Timeout, peer not responding.");
		return;
	}
	l->alive_seen = l->count.in_bytes;
	/*
	 * The first call takes the answer to an earlier one, if it came; the
	 * second asks again, or does nothing while an answer is due.  A
	 * request for a forwarding that is not answered asks as well.
	 */
	if (l->forward_now == NULL) {
		ssh_send_keepalive(l->session);
		ssh_send_keepalive(l->session);
		l->keepalive_due = 1;
	}
	event_add(l->alive, &l->alive_every);
	sshloop_kick(l);
}

/*
 * libssh can be made to write empty packets for ever by a peer whose largest
 * packet is smaller than its header, which no call tells beforehand.
 */
static void
sshloop_stuck(int sig)
{
	static const char text[] = "The SSH library does not return; giving "
	    "up.\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) == -1)
		_exit(254);
	_exit(255);
}

static void
sshloop_watchdog_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshloop *l = arg;
	static const struct timeval every = { SSHLOOP_WATCHDOG / 4, 0 };

	sshloop_limit(SSHLOOP_WATCHDOG);
	event_add(l->watchdog, &every);
}

static void
sshloop_prepare_socket(int fd)
{
	int on = 1, flags;

	if ((flags = fcntl(fd, F_GETFL)) != -1)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	/* A proxy command's descriptor is no TCP socket; that is no error. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
sshloop_make_events(struct sshloop *l)
{
	l->ev_read = event_new(l->base, l->watch, EV_READ | EV_PERSIST,
	    sshloop_event_cb, l);
	l->ev_write = event_new(l->base, l->watch, EV_WRITE, sshloop_event_cb, l);
	l->kick = event_new(l->base, -1, 0, sshloop_event_cb, l);
	l->alive = evtimer_new(l->base, sshloop_alive_cb, l);
	l->watchdog = evtimer_new(l->base, sshloop_watchdog_cb, l);
	l->poll = ssh_event_new();
	return l->ev_read != NULL && l->ev_write != NULL && l->kick != NULL &&
	    l->alive != NULL && l->watchdog != NULL && l->poll != NULL ? 0 :
	    -1;
}

/*
 * Puts an authenticated session, owned from now on, into the loop.  Nothing
 * is read before sshloop_start.  NULL when memory is out; the session is then
 * still the caller's.
 */
struct sshloop *
sshloop_new(struct event_base *base, ssh_session session,
    enum sshloop_role role, const struct sshloop_ops *ops, void *arg)
{
	struct sshloop *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->base = base;
	l->session = session;
	l->role = role;
	l->ops = ops;
	l->arg = arg;
	l->last_id = SSHLOOP_FIRST_ID - 1;
	l->watch = -1;
	l->window_grows = ssh_version(SSH_VERSION_INT(0, 11, 0)) == NULL;
	l->window_budget = SSHLOOP_WINDOW_BUDGET;
	TAILQ_INIT(&l->thirsty);
	TAILQ_INIT(&l->all);
	TAILQ_INIT(&l->opening);
	TAILQ_INIT(&l->asking);
	TAILQ_INIT(&l->ring);
	TAILQ_INIT(&l->blocked);
	TAILQ_INIT(&l->marked);
	TAILQ_INIT(&l->delivering);
	TAILQ_INIT(&l->closing);
	TAILQ_INIT(&l->dead);
	TAILQ_INIT(&l->forwards);
	TAILQ_INIT(&l->forward_queue);
	ssh_set_blocking(session, 0);
	l->fd = ssh_get_fd(session);
	sshloop_prepare_socket(l->fd);
	sshpace_init(&l->pace, l->fd);
	l->scratch = malloc(SSHLOOP_SCRATCH);
	if (l->scratch == NULL || (l->watch = fcntl(l->fd, F_DUPFD_CLOEXEC, 0)) == -1 ||
	    sshloop_make_events(l) == -1 ||
	    ssh_event_add_session(l->poll, session) != SSH_OK) {
		l->session = NULL;
		sshloop_free(l);
		return NULL;
	}
	l->wired = sshwire_open(l->fd) == 0;
	log_debug2("reading ahead: %s", l->wired ? "yes" : "no");
	ssh_set_counters(session, &l->count, &l->packets);
	ssh_set_log_userdata(l);
	ssh_set_log_callback(sshloop_log_cb);
	if (ssh_get_log_level() < SSHLOOP_LOG_LEVEL(l))
		ssh_set_log_level(SSHLOOP_LOG_LEVEL(l));
	if (role == SSHLOOP_CLIENT)
		ssh_set_message_callback(session, sshforward_message_cb, l);
	return l;
}

/* Begins to read; libssh may hold bytes already. */
void
sshloop_start(struct sshloop *l)
{
	event_add(l->ev_read, NULL);
	signal(SIGPROF, sshloop_stuck);
	sshloop_watchdog_cb(-1, 0, l);
	sshloop_kick(l);
}

/* Asks for a round of the session's work; safe from anywhere. */
void
sshloop_kick(struct sshloop *l)
{
	if (!l->lost)
		event_active(l->kick, 0, 0);
}

/*
 * Asks the peer for a sign of life after so many seconds of silence, and
 * gives the session up when max such requests in a row go unanswered.  0
 * seconds: never.
 */
void
sshloop_set_alive(struct sshloop *l, int seconds, int max)
{
	if (seconds <= 0)
		return;
	l->alive_every.tv_sec = seconds;
	l->alive_max = max;
	event_add(l->alive, &l->alive_every);
}

/*
 * A client's session was given its descriptor by SSH_OPTIONS_FD, which libssh
 * leaves open; a server's closes its own.
 */
static void
sshloop_close_session(struct sshloop *l)
{
	int fd = ssh_get_fd(l->session);

	sshwire_close();
	ssh_set_log_userdata(NULL);
	ssh_set_fd_towrite(l->session);
	ssh_disconnect(l->session);
	ssh_free(l->session);
	if (l->role == SSHLOOP_CLIENT && fd != -1)
		close(fd);
}

/* Ends a session, telling the peer, and frees it; channels are told too. */
void
sshloop_free(struct sshloop *l)
{
	struct sshchan *c;

	l->lost = 1;
	sshforward_lose(l);
	while ((c = TAILQ_FIRST(&l->all)) != NULL)
		sshchan_lose(c);
	if (l->ev_read != NULL)
		event_free(l->ev_read);
	if (l->ev_write != NULL)
		event_free(l->ev_write);
	if (l->kick != NULL)
		event_free(l->kick);
	if (l->alive != NULL)
		event_free(l->alive);
	if (l->watchdog != NULL)
		event_free(l->watchdog);
	sshloop_limit(0);
	if (l->poll != NULL) {
		if (l->session != NULL)
			ssh_event_remove_session(l->poll, l->session);
		ssh_event_free(l->poll);
	}
	if (l->session != NULL)
		sshloop_close_session(l);
	if (l->watch != -1)
		close(l->watch);
	free(l->scratch);
	free(l);
}
