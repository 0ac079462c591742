/* SPDX-License-Identifier: ISC */
/*
 * Streams that are a socket, or two descriptors of any kind, one to read from
 * and one to write to: non-blocking, in the loop.  Knows nothing of SSH.
 *
 * A TCP socket that carries a flow is set from the beginning so that its close
 * is a reset, and only a stream that ends as it should takes that off again.
 * So the kernel resets the flows of a process that is killed, which otherwise
 * would all seem to be at their end.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "eventloop.h"
#include "stream.h"
#include "watchdog.h"

/* Milliseconds between the first and the last close of a process that ends. */
#define PAIRSTREAM_MOMENT	20

struct sockstream {
	struct stream	 stream;	/* first: the two are cast */
	struct event	*ev_read;
	struct event	*ev_write;
	int		 fd;		/* to read from */
	int		 out;		/* to write to, often the same; or -1 */
	int		 want;		/* STREAM_WANT_* */
};

static ssize_t
sockstream_read(struct stream *st, void *buf, size_t len)
{
	struct sockstream *ss = (struct sockstream *)st;
	ssize_t n;

	do {
		n = recv(ss->fd, buf, len, 0);
	} while (n == -1 && errno == EINTR);
	return n;
}

static ssize_t
sockstream_write(struct stream *st, const void *buf, size_t len)
{
	struct sockstream *ss = (struct sockstream *)st;
	ssize_t n;

	do {
		n = send(ss->fd, buf, len, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	return n;
}

/* Only the kernel knows; a write finds out. */
static size_t
sockstream_space(struct stream *st)
{
	return SIZE_MAX;
}

/*
 * An event that is not wanted any more stays until it comes; most often it is
 * wanted again before, as a source is whose destination had no room for a
 * moment.  That saves two system calls.
 */
static void
sockstream_want(struct stream *st, int want)
{
	struct sockstream *ss = (struct sockstream *)st;

	ss->want = want;
	if (want & STREAM_WANT_READ)
		eventloop_watch(ss->ev_read, NULL);
	if (want & STREAM_WANT_WRITE)
		eventloop_watch(ss->ev_write, NULL);
}

static void
sockstream_end(struct stream *st)
{
	struct sockstream *ss = (struct sockstream *)st;

	shutdown(ss->fd, SHUT_WR);
}

/*
 * At the end of what is read: does nobody read what is written, either?  The
 * descriptors of a process that was killed are closed one by one, so that the
 * second may take a moment.
 */
static int
pairstream_is_deserted(const struct sockstream *ss)
{
	struct pollfd pfd = { .fd = ss->out };

	return ss->out != -1 && poll(&pfd, 1, PAIRSTREAM_MOMENT) > 0;
}

static ssize_t
pairstream_read(struct stream *st, void *buf, size_t len)
{
	struct sockstream *ss = (struct sockstream *)st;
	ssize_t n;

	do {
		n = read(ss->fd, buf, len);
	} while (n == -1 && errno == EINTR);
	if (n != 0 || !pairstream_is_deserted(ss))
		return n;
	errno = EPIPE;
	return -1;
}

static ssize_t
pairstream_write(struct stream *st, const void *buf, size_t len)
{
	struct sockstream *ss = (struct sockstream *)st;
	ssize_t n;

	do {
		n = write(ss->out, buf, len);
	} while (n == -1 && errno == EINTR);
	return n;
}

/* A socket is shut down, too: the other descriptor may be for the same one. */
static void
pairstream_end(struct stream *st)
{
	struct sockstream *ss = (struct sockstream *)st;

	event_del(ss->ev_write);
	if (ss->out == -1)
		return;
	shutdown(ss->out, SHUT_WR);
	close(ss->out);
	ss->out = -1;
}

/*
 * Has a socket's connection reset when it is closed, by whomever, or not.  A
 * socket that listens hands this on to those it accepts, as on Linux and the
 * BSDs.  Without effect on sockets that know no reset, as those of AF_UNIX.
 */
void
sockstream_set_reset(int fd, int on)
{
	struct linger l = { .l_onoff = on, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void
sockstream_close(struct stream *st, enum stream_ending ending)
{
	struct sockstream *ss = (struct sockstream *)st;

	event_free(ss->ev_read);
	event_free(ss->ev_write);
	if (ss->out != ss->fd && ss->out != -1)
		close(ss->out);
	sockstream_set_reset(ss->fd, ending == STREAM_ABORT);
	close(ss->fd);
	free(ss);
}

static const struct stream_ops pairstream_ops = {
	.read = pairstream_read,
	.write = pairstream_write,
	.space = sockstream_space,
	.want = sockstream_want,
	.end = pairstream_end,
	.close = sockstream_close,
};

static const struct stream_ops sockstream_ops = {
	.read = sockstream_read,
	.write = sockstream_write,
	.space = sockstream_space,
	.want = sockstream_want,
	.end = sockstream_end,
	.close = sockstream_close,
};

/* What cannot be watched is as good as reset. */
static void
sockstream_tell(struct sockstream *ss, short what, enum stream_event ev)
{
	watchdog_note("what came of descriptor", (unsigned long)ss->fd);
	ss->stream.cb(&ss->stream, what & EV_TIMEOUT ? STREAM_RESET : ev,
	    ss->stream.arg);
}

static void
sockstream_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sockstream *ss = arg;

	if (ss->want & STREAM_WANT_READ)
		sockstream_tell(ss, what, STREAM_READABLE);
	else
		event_del(ss->ev_read);
}

static void
sockstream_write_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sockstream *ss = arg;

	if (ss->want & STREAM_WANT_WRITE) {
		ss->want &= ~STREAM_WANT_WRITE;
		sockstream_tell(ss, what, STREAM_WRITABLE);
	} else
		event_del(ss->ev_write);
}

static struct stream *
sockstream_make(struct event_base *base, const struct stream_ops *ops, int in,
    int out)
{
	struct sockstream *ss;

	if ((ss = calloc(1, sizeof(*ss))) == NULL)
		return NULL;
	ss->stream.ops = ops;
	ss->fd = in;
	ss->out = out;
	ss->ev_read = event_new(base, in, EV_READ | EV_PERSIST,
	    sockstream_read_cb, ss);
	ss->ev_write = event_new(base, out, EV_WRITE | EV_PERSIST,
	    sockstream_write_cb, ss);
	if (ss->ev_read == NULL || ss->ev_write == NULL) {
		if (ss->ev_read != NULL)
			event_free(ss->ev_read);
		if (ss->ev_write != NULL)
			event_free(ss->ev_write);
		free(ss);
		return NULL;
	}
	return &ss->stream;
}

/*
 * A stream on a non-blocking socket, which it owns from now on; no event is
 * wanted yet.  NULL when memory is out (the socket is then still the
 * caller's).
 */
struct stream *
sockstream_new(struct event_base *base, int fd)
{
	return sockstream_make(base, &sockstream_ops, fd, fd);
}

/*
 * The same on two descriptors, one to read from and one to write to: pipes, or
 * two for one socket.  The caller ignores SIGPIPE.  There is no reset on them:
 * an abort is a close, and the peer's shows as EPIPE.
 */
struct stream *
sockstream_new_pair(struct event_base *base, int in, int out)
{
	return sockstream_make(base, &pairstream_ops, in, out);
}
