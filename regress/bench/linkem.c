/* SPDX-License-Identifier: ISC */
/*
 * linkem: a long link between two TCP endpoints of loopback.
 *
 *	linkem [-d ms] [-k bytes] [-q bytes] [-r Mbit/s] target-port
 *
 * Listens on a free port of 127.0.0.1, prints it, and carries every connection
 * to the target.  All connections share one link with, in each direction, a
 * one-way delay (-d), a rate (-r, 0 for none) and a queue of -q bytes.  It
 * loses nothing: when the queue is full it reads no more, and TCP holds back
 * the sender.
 *
 * A byte that arrives at t leaves the queue at max(t, when the link is free) +
 * 1 / rate and arrives one delay later; this is arithmetic on a virtual clock,
 * so a late wake-up costs no rate while the queue lasts.  Chunks of at most
 * 250 us of the rate are delivered whole.  Each socket has the receive buffer
 * that -k says and a segment size of 1448, so at most about -k bytes more wait
 * in the kernel; that, and -q, is all that a sender can have ahead of it
 * beside what is under way.  TCP's own handshake is not delayed.
 */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SEC		1000000000LL
#define QUANTUM_NS	250000		/* delivered whole */
#define MERGE_NS	50000		/* chunks as near as this become one */
#define CHUNKS		8192		/* under way in one direction */
#define UNLIMITED_RING	(32 << 20)
#define MSS		1448
#define NEVER		INT64_MAX

/* One direction of the link, shared by all connections. */
struct link {
	double	 ns_per_byte;	/* 0: no limit */
	int64_t	 delay;		/* ns, one way */
	int64_t	 queue;		/* ns of a full queue */
	int64_t	 busy;		/* when the link has sent all it was given */
	size_t	 quantum;	/* bytes in one chunk */
};

struct chunk {
	int64_t	 due;
	size_t	 len;		/* 0: the end */
};

struct end {
	int	 fd;
	int	 readable;
	int	 writable;
};

/* One direction of a connection: a ring of bytes and what is due when. */
struct pipeline {
	struct link	*link;
	struct end	*src;
	struct end	*dst;
	u_char		*ring;
	size_t		 size, off, len;
	struct chunk	*chunks;
	size_t		 first, count;
	int		 eof;		/* read */
	int		 ended;		/* passed on */
};

struct pair {
	TAILQ_ENTRY(pair)	 entry;
	struct end		 ends[2];
	struct pipeline		 pipes[2];
	int			 broken;
};
TAILQ_HEAD(pair_list, pair);

struct linkem {
	int			 epoll, timer, listener;
	int			 acceptable;
	uint16_t		 target;
	int			 kernel_buf;
	size_t			 ring;
	struct link		 links[2];
	struct pair_list	 pairs;
	int64_t			 armed;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

/* Bytes that the queue can take now; with none, *next says when to ask. */
static size_t
link_room(const struct link *l, int64_t now, int64_t *next)
{
	int64_t backlog, free_ns, quantum_ns;

	if (l->ns_per_byte == 0)
		return SIZE_MAX;
	backlog = l->busy > now ? l->busy - now : 0;
	quantum_ns = (int64_t)(l->quantum * l->ns_per_byte);
	free_ns = l->queue - backlog;
	if (free_ns >= quantum_ns)
		return (size_t)(free_ns / l->ns_per_byte);
	if (now + quantum_ns - free_ns < *next)
		*next = now + quantum_ns - free_ns;
	return 0;
}

static void
pipeline_add_chunk(struct pipeline *p, size_t len, int64_t due)
{
	struct chunk *last;

	if (p->count > 0 && len > 0) {
		last = &p->chunks[(p->first + p->count - 1) % CHUNKS];
		if (last->len > 0 && due - last->due < MERGE_NS) {
			last->len += len;
			last->due = due;
			return;
		}
	}
	p->chunks[(p->first + p->count++) % CHUNKS] =
	    (struct chunk){ .due = due, .len = len };
}

/* Hands the link bytes that are already in the ring, or the end (0). */
static void
pipeline_enqueue(struct pipeline *p, size_t len, int64_t now)
{
	struct link *l = p->link;
	size_t n;

	if (l->busy < now)
		l->busy = now;
	do {
		n = len < l->quantum ? len : l->quantum;
		l->busy += (int64_t)(n * l->ns_per_byte);
		pipeline_add_chunk(p, n, l->busy + l->delay);
		len -= n;
	} while (len > 0);
}

/* The iovecs of len bytes of the ring from a place on. */
static int
ring_iov(const struct pipeline *p, size_t from, size_t len, struct iovec *iov)
{
	size_t till_end;

	from %= p->size;
	till_end = p->size - from;
	iov[0].iov_base = p->ring + from;
	iov[0].iov_len = len < till_end ? len : till_end;
	iov[1].iov_base = p->ring;
	iov[1].iov_len = len - iov[0].iov_len;
	return iov[1].iov_len > 0 ? 2 : 1;
}

/* How many bytes may be read now. */
static size_t
pipeline_room(const struct pipeline *p, int64_t now, int64_t *next)
{
	size_t room, chunks;

	chunks = CHUNKS - p->count;
	if (chunks < 2 || p->len == p->size)
		return 0;
	room = link_room(p->link, now, next);
	if (room > p->size - p->len)
		room = p->size - p->len;
	if (room / p->link->quantum > chunks - 2)
		room = (chunks - 2) * p->link->quantum;
	return room;
}

static int
pipeline_read(struct pipeline *p, int64_t now, int64_t *next)
{
	struct iovec iov[2];
	ssize_t n;
	size_t room;
	int niov;

	while (p->src->readable && !p->eof &&
	    (room = pipeline_room(p, now, next)) > 0) {
		niov = ring_iov(p, p->off + p->len, room, iov);
		n = readv(p->src->fd, iov, niov);
		if (n == -1 && errno == EAGAIN)
			p->src->readable = 0;
		else if (n == -1 && errno != EINTR)
			return -1;
		else if (n == 0) {
			p->eof = 1;
			pipeline_enqueue(p, 0, now);
		} else if (n > 0) {
			p->len += (size_t)n;
			pipeline_enqueue(p, (size_t)n, now);
		}
	}
	return 0;
}

static void
pipeline_consume(struct pipeline *p, size_t n)
{
	struct chunk *c;
	size_t part;

	p->off = (p->off + n) % p->size;
	p->len -= n;
	while (n > 0) {
		c = &p->chunks[p->first];
		part = n < c->len ? n : c->len;
		c->len -= part;
		n -= part;
		if (c->len == 0) {
			p->first = (p->first + 1) % CHUNKS;
			p->count--;
		}
	}
}

/* Bytes that have arrived and are not yet passed on. */
static size_t
pipeline_due(const struct pipeline *p, int64_t now)
{
	const struct chunk *c;
	size_t i, due = 0;

	for (i = 0; i < p->count; i++) {
		c = &p->chunks[(p->first + i) % CHUNKS];
		if (c->due > now || c->len == 0)
			break;
		due += c->len;
	}
	return due;
}

static int
pipeline_write(struct pipeline *p, int64_t now)
{
	struct iovec iov[2];
	ssize_t n;
	size_t due;
	int niov;

	while (p->dst->writable && (due = pipeline_due(p, now)) > 0) {
		niov = ring_iov(p, p->off, due, iov);
		n = writev(p->dst->fd, iov, niov);
		if (n == -1 && errno == EAGAIN)
			p->dst->writable = 0;
		else if (n == -1 && errno != EINTR)
			return -1;
		else if (n > 0)
			pipeline_consume(p, (size_t)n);
	}
	return 0;
}

/* Moves what can move; *next becomes the time of the next thing to do. */
static int
pipeline_pump(struct pipeline *p, int64_t now, int64_t *next)
{
	const struct chunk *c;

	if (pipeline_write(p, now) == -1 || pipeline_read(p, now, next) == -1)
		return -1;
	if (p->count == 0)
		return 0;
	c = &p->chunks[p->first];
	if (c->due > now) {
		if (c->due < *next)
			*next = c->due;
	} else if (c->len == 0 && p->dst->writable && !p->ended) {
		p->ended = 1;
		shutdown(p->dst->fd, SHUT_WR);
	}
	return 0;
}

static void
pair_free(struct linkem *lk, struct pair *pr)
{
	const struct linger abort_now = { .l_onoff = 1, .l_linger = 0 };
	int i;

	TAILQ_REMOVE(&lk->pairs, pr, entry);
	for (i = 0; i < 2; i++) {
		if (pr->broken)
			setsockopt(pr->ends[i].fd, SOL_SOCKET, SO_LINGER,
			    &abort_now, sizeof(abort_now));
		close(pr->ends[i].fd);
		free(pr->pipes[i].ring);
		free(pr->pipes[i].chunks);
	}
	free(pr);
}

/* Before listen or connect: the window that is offered follows from it. */
static void
set_buffers(int fd, int bytes)
{
	int mss = MSS;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) == -1)
		err(1, "SO_RCVBUF");
	if (setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) == -1)
		err(1, "TCP_MAXSEG");
}

static void
pair_watch(struct linkem *lk, struct pair *pr, int i, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int on = 1;

	pr->ends[i].fd = fd;
	ev.data.ptr = &pr->ends[i];
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* The link has its own clock: no pacing by the kernel. */
	setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", strlen("reno"));
	if (epoll_ctl(lk->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
pair_new(struct linkem *lk, int fd, int target)
{
	struct pair *pr;
	struct pipeline *p;
	int i;

	if ((pr = calloc(1, sizeof(*pr))) == NULL)
		err(1, NULL);
	for (i = 0; i < 2; i++) {
		p = &pr->pipes[i];
		p->link = &lk->links[i];
		p->src = &pr->ends[i];
		p->dst = &pr->ends[!i];
		p->size = lk->ring;
		p->ring = malloc(p->size);
		p->chunks = calloc(CHUNKS, sizeof(*p->chunks));
		if (p->ring == NULL || p->chunks == NULL)
			err(1, NULL);
	}
	pair_watch(lk, pr, 0, fd);
	pair_watch(lk, pr, 1, target);
	TAILQ_INSERT_TAIL(&lk->pairs, pr, entry);
}

static struct sockaddr_in
loopback(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	return sin;
}

static void
accept_pair(struct linkem *lk)
{
	struct sockaddr_in sin = loopback(lk->target);
	int fd, target;

	fd = accept4(lk->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1) {
		lk->acceptable = 0;
		return;
	}
	target = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (target == -1)
		err(1, "socket");
	set_buffers(target, lk->kernel_buf);
	if (connect(target, (struct sockaddr *)&sin, sizeof(sin)) == -1 &&
	    errno != EINPROGRESS) {
		warn("connect");
		close(fd);
		close(target);
		return;
	}
	pair_new(lk, fd, target);
}

static int64_t
pump_all(struct linkem *lk)
{
	struct pair *pr, *following;
	int64_t now, next = NEVER;
	int i;

	now = now_ns();
	for (pr = TAILQ_FIRST(&lk->pairs); pr != NULL; pr = following) {
		following = TAILQ_NEXT(pr, entry);
		for (i = 0; i < 2; i++)
			if (pipeline_pump(&pr->pipes[i], now, &next) == -1)
				pr->broken = 1;
		if (pr->broken || (pr->pipes[0].ended && pr->pipes[1].ended))
			pair_free(lk, pr);
	}
	return next;
}

static void
arm(struct linkem *lk, int64_t when)
{
	struct itimerspec its = { 0 };

	if (when == lk->armed)
		return;
	lk->armed = when;
	if (when != NEVER) {
		its.it_value.tv_sec = when / SEC;
		its.it_value.tv_nsec = when % SEC;
	}
	if (timerfd_settime(lk->timer, TFD_TIMER_ABSTIME, &its, NULL) == -1)
		err(1, "timerfd_settime");
}

static void
take_events(struct linkem *lk)
{
	struct epoll_event events[64];
	struct end *e;
	uint64_t expired;
	int i, n;

	n = epoll_wait(lk->epoll, events, 64, -1);
	if (n == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (i = 0; i < n; i++) {
		if (events[i].data.ptr == &lk->listener)
			lk->acceptable = 1;
		else if (events[i].data.ptr == &lk->timer) {
			if (read(lk->timer, &expired, sizeof(expired)) > 0)
				lk->armed = NEVER;
		} else {
			e = events[i].data.ptr;
			if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
				e->readable = 1;
			if (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
				e->writable = 1;
		}
	}
}

static void
start(struct linkem *lk)
{
	struct sockaddr_in sin = loopback(0);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	socklen_t len = sizeof(sin);

	lk->epoll = epoll_create1(EPOLL_CLOEXEC);
	lk->timer = timerfd_create(CLOCK_MONOTONIC,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	lk->listener = socket(AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (lk->epoll == -1 || lk->timer == -1 || lk->listener == -1)
		err(1, "socket");
	set_buffers(lk->listener, lk->kernel_buf);
	if (bind(lk->listener, (struct sockaddr *)&sin, len) == -1 ||
	    listen(lk->listener, SOMAXCONN) == -1 ||
	    getsockname(lk->listener, (struct sockaddr *)&sin, &len) == -1)
		err(1, "listen");
	ev.data.ptr = &lk->listener;
	if (epoll_ctl(lk->epoll, EPOLL_CTL_ADD, lk->listener, &ev) == -1)
		err(1, "epoll_ctl");
	ev.data.ptr = &lk->timer;
	if (epoll_ctl(lk->epoll, EPOLL_CTL_ADD, lk->timer, &ev) == -1)
		err(1, "epoll_ctl");
	printf("%u\n", ntohs(sin.sin_port));
	fflush(stdout);
}

static void
set_link(struct linkem *lk, double ms, double mbit, double queue)
{
	struct link l = { .delay = (int64_t)(ms * 1e6), .quantum = 65536 };

	lk->ring = UNLIMITED_RING;
	if (mbit > 0) {
		l.ns_per_byte = 8000 / mbit;
		l.queue = (int64_t)(queue * l.ns_per_byte);
		l.quantum = (size_t)(QUANTUM_NS / l.ns_per_byte);
		if (l.quantum > queue / 2)
			l.quantum = (size_t)(queue / 2);
		if (l.quantum < MSS)
			l.quantum = MSS;
		if (queue < 2 * MSS)
			errx(1, "the queue must hold %d bytes", 2 * MSS);
		/* What is queued, under way, or late by some 10 ms. */
		lk->ring = (size_t)(queue +
		    (l.delay + 10000000) / l.ns_per_byte);
	}
	lk->links[0] = lk->links[1] = l;
}

static double
number(const char *s, double max)
{
	char *end;
	double d;

	d = strtod(s, &end);
	if (end == s || *end != '\0' || !(d >= 0 && d <= max))
		errx(1, "%s: not a number from 0 to %g", s, max);
	return d;
}

int
main(int argc, char *argv[])
{
	struct linkem lk = { .armed = NEVER, .kernel_buf = 65536 };
	double ms = 0, mbit = 0, queue = 65536;
	int ch;

	while ((ch = getopt(argc, argv, "d:k:q:r:")) != -1)
		switch (ch) {
		case 'd':
			ms = number(optarg, 10000);
			break;
		case 'k':
			lk.kernel_buf = (int)number(optarg, 1 << 24);
			break;
		case 'q':
			queue = number(optarg, 1 << 28);
			break;
		case 'r':
			mbit = number(optarg, 100000);
			break;
		default:
			return 1;
		}
	if (argc - optind != 1)
		errx(1, "usage: linkem [-d ms] [-k bytes] [-q bytes] "
		    "[-r Mbit/s] target-port");
	lk.target = (uint16_t)number(argv[optind], 65535);
	set_link(&lk, ms, mbit, queue);
	TAILQ_INIT(&lk.pairs);
	/* A real link does not wait for the programs at its ends. */
	prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
	setpriority(PRIO_PROCESS, 0, -10);
	signal(SIGPIPE, SIG_IGN);
	start(&lk);
	for (;;) {
		while (lk.acceptable)
			accept_pair(&lk);
		arm(&lk, pump_all(&lk));
		take_events(&lk);
	}
}
