/* SPDX-License-Identifier: ISC */
/*
 * What sockstund-net asks of the process that holds the rights.  That one is
 * trusted: if it sends what it should not, or a message cannot be read,
 * nothing can be saved, and this process ends.
 */
#include <sys/types.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "beat.h"
#include "eventloop.h"
#include "log.h"
#include "msg.h"
#include "msgqueue.h"
#include "priv.h"
#include "privsep.h"
#include "socks.h"
#include "watchdog.h"

/* Messages waiting for the other side beyond which lines of log are lost. */
#define PRIV_LOG_QUEUE	256
/* Bytes of the line that tells of lost ones. */
#define PRIV_LOST_MAX	64
/* ms for an answer of the monitor's, which may have to ask others. */
#define PRIV_PATIENCE	120000

/*
 * If the other side is gone, whoever reads its messages notices that.  Any
 * other error is logged, although the log takes the same way.
 */
static void
priv_failed_cb(int error, void *arg)
{
	if (error == EPIPE || error == ECONNRESET)
		return;
	errno = error;
	fatal("message to the process with the rights");
}

/* The talk over a descriptor of a SOCK_SEQPACKET pair. */
void
priv_init(struct priv *priv, int fd)
{
	memset(priv, 0, sizeof(*priv));
	priv->fd = fd;
	msgqueue_init(&priv->queue, fd, priv_failed_cb, priv);
}

/* Waits for a message of a type; only before priv_start. */
static void
priv_expect(struct priv *priv, struct msg *m, uint32_t type)
{
	struct pollfd pfd = { priv->fd, POLLIN, 0 };

	/* The log leads to the same process, so there is nobody to tell. */
	if (poll(&pfd, 1, PRIV_PATIENCE) != 1 || msg_recv(priv->fd, m) != 1)
		_exit(1);
	if (m->type != type)
		fatalx("monitor sent message %u instead of %u", m->type, type);
}

/* Waits for the first message; the caller reads and clears it. */
void
priv_recv_setup(struct priv *priv, struct msg *m)
{
	priv_expect(priv, m, PS_SETUP);
}

/* Tells the monitor that keys are loaded and the sandbox is closed. */
void
priv_send_ready(struct priv *priv)
{
	struct msg m;

	msg_init(&m, PS_READY, 0);
	(void)msgqueue_send(&priv->queue, &m);
}

/* Sends a question, which is consumed; the answer is yes (1) or no. */
static int
priv_ask(struct priv *priv, struct msg *m, uint32_t answer)
{
	uint32_t verdict;

	if (msgqueue_send(&priv->queue, m) == -1 && errno != EPIPE)
		fatal("question to the monitor");
	priv_expect(priv, m, answer);
	verdict = msg_get_u32(m);
	if (msg_end(m) == -1)
		fatal("answer of the monitor");
	msg_clear(m);
	return verdict == 1;
}

/* May this user log in with this key (base64)? */
int
priv_key_query(struct priv *priv, const char *user, const char *type,
    const char *key)
{
	struct msg m;

	msg_init(&m, PS_KEY_QUERY, 0);
	privsep_put_key(&m, user, type, key);
	return priv_ask(priv, &m, PS_KEY_ANSWER);
}

/*
 * The client has signed with the key.  If that is so, the other side is the
 * user's dialer when this returns.
 */
int
priv_key_proved(struct priv *priv, const char *user, const char *type,
    const char *key, const struct privsep_proof *proof)
{
	struct msg m;

	msg_init(&m, PS_KEY_PROVED, 0);
	privsep_put_proof(&m, user, type, key, proof);
	return priv_ask(priv, &m, PS_AUTH_ANSWER);
}

/* Has the dialer do what a client asks for.  -1 with errno if it cannot. */
int
priv_request(struct priv *priv, uint32_t id, const struct privsep_request *req)
{
	struct msg m;

	msg_init(&m, PS_REQUEST, id);
	privsep_put_request(&m, req);
	return msgqueue_send(&priv->queue, &m);
}

/* Gives up a request; its reply may still come, if this is lost. */
void
priv_cancel(struct priv *priv, uint32_t id)
{
	struct msg m;

	msg_init(&m, PS_CANCEL, id);
	(void)msgqueue_send(&priv->queue, &m);
}

static int
priv_send_line(struct priv *priv, enum log_level level, const char *text)
{
	struct msg m;

	if (priv->queue.n > PRIV_LOG_QUEUE)
		return -1;
	/* Most often it goes at once, even when there is no memory. */
	if (priv->queue.n == 0 && privsep_send_log(priv->fd, PS_LOG, 0, level,
	    text) == 0)
		return 0;
	msg_init(&m, PS_LOG, 0);
	privsep_put_log(&m, level, text);
	return msgqueue_send(&priv->queue, &m);
}

/* The log's sink: lines go to the other side, which writes them. */
void
priv_log(enum log_level level, const char *text, void *arg)
{
	struct priv *priv = arg;
	char lost[PRIV_LOST_MAX];

	snprintf(lost, sizeof(lost), "%u lines were lost", priv->lost);
	if (priv->lost > 0 &&
	    priv_send_line(priv, LOG_LEVEL_ERROR, lost) == 0)
		priv->lost = 0;
	if (priv->lost > 0 || priv_send_line(priv, level, text) == -1)
		priv->lost++;
}

/* The last line of this process, as the watchdog says it. */
void
priv_stuck(const char *text, void *arg)
{
	const struct priv *priv = arg;

	(void)privsep_send_log(priv->fd, PS_LOG, 0, LOG_LEVEL_ERROR, text);
}

static void
priv_take_bound(struct priv *priv, struct msg *m)
{
	static const struct privsep_reply failed = {
		.rep = SOCKS_REP_GENERAL
	};
	struct addr bnd;

	privsep_get_addr(m, &bnd);
	if (msg_end(m) == 0 && m->fd == -1)
		priv->ops->bound(m->id, &bnd, priv->arg);
	else if (m->bad != ENOMEM)
		fatalx("dialer sent a malformed address");
	else {
		log_warnx("flow %u: out of memory", m->id);
		priv_cancel(priv, m->id);
		priv->ops->reply(m->id, &failed, -1, priv->arg);
	}
}

static void
priv_take_reply(struct priv *priv, struct msg *m)
{
	struct privsep_reply reply;
	int fd = m->fd;

	if (privsep_get_reply(m, &reply) == -1)
		fatalx("dialer sent a malformed reply");
	m->fd = -1;
	priv->ops->reply(m->id, &reply, fd, priv->arg);
}

static void
priv_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct priv *priv = arg;
	struct msg m;
	int r;

	if ((r = msg_recv(priv->fd, &m)) == -1 && errno == EAGAIN)
		return;
	if (r == -1)
		log_warn("message from the dialer");
	if (r != 1) {
		event_del(priv->ev_read);
		priv->ops->gone("the dialer ended", priv->arg);
		return;
	}
	watchdog_note("a message of the dialer's for flow", m.id);
	beat_heard(&priv->beat);
	if (m.type == PS_REPLY)
		priv_take_reply(priv, &m);
	else if (m.type == PS_BOUND)
		priv_take_bound(priv, &m);
	else if (m.type != PS_ALIVE || msg_end(&m) == -1 || m.fd != -1)
		fatalx("dialer sent message %u", m.type);
	msg_clear(&m);
}

static void
priv_silent_cb(void *arg)
{
	struct priv *priv = arg;

	priv->ops->gone("the dialer takes no messages", priv->arg);
}

/* From now on nothing waits: answers come as events.  -1 on failure. */
int
priv_start(struct priv *priv, struct event_base *base,
    const struct priv_ops *ops, void *arg)
{
	priv->ops = ops;
	priv->arg = arg;
	if (msgqueue_start(&priv->queue, base) == -1)
		return -1;
	priv->ev_read = event_new(base, priv->fd, EV_READ | EV_PERSIST,
	    priv_read_cb, priv);
	if (priv->ev_read == NULL || eventloop_watch(priv->ev_read, NULL) == -1)
		return -1;
	return beat_start(&priv->beat, base, &priv->queue, PS_ALIVE,
	    BEAT_SECONDS, priv_silent_cb, priv);
}

/* Frees what is queued, and the events; the descriptor is the caller's. */
void
priv_clear(struct priv *priv)
{
	beat_stop(&priv->beat);
	msgqueue_clear(&priv->queue);
	if (priv->ev_read != NULL)
		event_free(priv->ev_read);
}
