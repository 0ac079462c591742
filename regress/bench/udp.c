/* SPDX-License-Identifier: ISC */
/*
 * Echoes of datagrams through a UDP association, so many in flight all the
 * time, and the same over as many TCP flows.  Nothing is known here of how an
 * association or a flow comes to be.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "measure.h"
#include "udp.h"

#define HEADER		10		/* of SOCKS5, to an IPv4 address */
#define BATCH		64
#define LOST_NS		INT64_C(200000000)
#define SOCKET_BUFFER	(4 << 20)

/* One echo in flight; its number and turn are the first bytes sent. */
struct echo {
	uint32_t	 turn;
	int64_t		 sent;
};

struct datagrams {
	int		 fd;
	size_t		 header;	/* bytes before those that are ours */
	struct echo	*echoes;
	int		 at_once;
	uint64_t	 lost;
	struct samples	 samples;
	struct mmsghdr	 in[BATCH], out[BATCH];
	struct iovec	 iov_in[BATCH], iov_out[BATCH];
	u_char		 buf_in[BATCH][HEADER + UDP_SIZE];
	u_char		 buf_out[BATCH][HEADER + UDP_SIZE];
	unsigned int	 nout;
};

static void
print_figures(struct samples *s, double took, const char *prefix)
{
	printf("%s_rate %.0f\n%s_p50 %.4f\n%s_p99 %.4f\n", prefix,
	    (double)s->n / took, prefix, samples_percentile(s, 0.5), prefix,
	    samples_percentile(s, 0.99));
	samples_clear(s);
}

static void
datagrams_init(struct datagrams *d, const struct dial_to *to, int at_once)
{
	const u_char header[HEADER] = { 0, 0, 0, 1, 127, 0, 0, 1,
	    (u_char)(to->target >> 8), (u_char)to->target };
	int i;

	d->header = to->direct ? 0 : HEADER;
	d->at_once = at_once;
	if ((d->echoes = calloc((size_t)at_once, sizeof(*d->echoes))) == NULL)
		err(1, NULL);
	for (i = 0; i < BATCH; i++) {
		memcpy(d->buf_out[i], header, d->header);
		d->iov_in[i].iov_base = d->buf_in[i];
		d->iov_out[i].iov_base = d->buf_out[i];
		d->iov_in[i].iov_len = d->iov_out[i].iov_len =
		    d->header + UDP_SIZE;
		d->in[i].msg_hdr.msg_iov = &d->iov_in[i];
		d->out[i].msg_hdr.msg_iov = &d->iov_out[i];
		d->in[i].msg_hdr.msg_iovlen = d->out[i].msg_hdr.msg_iovlen = 1;
	}
}

/* A socket that sends to the relay, or to the target itself. */
static int
open_socket(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	const struct timeval tv = { .tv_usec = LOST_NS / 1000 };
	int fd, size = SOCKET_BUFFER;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	if ((fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "UDP");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return fd;
}

static void
datagrams_flush(struct datagrams *d)
{
	unsigned int done = 0;
	int n;

	while (done < d->nout) {
		n = sendmmsg(d->fd, d->out + done, d->nout - done, 0);
		if (n == -1)
			err(1, "sendmmsg");
		done += (unsigned int)n;
	}
	d->nout = 0;
}

static void
datagrams_queue(struct datagrams *d, int i, int64_t now)
{
	const uint32_t mark[2] = { (uint32_t)i, ++d->echoes[i].turn };

	d->echoes[i].sent = now;
	memcpy(d->buf_out[d->nout] + d->header, mark, sizeof(mark));
	if (++d->nout == BATCH)
		datagrams_flush(d);
}

static void
datagrams_took(struct datagrams *d, const u_char *p, size_t len, int64_t now)
{
	uint32_t mark[2];

	if (len != d->header + UDP_SIZE)
		errx(1, "an echo of %zu bytes", len);
	memcpy(mark, p + d->header, sizeof(mark));
	if (mark[0] >= (uint32_t)d->at_once)
		errx(1, "an echo of nothing that was sent");
	if (d->echoes[mark[0]].turn != mark[1])
		return;		/* counted as lost already */
	samples_add(&d->samples,
	    (double)(now - d->echoes[mark[0]].sent) / 1e6);
	datagrams_queue(d, (int)mark[0], now);
}

/* What has been under way for too long is sent anew. */
static void
datagrams_find_lost(struct datagrams *d, int64_t now)
{
	int i;

	for (i = 0; i < d->at_once; i++)
		if (now - d->echoes[i].sent > LOST_NS) {
			d->lost++;
			datagrams_queue(d, i, now);
		}
}

static void
datagrams_run(struct datagrams *d, int64_t until)
{
	int64_t now = measure_now(), looked = now;
	int i, n;

	for (i = 0; i < d->at_once; i++)
		datagrams_queue(d, i, now);
	while (now < until) {
		datagrams_flush(d);
		n = recvmmsg(d->fd, d->in, BATCH, MSG_WAITFORONE, NULL);
		if (n == -1 && errno != EAGAIN)
			err(1, "recvmmsg");
		now = measure_now();
		for (i = 0; i < n; i++)
			datagrams_took(d, d->buf_in[i], d->in[i].msg_len, now);
		if (now - looked > LOST_NS) {
			datagrams_find_lost(d, now);
			looked = now;
		}
	}
}

/*
 * Echoes of datagrams for so many seconds, at_once of them in flight; prints
 * PREFIX_rate, _p50, _p99 (of their times, in ms) and _lost.
 */
void
udp_measure(const struct dial_to *to, int at_once, double seconds,
    const char *prefix)
{
	struct datagrams *d;
	uint16_t relay = to->target;
	int64_t start;
	int tcp = -1;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		err(1, NULL);
	if (!to->direct && (tcp = dial_udp(to, &relay)) == -1)
		errx(1, "no association through the proxy");
	datagrams_init(d, to, at_once);
	d->fd = open_socket(relay);
	start = measure_now();
	datagrams_run(d, start + (int64_t)(seconds * 1e9));
	printf("%s_lost %llu\n", prefix, (unsigned long long)d->lost);
	print_figures(&d->samples, measure_since(start), prefix);
	close(d->fd);
	if (tcp != -1)
		close(tcp);
	free(d->echoes);
	free(d);
}

struct streams {
	int		 epoll;
	int64_t		*sent;		/* by descriptor */
	int		 size;
	int		*got;
	struct samples	 samples;
};

static void
stream_send(const struct streams *s, int fd, int64_t now)
{
	static const u_char bytes[UDP_SIZE];

	s->sent[fd] = now;
	s->got[fd] = 0;
	if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) != sizeof(bytes))
		err(1, "an echo cannot be sent");
}

static int
streams_add(int fd, void *arg)
{
	struct streams *s = arg;
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd >= s->size)
		errx(1, "too many descriptors");
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(1, "epoll_ctl");
	s->sent[fd] = -1;
	return 0;
}

static void
stream_read(struct streams *s, int fd)
{
	u_char bytes[UDP_SIZE];
	int64_t now;
	ssize_t n;

	if ((n = read(fd, bytes, sizeof(bytes) - (size_t)s->got[fd])) <= 0)
		errx(1, "an echo broke");
	if ((s->got[fd] += (int)n) < UDP_SIZE)
		return;
	now = measure_now();
	samples_add(&s->samples, (double)(now - s->sent[fd]) / 1e6);
	stream_send(s, fd, now);
}

static void
streams_run(struct streams *s, int64_t until)
{
	struct epoll_event events[BATCH];
	int64_t now = measure_now();
	int i, n;

	for (i = 0; i < s->size; i++)
		if (s->sent[i] == -1)
			stream_send(s, i, now);
	while (measure_now() < until) {
		n = epoll_wait(s->epoll, events, BATCH, 1000);
		for (i = 0; i < n; i++)
			stream_read(s, events[i].data.fd);
	}
}

/*
 * The same over at_once TCP flows, each with one echo in flight.
 */
void
udp_measure_tcp(const struct dial_to *to, int at_once, double seconds,
    const char *prefix)
{
	struct streams s = { .size = at_once + 1024 };
	int64_t start;
	int i;

	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	s.sent = calloc((size_t)s.size, sizeof(*s.sent));
	s.got = calloc((size_t)s.size, sizeof(*s.got));
	if (s.epoll == -1 || s.sent == NULL || s.got == NULL)
		err(1, "streams");
	if (dial_many(to, at_once, at_once, 0, streams_add, &s) != 0)
		errx(1, "no flows through the proxy");
	start = measure_now();
	streams_run(&s, start + (int64_t)(seconds * 1e9));
	print_figures(&s.samples, measure_since(start), prefix);
	for (i = 0; i < s.size; i++)
		if (s.sent[i] != 0)
			close(i);
	close(s.epoll);
	free(s.sent);
	free(s.got);
}
