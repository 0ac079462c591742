/* SPDX-License-Identifier: ISC */
/*
 * One authenticated SSH session in the loop: what is done in a round of the
 * connection's (sshconn.c), in which order, and how much of it, so that every
 * channel has its turn and everything else in the loop, too.
 *
 * No step looks at channels that have nothing to do with it: those that wait
 * for something are in a list of their own.
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
#include "sshconn.h"
#include "sshforward.h"
#include "sshloop.h"
#include "sshopen.h"
#include "sshprogram.h"
#include "version.h"

/* Turns in one round; then others have the loop. */
#define SSHLOOP_TURNS		32
/* Bytes: much was sent. */
#define SSHLOOP_MUCH		(1024 * 1024)

/*
 * What libssh must log for sshopen_note_failure.  Built with 0.10, whose
 * header has no callback for it, and run with a later one: everything.
 */
#ifdef SSHCHAN_HAS_OPEN_RESPONSE
#define SSHLOOP_LOG_LEVEL(l)	SSH_LOG_WARN
#else
#define SSHLOOP_LOG_LEVEL(l)	\
	((l)->chans.windows.grow ? SSH_LOG_WARN : SSH_LOG_TRACE)
#endif

static void
sshloop_log_cb(int level, const char *function, const char *text, void *arg)
{
	if (arg != NULL)
		sshopen_note_failure(arg, text);
	log_debug2("libssh: %s", text);
}

static ssh_message
sshloop_next_message(struct sshconn *conn)
{
	ssh_message msg;

	if (sshconn_is_broken(conn))
		return NULL;
	errno = 0;
	msg = ssh_message_get(conn->session);
	sshconn_result(conn, SSH_OK, "ssh_message_get");
	return msg;
}

/*
 * Hands messages to the owner until libssh has none; only then may channels
 * that both sides closed be freed, as a message points at its channel.
 */
static void
sshloop_take_messages(struct sshloop *l)
{
	struct sshconn *conn = &l->conn;
	struct sshchan *c;
	ssh_message msg;

	if (conn->server && conn->count.in_bytes != l->messages_seen)
		while ((msg = sshloop_next_message(conn)) != NULL)
			if (!l->ops->message(msg, l->arg))
				ssh_message_free(msg);
	if (sshconn_is_broken(conn))
		return;
	l->messages_seen = conn->count.in_bytes;
	while ((c = TAILQ_FIRST(&l->chans.dead)) != NULL)
		sshchan_reap(c);
}

/*
 * Neither an opening that is confirmed nor a peer's window that grows is
 * signalled: when anything but data came, those that wait are looked at.
 */
static void
sshloop_check_waiting(struct sshloop *l)
{
	struct sshchans *chans = &l->chans;
	struct sshchan *c, *next;
	uint64_t others = l->conn.packets.in_packets - chans->data_packets;

	if (others == l->others_seen)
		return;
	l->others_seen = others;
	TAILQ_FOREACH_SAFE(c, &chans->opening, turn, next)
		sshopen_check(c);
	TAILQ_FOREACH_SAFE(c, &chans->blocked, turn, next)
		if (ssh_channel_window_size(c->channel) > 0)
			sshchan_wait_in(c, &chans->ring);
}

/* Has owners told what was marked before; marks set by that can wait. */
static void
sshloop_deliver_marks(struct sshchans *chans)
{
	struct sshchan *c;

	while ((c = TAILQ_FIRST(&chans->marked)) != NULL) {
		TAILQ_REMOVE(&chans->marked, c, mark);
		TAILQ_INSERT_TAIL(&chans->delivering, c, mark);
		c->marked_in = &chans->delivering;
	}
	while ((c = TAILQ_FIRST(&chans->delivering)) != NULL) {
		TAILQ_REMOVE(&chans->delivering, c, mark);
		c->marked_in = NULL;
		sshchan_deliver(c);
	}
}

/*
 * Has a channel send in its turn: the quantum, and what was left of the last
 * turn (deficit round robin), but no more than the peer's window.  One that
 * has nothing more to send saves nothing.
 */
static void
sshloop_give_turn(struct sshchan *c, size_t quantum)
{
	size_t window = ssh_channel_window_size(c->channel), granted;

	sshchan_unwait(c);
	if (window == 0) {
		sshchan_wait_in(c, &c->chans->blocked);
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

/* Gives turns to those that wait for one; returns whether any are due. */
static int
sshloop_run_ring(struct sshloop *l)
{
	struct sshchan *c;
	int turn;

	for (turn = 0; turn < SSHLOOP_TURNS; turn++) {
		if (TAILQ_EMPTY(&l->chans.ring) || !sshconn_has_room(&l->conn))
			return 0;
		/* Making room may have taken it out. */
		if ((c = TAILQ_FIRST(&l->chans.ring)) != NULL)
			sshloop_give_turn(c, l->conn.pace.quantum);
	}
	return !TAILQ_EMPTY(&l->chans.ring);
}

static int
sshloop_round(void *arg)
{
	struct sshloop *l = arg;
	struct sshchans *chans = &l->chans;
	struct sshchan *c;
	int due = 0;

	sshloop_take_messages(l);
	sshloop_check_waiting(l);
	sshprogram_service(chans);
	sshforwards_service(&l->forwards);
	sshloop_deliver_marks(chans);
	if (!l->busy && l->conn.count.out_bytes > SSHLOOP_MUCH) {
		l->busy = 1;
		if (l->ops->busy != NULL)
			l->ops->busy(l->arg);
	}
	while ((c = TAILQ_FIRST(&chans->thirsty)) != NULL)
		sshchan_widen(c);
	if (sshloop_run_ring(l) || !TAILQ_EMPTY(&chans->dead))
		due |= SSHCONN_AGAIN;
	if (!TAILQ_EMPTY(&chans->ring))
		due |= SSHCONN_WAITING;
	return due;
}

static void
sshloop_lose(struct sshloop *l)
{
	sshforwards_lose(&l->forwards);
	sshchans_lose(&l->chans);
}

static void
sshloop_broken(const char *why, void *arg)
{
	struct sshloop *l = arg;

	sshloop_lose(l);
	l->ops->lost(why, l->arg);
}

static const struct sshconn_ops sshloop_conn_ops = {
	.round = sshloop_round,
	.broken = sshloop_broken,
};

/* Sets libssh's callbacks for this session. */
static void
sshloop_set_callbacks(struct sshloop *l)
{
	const char *banner = ssh_get_serverbanner(l->conn.session);

	ssh_set_log_userdata(&l->chans);
	ssh_set_log_callback(sshloop_log_cb);
	if (ssh_get_log_level() < SSHLOOP_LOG_LEVEL(l))
		ssh_set_log_level(SSHLOOP_LOG_LEVEL(l));
	if (l->conn.server)
		return;
	ssh_set_message_callback(l->conn.session, sshforwards_message_cb,
	    &l->forwards);
	if (banner != NULL && strncmp(banner, SOCKSTUN_BANNER_PREFIX,
	    strlen(SOCKSTUN_BANNER_PREFIX)) == 0)
		sshloop_note_sockstun(l);
}

/*
 * Puts an authenticated session, owned from now on, into the loop.  Nothing
 * is read before sshconn_start.  NULL when memory is out; the session is then
 * still the caller's.
 */
struct sshloop *
sshloop_new(struct event_base *base, ssh_session session,
    const struct sshloop_options *options, const struct sshloop_ops *ops,
    void *arg)
{
	struct sshloop *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->ops = ops;
	l->arg = arg;
	sshforwards_init(&l->forwards, &l->chans);
	if (sshchans_init(&l->chans, &l->conn, options->window_budget) == -1 ||
	    sshconn_init(&l->conn, base, session, options->server,
	    &sshloop_conn_ops, l) == -1) {
		sshchans_clear(&l->chans);
		free(l);
		return NULL;
	}
	l->conn.alive_every.tv_sec = options->alive_interval;
	l->conn.alive_max = options->alive_max;
	sshqueue_init(&l->conn.pace.queue, options->queue_delay *
	    MONOTIME_MILLISECOND);
	sshloop_set_callbacks(l);
	return l;
}

/* Ends a session, telling the peer, and frees it; channels are told too. */
void
sshloop_free(struct sshloop *l)
{
	sshconn_stop(&l->conn);
	sshloop_lose(l);
	ssh_set_log_userdata(NULL);
	sshconn_clear(&l->conn);
	sshchans_clear(&l->chans);
	free(l);
}

/* The name of the cipher of what is sent. */
const char *
sshloop_cipher(const struct sshloop *l)
{
	return ssh_get_cipher_out(l->conn.session);
}

/*
 * The peer has shown that it is a sockstun.  A sockstund is known by its
 * version from the beginning.
 */
void
sshloop_note_sockstun(struct sshloop *l)
{
	l->chans.sockstun = 1;
	l->chans.windows.eager = 1;
}

/* The version of libssh that is there, as text. */
const char *
sshloop_library(void)
{
	return ssh_version(0);
}
