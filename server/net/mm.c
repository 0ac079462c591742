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
#include "mm.h"
#include "msg.h"
#include "privsep.h"
#include "xmalloc.h"

/* Messages waiting for the other side beyond which lines of log are lost. */
#define MM_LOG_QUEUE	256

struct mm_outgoing {
	TAILQ_ENTRY(mm_outgoing) entry;
	struct msg		 msg;
};

/* The talk over a descriptor of a SOCK_SEQPACKET pair. */
void
mm_init(struct mm *mm, int fd)
{
	memset(mm, 0, sizeof(*mm));
	mm->fd = fd;
	TAILQ_INIT(&mm->queue);
}

static void
mm_flush(struct mm *mm)
{
	struct mm_outgoing *out;

	while ((out = TAILQ_FIRST(&mm->queue)) != NULL) {
		if (!mm->gone && msg_send(mm->fd, &out->msg) == -1) {
			if (errno != EAGAIN)
				_exit(1);
			event_add(mm->ev_write, NULL);
			return;
		}
		TAILQ_REMOVE(&mm->queue, out, entry);
		mm->nqueued--;
		msg_clear(&out->msg);
		free(out);
	}
}

/* Sends a message, or queues it behind others; it is consumed. */
static void
mm_send(struct mm *mm, struct msg *m)
{
	struct mm_outgoing *out;

	if (TAILQ_EMPTY(&mm->queue)) {
		if (mm->gone || msg_send(mm->fd, m) == 0) {
			msg_clear(m);
			return;
		}
		if (errno != EAGAIN || mm->ev_write == NULL)
			_exit(1);
	}
	out = xcalloc(1, sizeof(*out));
	out->msg = *m;
	TAILQ_INSERT_TAIL(&mm->queue, out, entry);
	mm->nqueued++;
	mm_flush(mm);
}

/* Waits for a message of a type; only before mm_start. */
static void
mm_expect(struct mm *mm, struct msg *m, uint32_t type)
{
	int r;

	while ((r = msg_recv(mm->fd, m)) == -1 && errno == EINTR)
		;
	if (r != 1)
		_exit(1);
	if (m->type != type)
		fatalx("monitor sent message %u instead of %u", m->type, type);
}

/* Waits for the first message; the caller reads and clears it. */
void
mm_recv_setup(struct mm *mm, struct msg *m)
{
	mm_expect(mm, m, PS_SETUP);
}

/* Tells the monitor that keys are loaded and the sandbox is closed. */
void
mm_send_ready(struct mm *mm)
{
	struct msg m;

	msg_init(&m, PS_READY, 0);
	mm_send(mm, &m);
}

static int
mm_ask(struct mm *mm, uint32_t type, uint32_t answer, const char *user,
    const char *keytype, const char *key)
{
	struct msg m;
	uint32_t verdict;

	msg_init(&m, type, 0);
	msg_put_string(&m, user);
	msg_put_string(&m, keytype);
	msg_put_string(&m, key);
	mm_send(mm, &m);
	mm_expect(mm, &m, answer);
	verdict = msg_get_u32(&m);
	if (msg_end(&m) == -1)
		fatalx("monitor sent a malformed answer");
	msg_clear(&m);
	return verdict == 1;
}

/* May this user log in with this key (base64)? */
int
mm_key_query(struct mm *mm, const char *user, const char *type,
    const char *key)
{
	return mm_ask(mm, PS_KEY_QUERY, PS_KEY_ANSWER, user, type, key);
}

/*
 * The client proved that it has the key.  On success the other side is the
 * user's dialer when this returns.
 */
int
mm_key_proved(struct mm *mm, const char *user, const char *type,
    const char *key)
{
	return mm_ask(mm, PS_KEY_PROVED, PS_AUTH_ANSWER, user, type, key);
}

/* Asks for a connection; the answer comes by the dialed operation. */
void
mm_dial(struct mm *mm, uint32_t id, const char *host, uint16_t port,
    const char *origin, uint16_t origin_port)
{
	struct msg m;

	msg_init(&m, PS_DIAL, id);
	msg_put_string(&m, host);
	msg_put_u32(&m, port);
	msg_put_string(&m, origin);
	msg_put_u32(&m, origin_port);
	mm_send(mm, &m);
}

/*
 * Asks for another service, by its command of SOCKS; the answers come by the
 * bound (BIND alone) and dialed operations.
 */
void
mm_service(struct mm *mm, uint32_t id, int cmd, const char *host,
    uint16_t port)
{
	struct msg m;

	msg_init(&m, PS_SERVICE, id);
	msg_put_u32(&m, (uint32_t)cmd);
	msg_put_string(&m, host);
	msg_put_u32(&m, port);
	mm_send(mm, &m);
}

/* Nobody waits for this dial any more; an answer may still come. */
void
mm_cancel(struct mm *mm, uint32_t id)
{
	struct msg m;

	msg_init(&m, PS_CANCEL, id);
	mm_send(mm, &m);
}

/* A sink for log.h. */
void
mm_log(enum log_level level, const char *text, void *arg)
{
	struct mm *mm = arg;
	struct msg m;

	if (mm->nqueued > MM_LOG_QUEUE)
		return;
	msg_init(&m, PS_LOG, 0);
	msg_put_u32(&m, level);
	msg_put_blob(&m, text, strnlen(text, PRIVSEP_LOG_MAX - 1));
	mm_send(mm, &m);
}

/* An address as the dialer writes it; the message is bad if it is none. */
static void
mm_get_addr(struct msg *m, struct addr *a)
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
mm_take_bound(struct mm *mm, struct msg *m)
{
	struct addr bnd;

	mm_get_addr(m, &bnd);
	if (msg_end(m) == -1 || m->fd != -1)
		fatalx("dialer sent a malformed address");
	mm->ops->bound(m->id, &bnd, mm->arg);
}

static void
mm_take_dialed(struct mm *mm, struct msg *m)
{
	struct mm_dialed d;

	memset(&d, 0, sizeof(d));
	d.id = m->id;
	d.rep = msg_get_u32(m);
	mm_get_addr(m, &d.bnd);
	msg_get_string(m, d.reason, sizeof(d.reason));
	if (msg_end(m) == -1)
		fatalx("dialer sent a malformed answer");
	d.fd = m->fd;
	m->fd = -1;
	mm->ops->dialed(&d, mm->arg);
}

static void
mm_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct mm *mm = arg;
	struct msg m;
	int r;

	if ((r = msg_recv(mm->fd, &m)) == -1 &&
	    (errno == EAGAIN || errno == EINTR))
		return;
	if (r != 1) {
		event_del(mm->ev_read);
		mm->gone = 1;
		mm->ops->gone(mm->arg);
		return;
	}
	if (m.type == PS_DIALED)
		mm_take_dialed(mm, &m);
	else if (m.type == PS_BOUND)
		mm_take_bound(mm, &m);
	else
		fatalx("dialer sent message %u", m.type);
	msg_clear(&m);
}

static void
mm_write_cb(evutil_socket_t fd, short what, void *arg)
{
	mm_flush(arg);
}

/* From now on nothing waits: answers come as events.  -1 on failure. */
int
mm_start(struct mm *mm, struct event_base *base, const struct mm_ops *ops,
    void *arg)
{
	int flags;

	mm->ops = ops;
	mm->arg = arg;
	if ((flags = fcntl(mm->fd, F_GETFL)) == -1 ||
	    fcntl(mm->fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return -1;
	mm->ev_read = event_new(base, mm->fd, EV_READ | EV_PERSIST,
	    mm_read_cb, mm);
	mm->ev_write = event_new(base, mm->fd, EV_WRITE, mm_write_cb, mm);
	if (mm->ev_read == NULL || mm->ev_write == NULL)
		return -1;
	return event_add(mm->ev_read, NULL);
}

/* Frees what is queued, and the events; the descriptor is the caller's. */
void
mm_clear(struct mm *mm)
{
	struct mm_outgoing *out;

	while ((out = TAILQ_FIRST(&mm->queue)) != NULL) {
		TAILQ_REMOVE(&mm->queue, out, entry);
		msg_clear(&out->msg);
		free(out);
	}
	if (mm->ev_read != NULL)
		event_free(mm->ev_read);
	if (mm->ev_write != NULL)
		event_free(mm->ev_write);
}
