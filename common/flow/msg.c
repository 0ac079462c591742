/* SPDX-License-Identifier: ISC */
/*
 * Messages between our own processes: how one is built, taken apart, sent
 * and received with a descriptor.  What the types mean, and which may come
 * when, is known to the two ends alone.
 *
 * A packet is u32 type, u32 id, payload; numbers are in network order, blobs
 * and strings are a u32 length and the bytes.
 */
#include <sys/types.h>
#include <sys/endian.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "uninit.h"

#define MSG_HEADER	8
#define MSG_PAYLOAD_MAX	(MSG_MAX - MSG_HEADER)
#define MSG_GROW	256
#define MSG_PAUSE	20	/* ms, when the system is short of memory */
#define MSG_TRIES	100

/* Room for more descriptors than are permitted, so that one is noticed. */
union msg_control {
	struct cmsghdr	hdr;
	u_char		space[CMSG_SPACE(2 * sizeof(int))];
};

/*
 * Makes an empty message to be filled; nothing is allocated.  A descriptor
 * for it is put into m->fd and is from then on owned by the message.
 */
void
msg_init(struct msg *m, uint32_t type, uint32_t id)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
	m->id = id;
	m->fd = -1;
}

/* Frees the payload, wiping it (it may be a key), and closes m->fd. */
void
msg_clear(struct msg *m)
{
	if (m->fd != -1)
		close(m->fd);
	freezero(m->data, m->size);
	msg_init(m, 0, 0);
}

/* Room for n more bytes of payload, or NULL with m->bad set. */
static u_char *
msg_reserve(struct msg *m, size_t n)
{
	u_char *data;
	size_t size;

	if (m->bad == 0 && n > MSG_PAYLOAD_MAX - m->len)
		m->bad = EMSGSIZE;
	if (m->bad)
		return NULL;
	if (n > m->size - m->len) {
		size = m->len + n + MSG_GROW;
		data = recallocarray(m->data, m->size, size, 1);
		if (data == NULL) {
			m->bad = ENOMEM;
			return NULL;
		}
		m->data = data;
		m->size = size;
	}
	m->len += n;
	return m->data + m->len - n;
}

/*
 * The msg_put functions append to the payload.  What would not fit into
 * MSG_MAX, or into memory, sets m->bad to EMSGSIZE or ENOMEM; msg_send() then
 * refuses the message.
 */
void
msg_put_u32(struct msg *m, uint32_t v)
{
	u_char *p;

	if ((p = msg_reserve(m, sizeof(v))) != NULL)
		be32enc(p, v);
}

/* Appends n bytes with their length before them. */
void
msg_put_blob(struct msg *m, const void *data, size_t n)
{
	u_char *p;

	if (n > MSG_PAYLOAD_MAX) {
		m->bad = EMSGSIZE;
		return;
	}
	if ((p = msg_reserve(m, sizeof(uint32_t) + n)) == NULL)
		return;
	be32enc(p, n);
	if (n > 0)
		memcpy(p + sizeof(uint32_t), data, n);
}

/* Appends a string as a blob without its NUL; NULL is sent as "". */
void
msg_put_string(struct msg *m, const char *s)
{
	if (s == NULL)
		s = "";
	msg_put_blob(m, s, strlen(s));
}

/* The next n bytes of the payload, or NULL with m->bad set. */
static const u_char *
msg_take(struct msg *m, size_t n)
{
	if (m->bad == 0 && n > m->len - m->off)
		m->bad = EBADMSG;
	if (m->bad)
		return NULL;
	m->off += n;
	return m->data + m->off - n;
}

/*
 * The msg_get functions take from the payload in order.  One that finds too
 * little, or a value that cannot be, sets m->bad and returns 0 or NULL, as do
 * all after it; so it is enough to ask msg_end() once.
 */
uint32_t
msg_get_u32(struct msg *m)
{
	const u_char *p;

	if ((p = msg_take(m, sizeof(uint32_t))) == NULL)
		return 0;
	return be32dec(p);
}

/* A blob inside the message, valid until msg_clear(), and its length. */
const u_char *
msg_get_blob(struct msg *m, size_t *np)
{
	const u_char *p;
	uint32_t n;

	*np = 0;
	n = msg_get_u32(m);
	if ((p = msg_take(m, n)) != NULL)
		*np = n;
	return p;
}

/*
 * Copies a string into buf of the given size.  One that has a NUL inside or
 * does not fit is an error: buf is then "" and NULL is returned.
 */
char *
msg_get_string(struct msg *m, char *buf, size_t size)
{
	const u_char *p;
	size_t n;

	if (size > 0)
		buf[0] = '\0';
	if ((p = msg_get_blob(m, &n)) == NULL)
		return NULL;
	if (n >= size || memchr(p, '\0', n) != NULL) {
		m->bad = EBADMSG;
		return NULL;
	}
	memcpy(buf, p, n);
	buf[n] = '\0';
	return buf;
}

/* As msg_get_string(), for at most max bytes, in memory the caller frees. */
char *
msg_dup_string(struct msg *m, size_t max)
{
	const u_char *p;
	size_t n;
	char *s;

	if ((p = msg_get_blob(m, &n)) == NULL)
		return NULL;
	if (n > max || memchr(p, '\0', n) != NULL) {
		m->bad = EBADMSG;
		return NULL;
	}
	if ((s = strndup((const char *)p, n)) == NULL)
		m->bad = ENOMEM;
	return s;
}

/*
 * To be called when all was taken.  Returns 0, or -1: EBADMSG when a get
 * failed or bytes are left over, ENOMEM when there was no memory for them.
 */
int
msg_end(struct msg *m)
{
	if (m->bad || m->off != m->len) {
		errno = m->bad ? m->bad : EBADMSG;
		return -1;
	}
	return 0;
}

/*
 * Decodes the n bytes of one packet, which come without a descriptor, into m,
 * which need not be initialized.  Returns 0, or -1 with EBADMSG and m empty.
 * Without memory for the payload m->bad is ENOMEM, so that it is known what the
 * message was about.
 */
int
msg_decode(struct msg *m, const void *packet, size_t n)
{
	const u_char *p = packet;
	u_char *data;

	msg_init(m, 0, 0);
	if (n < MSG_HEADER || n > MSG_MAX) {
		errno = EBADMSG;
		return -1;
	}
	m->type = be32dec(p);
	m->id = be32dec(p + 4);
	if ((n -= MSG_HEADER) == 0)
		return 0;
	if ((data = msg_reserve(m, n)) != NULL)
		memcpy(data, p + MSG_HEADER, n);
	return 0;
}

static void
msg_attach(struct msghdr *mh, union msg_control *control, int fd)
{
	struct cmsghdr *cm;

	memset(control, 0, sizeof(*control));
	mh->msg_control = control;
	mh->msg_controllen = CMSG_SPACE(sizeof(int));
	cm = CMSG_FIRSTHDR(mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
}

/*
 * Sends the message as one packet; m->fd goes with it and stays the caller's.
 * Returns 0, or -1: EMSGSIZE or ENOMEM when a put failed, EAGAIN when the pair
 * is non-blocking and full, EPIPE when the peer is gone, or an error of
 * sendmsg(2).
 */
int
msg_send(int s, const struct msg *m)
{
	union msg_control control;
	u_char header[MSG_HEADER];
	struct iovec iov[2];
	struct msghdr mh;
	ssize_t n;

	if (m->bad) {
		errno = m->bad;
		return -1;
	}
	be32enc(header, m->type);
	be32enc(header + 4, m->id);
	iov[0].iov_base = header;
	iov[0].iov_len = sizeof(header);
	iov[1].iov_base = m->data;
	iov[1].iov_len = m->len;
	memset(&mh, 0, sizeof(mh));
	mh.msg_iov = iov;
	mh.msg_iovlen = m->len > 0 ? 2 : 1;
	if (m->fd != -1)
		msg_attach(&mh, &control, m->fd);
	do {
		n = sendmsg(s, &mh, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

/* Is this an error of sendmsg(2) or recvmsg(2) that may pass? */
int
msg_may_pass(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

/* Waits before such a try. */
void
msg_pause(void)
{
	poll(NULL, 0, MSG_PAUSE);
}

/*
 * As msg_send(), where nothing else is to be done meanwhile: a shortage of
 * memory is waited for, up to two seconds.
 */
int
msg_send_wait(int s, const struct msg *m)
{
	int tries = 0;

	while (msg_send(s, m) == -1) {
		if (m->bad || !msg_may_pass(errno) || ++tries == MSG_TRIES)
			return -1;
		msg_pause();
	}
	return 0;
}

/*
 * Collects what came as control data: the first descriptor goes to *fdp, any
 * other is closed.  Returns how many there were.
 */
static int
msg_detach(struct msghdr *mh, int *fdp)
{
	struct cmsghdr *cm;
	size_t i, n;
	int count = 0, fd;

	*fdp = -1;
	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(fd),
			    sizeof(fd));
			if (count++ == 0)
				*fdp = fd;
			else
				close(fd);
		}
	}
	return count;
}

/*
 * When the peer ended with a message of ours unread, that error is reported
 * once, before the messages it had sent.  A shortage of memory, which this call
 * hardly ever meets, is waited for even in a process that does not block.
 */
static ssize_t
msg_recvmsg(int s, struct msghdr *mh)
{
	int resets = 0, tries = 0;
	ssize_t n;

	while ((n = recvmsg(s, mh, MSG_CMSG_CLOEXEC)) == -1) {
		if (msg_may_pass(errno) && ++tries < MSG_TRIES)
			msg_pause();
		else if (errno != EINTR &&
		    (errno != ECONNRESET || resets++ > 0))
			break;
	}
	return n;
}

/*
 * Receives one message; m need not be initialized and is empty unless 1 is
 * returned.  Returns 1, 0 when the peer is gone, or -1: EBADMSG for what is no
 * message or brings several descriptors, or an error of recvmsg(2).  When there
 * was no room for the descriptor (EMFILE, ENFILE), m->fd is -1; when there was
 * none for the payload, m->bad is ENOMEM.
 */
int
msg_recv(int s, struct msg *m)
{
	union msg_control control;
	UNINITIALIZED u_char packet[MSG_MAX];
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr mh;
	ssize_t n;
	int fd, nfds, ret, saved;

	msg_init(m, 0, 0);
	memset(&mh, 0, sizeof(mh));
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = &control;
	mh.msg_controllen = sizeof(control);
	if ((n = msg_recvmsg(s, &mh)) == -1)
		return errno == ECONNRESET ? 0 : -1;
	nfds = msg_detach(&mh, &fd);
	if (n == 0 && nfds == 0)
		return 0;

	/* MSG_CTRUNC: there were more descriptors than were counted. */
	if ((mh.msg_flags & MSG_TRUNC) || nfds > 1 ||
	    ((mh.msg_flags & MSG_CTRUNC) && nfds > 0)) {
		errno = EBADMSG;
		ret = -1;
	} else
		ret = msg_decode(m, packet, n);
	explicit_bzero(packet, n);
	if (ret == -1) {
		saved = errno;
		if (fd != -1)
			close(fd);
		errno = saved;
		return -1;
	}
	m->fd = fd;
	return 1;
}
