/* SPDX-License-Identifier: ISC */
/*
 * The target of the flows: source, sink and echo in one loop, in a process of
 * its own so that 10,000 flows find descriptors on both sides.  At the UDP
 * port of the same number datagrams are sent back.
 */
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

#define FDS_MAX		(1 << 20)
#define BLOCK		(256 << 10)
#define DATAGRAMS	64		/* a system call */
#define DATAGRAM	2048		/* bytes of one, at most */

struct server {
	int		 epoll;
	int		 listener;
	int		 udp;
	char		*mode;		/* by descriptor; 0 is not yet known */
	char		*block;
	_Atomic uint64_t *sunk;
};

static int
listen_on(uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd, on = 1;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(*port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		err(1, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    listen(fd, SOMAXCONN) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		err(1, "the target cannot listen");
	*port = ntohs(sin.sin_port);
	return fd;
}

static int
listen_udp(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd, size = BLOCK * 16;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "the target has no UDP");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static void
watch(const struct server *s, int op, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if (epoll_ctl(s->epoll, op, fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
accept_all(const struct server *s)
{
	int fd, on = 1;

	for (;;) {
		fd = accept4(s->listener, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1 && (errno == EAGAIN || errno == ECONNABORTED))
			return;
		if (fd == -1 || fd >= FDS_MAX)
			err(1, "the target cannot accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		s->mode[fd] = 0;
		watch(s, EPOLL_CTL_ADD, fd, EPOLLIN);
	}
}

/* Answers n bytes just read; -1 ends the connection. */
static int
take_bytes(const struct server *s, int fd, const char *p, ssize_t n)
{
	if (s->mode[fd] == 0) {
		s->mode[fd] = *p++;
		n--;
		if (s->mode[fd] == TARGET_SOURCE)
			watch(s, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
	}
	if (s->mode[fd] == TARGET_SINK)
		atomic_fetch_add(s->sunk, (uint64_t)n);
	/* An echo is of a few bytes, which a socket always has room for. */
	if (s->mode[fd] == TARGET_ECHO && n > 0 && write(fd, p, (size_t)n) != n)
		return -1;
	return 0;
}

static void
serve(const struct server *s, int fd, uint32_t events)
{
	ssize_t n;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		n = read(fd, s->block, BLOCK);
		if (n == 0 || (n == -1 && errno != EAGAIN) ||
		    (n > 0 && take_bytes(s, fd, s->block, n) == -1)) {
			close(fd);
			return;
		}
	}
	if (events & EPOLLOUT && s->mode[fd] == TARGET_SOURCE &&
	    write(fd, s->block, BLOCK) == -1 && errno != EAGAIN)
		close(fd);
}

/* Sends back what has come, to where it came from. */
static void
echo_datagrams(const struct server *s)
{
	struct mmsghdr msgs[DATAGRAMS];
	struct sockaddr_in from[DATAGRAMS];
	struct iovec iov[DATAGRAMS];
	int i, n;

	memset(msgs, 0, sizeof(msgs));
	for (i = 0; i < DATAGRAMS; i++) {
		iov[i].iov_base = s->block + i * DATAGRAM;
		iov[i].iov_len = DATAGRAM;
		msgs[i].msg_hdr.msg_name = &from[i];
		msgs[i].msg_hdr.msg_namelen = sizeof(from[i]);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	if ((n = recvmmsg(s->udp, msgs, DATAGRAMS, 0, NULL)) <= 0)
		return;
	for (i = 0; i < n; i++)
		iov[i].iov_len = msgs[i].msg_len;
	(void)sendmmsg(s->udp, msgs, (unsigned int)n, 0);
}

static void __attribute__((noreturn))
target_loop(int listener, int udp, _Atomic uint64_t *sunk)
{
	struct server s = { .listener = listener, .udp = udp, .sunk = sunk };
	struct epoll_event events[256];
	int i, n;

	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	s.mode = calloc(1, FDS_MAX);
	s.block = calloc(1, BLOCK);
	if (s.epoll == -1 || s.mode == NULL || s.block == NULL)
		err(1, "target");
	watch(&s, EPOLL_CTL_ADD, listener, EPOLLIN);
	watch(&s, EPOLL_CTL_ADD, udp, EPOLLIN);
	for (;;) {
		n = epoll_wait(s.epoll, events, 256, -1);
		if (n == -1 && errno != EINTR)
			err(1, "epoll_wait");
		for (i = 0; i < n; i++)
			if (events[i].data.fd == listener)
				accept_all(&s);
			else if (events[i].data.fd == udp)
				echo_datagrams(&s);
			else
				serve(&s, events[i].data.fd, events[i].events);
	}
}

/* The count of bytes, in a file or, with NULL, in no file. */
static _Atomic uint64_t *
map_count(const char *file)
{
	int fd = -1, flags = MAP_SHARED | MAP_ANONYMOUS;
	void *p;

	if (file != NULL) {
		flags = MAP_SHARED;
		fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1 || ftruncate(fd, sizeof(uint64_t)) == -1)
			err(1, "%s", file);
	}
	p = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	if (fd != -1)
		close(fd);
	return p;
}

/*
 * Starts a target on a port of 127.0.0.1 (0: a free one); it dies with us.  The
 * file, or NULL, is for those who use target_join.
 */
void
target_start(struct target *t, uint16_t port, const char *file)
{
	int fd, udp;

	t->port = port;
	fd = listen_on(&t->port);
	udp = listen_udp(t->port);
	t->sunk = map_count(file);
	if ((t->pid = fork()) == -1)
		err(1, "fork");
	if (t->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		target_loop(fd, udp, t->sunk);
	}
	close(fd);
	close(udp);
}

/* Uses one that another process has started, in whatever network. */
void
target_join(struct target *t, uint16_t port, const char *file)
{
	t->port = port;
	t->pid = 0;
	t->sunk = map_count(file);
}

/* Ends it if it is ours, and waits until it has ended. */
void
target_stop(struct target *t)
{
	if (t->pid == 0)
		return;
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
}
