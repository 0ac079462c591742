/* SPDX-License-Identifier: ISC */
/*
 * SOCKS5 (RFC 1928), no authentication: greeting, method, request, reply, then
 * the first bytes.  The steps are the same whether a descriptor
 * blocks (dial_one) or not (dial_many).
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "measure.h"

#define TIMEOUT_S	60
#define CMD_CONNECT	1
#define CMD_UDP		3

enum step {
	STEP_CONNECT,
	STEP_METHOD,		/* greeting sent */
	STEP_REPLY,		/* request sent */
	STEP_ANSWER,		/* first bytes sent */
	STEP_DONE
};

static struct sockaddr_in
loopback(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	return sin;
}

static int
send_all(int fd, const void *p, size_t len)
{
	/* A few bytes on a fresh connection: they fit, or it is dead. */
	return send(fd, p, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

static int
send_request(const struct dial *d, uint16_t port)
{
	u_char request[10] = { 5, CMD_CONNECT, 0, 1, 127, 0, 0, 1 };

	if (d->cmd != 0)
		request[1] = d->cmd;
	request[8] = (u_char)(port >> 8);
	request[9] = (u_char)port;
	return send_all(d->fd, request, sizeof(request));
}

static int
send_first(struct dial *d)
{
	d->step = d->answer ? STEP_ANSWER : STEP_DONE;
	return *d->first ? send_all(d->fd, d->first, strlen(d->first)) : 0;
}

/* The connection to the proxy stands. */
static int
dial_connected(struct dial *d, const struct dial_to *to)
{
	if (to->direct)
		return send_first(d);
	d->step = STEP_METHOD;
	return send_all(d->fd, "\5\1", 3);
}

/* The length of the message being read, as far as it is known yet. */
static int
want_bytes(const struct dial *d)
{
	if (d->step == STEP_METHOD)
		return 2;
	if (d->step == STEP_ANSWER)
		return 1;
	if (d->got < 5)
		return 5;
	switch (d->in[3]) {
	case 4:
		return 22;
	case 3:
		return 7 + d->in[4];
	default:
		return 10;
	}
}

/* A message is whole: checks it and goes on. */
static int
dial_step(struct dial *d, const struct dial_to *to)
{
	d->got = 0;
	if (d->step == STEP_METHOD) {
		if (d->in[0] != 5 || d->in[1] != 0)
			return -1;
		d->step = STEP_REPLY;
		return send_request(d, to->target);
	}
	if (d->step == STEP_REPLY) {
		if (d->in[0] != 5 || d->in[1] != 0) {
			warnx("SOCKS reply %d", d->in[1]);
			return -1;
		}
		return send_first(d);
	}
	d->step = STEP_DONE;
	return 0;
}

/* Reads what there is of one message; -1 when the connection is no good. */
static int
dial_read(struct dial *d, const struct dial_to *to)
{
	ssize_t n;
	int want;

	want = want_bytes(d);
	n = read(d->fd, d->in + d->got, (size_t)(want - d->got));
	if (n == -1 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	d->got += (int)n;
	return d->got == want_bytes(d) ? dial_step(d, to) : 0;
}

static int
dial_begin(struct dial *d, const struct dial_to *to, int flags)
{
	struct sockaddr_in sin = loopback(to->proxy);
	const struct timeval tv = { .tv_sec = TIMEOUT_S };
	int on = 1;

	d->got = 0;
	d->step = STEP_CONNECT;
	d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (d->fd == -1)
		err(1, "socket");
	setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(d->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(d->fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    errno != EINPROGRESS) {
		close(d->fd);
		return -1;
	}
	return 0;
}

/* A connection to what listens at the proxy's port, or -1 and errno. */
int
dial_socket(const struct dial_to *to)
{
	struct dial d;

	return dial_begin(&d, to, 0) == -1 ? -1 : d.fd;
}

/* All steps on a blocking descriptor; returns it, or -1. */
static int
dial_all(struct dial *d, const struct dial_to *to)
{
	if (dial_begin(d, to, 0) == -1)
		return -1;
	errno = 0;
	if (dial_connected(d, to) == -1)
		goto fail;
	while (d->step != STEP_DONE)
		if (dial_read(d, to) == -1 || errno == EAGAIN)
			goto fail;
	return d->fd;
fail:
	close(d->fd);
	return -1;
}

/*
 * Connects to the target and sends it first; waits for one byte if answer is
 * not 0.  Returns a blocking descriptor, or -1.
 */
int
dial_one(const struct dial_to *to, const char *first, int answer)
{
	struct dial d = { .first = first, .answer = answer };

	return dial_all(&d, to);
}

/*
 * Asks for an association and says at which port of 127.0.0.1 its relay is.
 * Returns the descriptor of the connection that keeps it, or -1.
 */
int
dial_udp(const struct dial_to *to, uint16_t *relay)
{
	const struct dial_to whatever = { .proxy = to->proxy };
	struct dial d = { .first = "", .cmd = CMD_UDP };
	int fd;

	if ((fd = dial_all(&d, &whatever)) != -1)
		*relay = (uint16_t)(d.in[8] << 8 | d.in[9]);
	return fd;
}

/* One byte there and back on a blocking descriptor; ends the program if not. */
void
dial_exchange(int fd, char c)
{
	char back;

	if (send_all(fd, &c, 1) == -1)
		err(1, "echo: send");
	if (read(fd, &back, 1) != 1)
		err(1, "echo: no answer");
	if (back != c)
		errx(1, "echo: sent %d, got %d", c, back);
}

struct many {
	const struct dial_to	*to;
	struct dial		*dials;
	int			 epoll;
	int			 running;
	long			 started, failed;
	long			 count;		/* to start; 0: no limit */
	int64_t			 until;		/* start none after; 0: none */
	dial_done		*done;
	void			*arg;
};

static void
many_next(struct many *m, struct dial *d)
{
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = d };

	if ((m->count > 0 && m->started >= m->count) ||
	    (m->until > 0 && measure_now() >= m->until))
		return;
	m->started++;
	if (dial_begin(d, m->to, SOCK_NONBLOCK) == -1) {
		m->failed++;
		return;
	}
	if (epoll_ctl(m->epoll, EPOLL_CTL_ADD, d->fd, &ev) == -1)
		err(1, "epoll_ctl");
	m->running++;
}

static void
many_end(struct many *m, struct dial *d, int ok)
{
	if (!ok)
		m->failed++;
	if (!ok || m->done(d->fd, m->arg) == -1)
		close(d->fd);
	else
		epoll_ctl(m->epoll, EPOLL_CTL_DEL, d->fd, NULL);
	m->running--;
	many_next(m, d);
}

static void
many_event(struct many *m, struct dial *d)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = d };
	int r;

	if (d->step == STEP_CONNECT) {
		r = dial_connected(d, m->to);
		epoll_ctl(m->epoll, EPOLL_CTL_MOD, d->fd, &ev);
	} else
		r = dial_read(d, m->to);
	if (r == -1 || d->step == STEP_DONE)
		many_end(m, d, r == 0);
}

/*
 * Makes connections, at_once at a time, until count are made (0: no limit) or
 * seconds have passed (0: no limit).  Each has one byte echoed, then goes to
 * done.  Returns how many failed.
 */
int
dial_many(const struct dial_to *to, int at_once, long count, double seconds,
    dial_done *done, void *arg)
{
	struct many m = { .to = to, .count = count, .done = done, .arg = arg };
	struct epoll_event events[256];
	int i, n;

	m.dials = calloc((size_t)at_once, sizeof(*m.dials));
	m.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (m.dials == NULL || m.epoll == -1)
		err(1, "epoll");
	if (seconds > 0)
		m.until = measure_now() + (int64_t)(seconds * 1e9);
	for (i = 0; i < at_once; i++) {
		m.dials[i].first = "Ex";
		m.dials[i].answer = 1;
		many_next(&m, &m.dials[i]);
	}
	while (m.running > 0) {
		n = epoll_wait(m.epoll, events, 256, TIMEOUT_S * 1000);
		if (n == 0)
			errx(1, "%d connections wait for %d seconds",
			    m.running, TIMEOUT_S);
		for (i = 0; i < n; i++)
			many_event(&m, events[i].data.ptr);
	}
	close(m.epoll);
	free(m.dials);
	return (int)m.failed;
}
