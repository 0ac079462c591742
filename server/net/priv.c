/* SPDX-License-Identifier: ISC */
/*
 * What sockstund-net asks of the process that holds the rights.  That one is
 * trusted: a message of its that cannot be read ends this process.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "log.h"
#include "priv.h"
#include "msg.h"
#include "privsep.h"
#include "xmalloc.h"

/* Messages waiting for the other side beyond which lines of log are lost. */
#define PRIV_LOG_QUEUE	256

struct priv_outgoing {
	TAILQ_ENTRY(priv_outgoing) entry;
	struct msg		 msg;
};

/* The talk over a descriptor of a SOCK_SEQPACKET pair. */
void
priv_init(struct priv *priv, int fd)
{
	memset(priv, 0, sizeof(*priv));
	priv->fd = fd;
	TAILQ_INIT(&priv->queue);
}

static void
priv_flush(struct priv *priv)
{
	struct priv_outgoing *out;

	while ((out = TAILQ_FIRST(&priv->queue)) != NULL) {
		if (!priv->gone && msg_send(priv->fd, &out->msg) == -1) {
			if (errno != EAGAIN)
				_exit(1);
			event_add(priv->ev_write, NULL);
			return;
		}
		TAILQ_REMOVE(&priv->queue, out, entry);
		priv->nqueued--;
		msg_clear(&out->msg);
		free(out);
	}
}

/* Sends a message, or queues it behind others; it is consumed. */
static void
priv_send(struct priv *priv, struct msg *m)
{
	struct priv_outgoing *out;

	if (TAILQ_EMPTY(&priv->queue)) {
		if (priv->gone || msg_send(priv->fd, m) == 0) {
			msg_clear(m);
			return;
		}
		if (errno != EAGAIN || priv->ev_write == NULL)
			_exit(1);
	}
	out = xcalloc(1, sizeof(*out));
	out->msg = *m;
	TAILQ_INSERT_TAIL(&priv->queue, out, entry);
	priv->nqueued++;
	priv_flush(priv);
}

/* Waits for a message of a type; only before priv_start. */
static void
priv_expect(struct priv *priv, struct msg *m, uint32_t type)
{
	int r;

	while ((r = msg_recv(priv->fd, m)) == -1 && errno == EINTR)
		;
	if (r != 1)
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
	priv_send(priv, &m);
}

static int
priv_ask(struct priv *priv, uint32_t type, uint32_t answer, const char *user,
    const char *keytype, const char *key)
{
	struct msg m;
	uint32_t verdict;

	msg_init(&m, type, 0);
	msg_put_string(&m, user);
	msg_put_string(&m, keytype);
	msg_put_string(&m, key);
	priv_send(priv, &m);
	priv_expect(priv, &m, answer);
	verdict = msg_get_u32(&m);
	if (msg_end(&m) == -1)
		fatalx("monitor sent a malformed answer");
	msg_clear(&m);
	return verdict == 1;
}

/* May this user log in with this key (base64)? */
int
priv_key_query(struct priv *priv, const char *user, const char *type,
    const char *key)
{
	return priv_ask(priv, PS_KEY_QUERY, PS_KEY_ANSWER, user, type, key);
}

/*
 * The client proved that it has the key.  On success the other side is the
 * user's dialer when this returns.
 */
int
priv_key_proved(struct priv *priv, const char *user, const char *type,
    const char *key)
{
	return priv_ask(priv, PS_KEY_PROVED, PS_AUTH_ANSWER, user, type, key);
}

/* Asks for a connection; the answer comes by the dialed operation. */
void
priv_dial(struct priv *priv, uint32_t id, const char *host, uint16_t port,
    const char *origin, uint16_t origin_port)
{
	struct msg m;

	msg_init(&m, PS_DIAL, id);
	msg_put_string(&m, host);
	msg_put_u32(&m, port);
	msg_put_string(&m, origin);
	msg_put_u32(&m, origin_port);
	priv_send(priv, &m);
}

/*
 * Asks for another service, by its command of SOCKS; the answers come by the
 * bound (BIND alone) and dialed operations.
 */
void
priv_service(struct priv *priv, uint32_t id, int cmd, const char *host,
    uint16_t port)
{
	struct msg m;

	msg_init(&m, PS_SERVICE, id);
	msg_put_u32(&m, (uint32_t)cmd);
	msg_put_string(&m, host);
	msg_put_u32(&m, port);
	priv_send(priv, &m);
}

/* Nobody waits for this dial any more; an answer may still come. */
void
priv_cancel(struct priv *priv, uint32_t id)
{
	struct msg m;

	msg_init(&m, PS_CANCEL, id);
	priv_send(priv, &m);
}

/* A sink for log.h. */
void
priv_log(enum log_level level, const char *text, void *arg)
{
	struct priv *priv = arg;
	struct msg m;

	if (priv->nqueued > PRIV_LOG_QUEUE)
		return;
	msg_init(&m, PS_LOG, 0);
	msg_put_u32(&m, level);
	msg_put_blob(&m, text, strnlen(text, PRIVSEP_LOG_MAX - 1));
	priv_send(priv, &m);
}

/* An address as the dialer writes it; the message is bad if it is none. */
static void
priv_get_addr(struct msg *m, struct addr *a)
{
	char host[ADDR_NAME_MAX + 1];
	uint32_t atyp, port;

	memset(a, 0, sizeof(*a));
	atyp = msg_get_u32(m);
	msg_get_string(m, host, sizeof(host));
	port = msg_get_u32(m);
	if (m->bad || port > UINT16_MAX || (atyp != ADDR_NONE &&
	    (addr_parse_host(a, host, (uint16_t)port) == -1 ||
	    a->type != atyp)))
		m->bad = 1;
}

static void
priv_take_bound(struct priv *priv, struct msg *m)
{
	struct addr bnd;

	priv_get_addr(m, &bnd);
	if (msg_end(m) == -1 || m->fd != -1)
		fatalx("dialer sent a malformed address");
	priv->ops->bound(m->id, &bnd, priv->arg);
}

static void
priv_take_dialed(struct priv *priv, struct msg *m)
{
	struct priv_dialed d;

	memset(&d, 0, sizeof(d));
	d.id = m->id;
	d.rep = msg_get_u32(m);
	priv_get_addr(m, &d.bnd);
	msg_get_string(m, d.reason, sizeof(d.reason));
	if (msg_end(m) == -1)
		fatalx("dialer sent a malformed answer");
	d.fd = m->fd;
	m->fd = -1;
	priv->ops->dialed(&d, priv->arg);
}

static void
priv_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct priv *priv = arg;
	struct msg m;
	int r;

	if ((r = msg_recv(priv->fd, &m)) == -1 &&
	    (errno == EAGAIN || errno == EINTR))
		return;
	if (r != 1) {
		event_del(priv->ev_read);
		priv->gone = 1;
		priv->ops->gone(priv->arg);
		return;
	}
	if (m.type == PS_DIALED)
		priv_take_dialed(priv, &m);
	else if (m.type == PS_BOUND)
		priv_take_bound(priv, &m);
	else
		fatalx("dialer sent message %u", m.type);
	msg_clear(&m);
}

static void
priv_write_cb(evutil_socket_t fd, short what, void *arg)
{
	priv_flush(arg);
}

/* From now on nothing waits: answers come as events.  -1 on failure. */
int
priv_start(struct priv *priv, struct event_base *base,
    const struct priv_ops *ops, void *arg)
{
	int flags;

	priv->ops = ops;
	priv->arg = arg;
	if ((flags = fcntl(priv->fd, F_GETFL)) == -1 ||
	    fcntl(priv->fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return -1;
	priv->ev_read = event_new(base, priv->fd, EV_READ | EV_PERSIST,
	    priv_read_cb, priv);
	priv->ev_write = event_new(base, priv->fd, EV_WRITE, priv_write_cb,
	    priv);
	if (priv->ev_read == NULL || priv->ev_write == NULL)
		return -1;
	return event_add(priv->ev_read, NULL);
}

/* Frees what is queued, and the events; the descriptor is the caller's. */
void
priv_clear(struct priv *priv)
{
	struct priv_outgoing *out;

	while ((out = TAILQ_FIRST(&priv->queue)) != NULL) {
		TAILQ_REMOVE(&priv->queue, out, entry);
		msg_clear(&out->msg);
		free(out);
	}
	if (priv->ev_read != NULL)
		event_free(priv->ev_read);
	if (priv->ev_write != NULL)
		event_free(priv->ev_write);
}
