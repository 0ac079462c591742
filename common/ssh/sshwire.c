/* SPDX-License-Identifier: ISC */
/*
 * The connection as libssh sees it.
 *
 * libssh takes a descriptor and no functions in place of read and write.  It
 * polls before everything it does and reads 4 KiB at a time: half a million
 * system calls a gigabyte.  After a write it polls for POLLOUT until it has
 * seen it, and then walks all channels to tell them.  When the kernel takes
 * nothing now (EAGAIN) it gives the session up.  And it polls, and so reads,
 * inside calls that ask for nothing of the kind.
 *
 * So the three functions of the C library through which it does so are
 * defined here, which the linker prefers.  For the descriptor of the session
 * poll(2) answers what the loop permits, without a system call; recv(2) hands
 * out what was read ahead in large pieces; send(2) says "0 bytes" where the
 * kernel says EAGAIN.  For every other descriptor they are what they were.
 *
 * While it authenticates libssh waits by itself.  If it has run out of memory
 * then, it may have dropped what it waits for the answer to, or the answer:
 * poll(2) fails instead.
 *
 * Whether libssh's calls do come here is seen while it authenticates; if they
 * do not, all of this stays away and the descriptor is libssh's alone.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sshwire.h"

#define SSHWIRE_AHEAD	(64 * 1024)
#define SSHWIRE_ALIGN	4096

/* Calls that were seen to come here. */
#define SEEN_POLL	0x01
#define SEEN_RECV	0x02
#define SEEN_SEND	0x04
#define SEEN_ALL	(SEEN_POLL | SEEN_RECV | SEEN_SEND)

/* The C library's functions have no argument by which to pass this. */
static struct {
	int	 fd;		/* -1: none is watched */
	int	 seen;
	int	 open;
	int	 permit;	/* SSHWIRE_* */
	int	 readable;	/* the socket may hold more */
	int	 ended;		/* nothing comes after what is held */
	int	 error;		/* errno of that end, or 0 */
	u_char	*ahead;		/* SSHWIRE_AHEAD bytes */
	size_t	 off;
	size_t	 len;
} wire = { .fd = -1 };

/*
 * Reads ahead if nothing is held; is there anything to tell?  As errno may tell
 * of libssh's want of memory, it stays as it is.
 */
static int
sshwire_fill(void)
{
	int saved = errno;
	ssize_t n;

	if (wire.len > 0 || wire.ended)
		return 1;
	if (!wire.readable)
		return 0;
	do {
		n = recvfrom(wire.fd, wire.ahead, SSHWIRE_AHEAD, 0, NULL,
		    NULL);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		wire.readable = 0;
		errno = saved;
		return 0;
	}
	wire.readable = n == SSHWIRE_AHEAD;
	wire.off = 0;
	if (n > 0)
		wire.len = (size_t)n;
	else {
		wire.ended = 1;
		wire.error = n == 0 ? 0 : errno;
	}
	errno = saved;
	return 1;
}

static int
sshwire_poll(struct pollfd *p)
{
	p->revents = 0;
	if ((wire.permit & SSHWIRE_READ) && (p->events & POLLIN) &&
	    sshwire_fill())
		p->revents |= POLLIN;
	if ((wire.permit & SSHWIRE_WRITE) && (p->events & POLLOUT))
		p->revents |= POLLOUT;
	return p->revents != 0;
}

static ssize_t
sshwire_recv(void *buf, size_t len)
{
	if (wire.len == 0) {
		errno = wire.ended ? wire.error : EAGAIN;
		return wire.ended && wire.error == 0 ? 0 : -1;
	}
	if (len > wire.len)
		len = wire.len;
	memcpy(buf, wire.ahead + wire.off, len);
	wire.off += len;
	wire.len -= len;
	return (ssize_t)len;
}

/*
 * A permission is good for one write: after a further POLLOUT libssh would
 * walk all its channels.  Nothing is sent in want of memory: it might not be
 * encrypted, or only in part.
 */
static ssize_t
sshwire_send(const void *buf, size_t len, int flags)
{
	ssize_t n;

	wire.permit &= ~SSHWIRE_WRITE;
	if (errno == ENOMEM)
		return -1;
	do {
		n = sendto(wire.fd, buf, len, flags, NULL, 0);
	} while (n == -1 && errno == EINTR);
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}

/* The C library's header says that poll only writes to what it is given. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/* poll(2); a call on the session's descriptor never waits. */
int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec ts = { timeout / 1000, timeout % 1000 * 1000000L };

	if (n == 1 && fds->fd != -1 && fds->fd == wire.fd) {
		wire.seen |= SEEN_POLL;
		if (wire.open)
			return sshwire_poll(fds);
		if (errno == ENOMEM)
			return -1;
	}
	return ppoll(fds, n, timeout < 0 ? NULL : &ts, NULL);
}

/* recv(2). */
ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
	if (fd != -1 && fd == wire.fd) {
		wire.seen |= SEEN_RECV;
		if (wire.open)
			return sshwire_recv(buf, len);
	}
	return recvfrom(fd, buf, len, flags, NULL, NULL);
}

/* send(2). */
ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	if (fd != -1 && fd == wire.fd) {
		wire.seen |= SEEN_SEND;
		if (wire.open)
			return sshwire_send(buf, len, flags);
	}
	return sendto(fd, buf, len, flags, NULL, 0);
}

/*
 * Names the descriptor of a session before libssh first uses it, so that it
 * is seen whether libssh's calls come here.
 */
void
sshwire_watch(int fd)
{
	sshwire_close();
	wire.fd = fd;
	errno = 0;
}

/*
 * Stands between libssh and the descriptor from now on, which must be
 * non-blocking and the one that was watched.  Nothing is permitted yet.
 * Returns -1 if libssh's calls do not come here, or memory is out; libssh
 * then has the descriptor as before.
 */
int
sshwire_open(int fd)
{
	/*
	 * The kernel copies with "rep movsb", which some processors are slow
	 * at unless it goes to where a page begins.
	 */
	if (fd != wire.fd || wire.seen != SEEN_ALL ||
	    (wire.ahead = aligned_alloc(SSHWIRE_ALIGN,
	    SSHWIRE_AHEAD)) == NULL)
		return -1;
	wire.open = 1;
	wire.readable = 1;
	return 0;
}

/* Lets the descriptor go; what was read ahead is dropped. */
void
sshwire_close(void)
{
	free(wire.ahead);
	memset(&wire, 0, sizeof(wire));
	wire.fd = -1;
}

/* What poll(2) tells libssh that it can do, from now on: SSHWIRE_*. */
void
sshwire_permit(int what)
{
	wire.permit = what;
}

/* The loop saw that the socket is readable. */
void
sshwire_readable(void)
{
	wire.readable = 1;
}

/* Would a read give libssh anything? */
int
sshwire_has_input(void)
{
	return wire.len > 0 || wire.ended || wire.readable;
}
