/* SPDX-License-Identifier: ISC */
/*
 * Asks the kernel where it would send to, and from which address.  Nothing is
 * sent, only a route looked up: for the first over rtnetlink(7), for the
 * second by connecting a UDP socket.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "localaddr.h"

#define LOCALADDR_PORT	9	/* any will do, but 0 does not */

struct localaddr_question {
	struct nlmsghdr	 head;
	struct rtmsg	 route;
	struct rtattr	 attr;		/* RTA_DST */
	u_char		 dst[16];
};

/* Opens the socket of localaddr_ask().  Returns 0, or -1 with errno. */
int
localaddr_open(struct localaddr *la)
{
	la->seq = 0;
	la->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return la->fd == -1 ? -1 : 0;
}

/* Closes it, if it was opened. */
void
localaddr_close(struct localaddr *la)
{
	if (la->fd != -1)
		close(la->fd);
	la->fd = -1;
}

static int
localaddr_send(const struct localaddr *la, const struct addr *a)
{
	struct localaddr_question q;
	size_t n = a->type == ADDR_IPV6 ? 16 : 4;

	memset(&q, 0, sizeof(q));
	q.head.nlmsg_len = (uint32_t)(offsetof(struct localaddr_question,
	    dst) + n);
	q.head.nlmsg_type = RTM_GETROUTE;
	q.head.nlmsg_flags = NLM_F_REQUEST;
	q.head.nlmsg_seq = la->seq;
	q.route.rtm_family = a->type == ADDR_IPV6 ? AF_INET6 : AF_INET;
	q.route.rtm_dst_len = (u_char)(n * 8);
	q.attr.rta_type = RTA_DST;
	q.attr.rta_len = (u_short)RTA_LENGTH(n);
	memcpy(q.dst, &a->u, n);
	return send(la->fd, &q, q.head.nlmsg_len, 0) == -1 ? -1 : 0;
}

/* The type of the route in an answer, or -1 with the errno that it tells. */
static int
localaddr_read(const void *data, size_t len)
{
	const struct nlmsghdr *head = data;
	const struct nlmsgerr *error = NLMSG_DATA(head);
	const struct rtmsg *route = NLMSG_DATA(head);

	if (head->nlmsg_type == RTM_NEWROUTE &&
	    len >= NLMSG_LENGTH(sizeof(*route)))
		return route->rtm_type;
	errno = EPROTO;
	if (head->nlmsg_type == NLMSG_ERROR &&
	    len >= NLMSG_LENGTH(sizeof(*error)) && error->error < 0)
		errno = -error->error;
	return -1;
}

/* The kernel has answered by the time that the question is sent. */
static int
localaddr_recv(const struct localaddr *la)
{
	union {
		struct nlmsghdr	 head;
		u_char		 bytes[2048];
	} answer;
	ssize_t n;

	do {
		n = recv(la->fd, &answer, sizeof(answer), MSG_DONTWAIT);
		if (n == -1)
			return -1;
	} while ((size_t)n < sizeof(answer.head) ||
	    answer.head.nlmsg_seq != la->seq);
	return localaddr_read(&answer, (size_t)n);
}

/* Does the system lack IPv6, so that no IPv6 address can be reached? */
static int
localaddr_lacks_ipv6(void)
{
	int fd;

	if ((fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		return errno == EAFNOSUPPORT;
	close(fd);
	errno = EOPNOTSUPP;
	return 0;
}

/* Does an errno say that an address is not reached, this host's or not? */
static int
localaddr_is_nowhere(const struct addr *a)
{
	switch (errno) {
	case EACCES:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return 1;
	case EOPNOTSUPP:
		return a->type == ADDR_IPV6 && localaddr_lacks_ipv6();
	default:
		return 0;
	}
}

/*
 * Where does the kernel send what goes to an address now (enum
 * localaddr_kind)?  It knows better than a list of addresses would: of routes
 * of type local, of broadcast addresses, and of what changed a moment ago.
 * It takes a few microseconds.  Returns -1 with errno if there is no answer.
 */
int
localaddr_ask(struct localaddr *la, const struct addr *a)
{
	int type;

	la->seq++;
	if (localaddr_send(la, a) == -1)
		return -1;
	type = localaddr_recv(la);
	if (type == RTN_LOCAL || type == RTN_ANYCAST)
		return LOCALADDR_OWN;
	if (type == RTN_BROADCAST)
		return LOCALADDR_BROADCAST;
	if (type == -1 && !localaddr_is_nowhere(a))
		return -1;
	return LOCALADDR_ELSEWHERE;
}

/*
 * The address, with port 0, that packets to an address come from.  Returns 0,
 * or -1 with errno if there is no way to it.
 */
int
localaddr_towards(const struct addr *dst, struct addr *local)
{
	struct addr to = *dst;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, ret, saved;

	addr_unmap(&to);
	to.port = LOCALADDR_PORT;
	if (addr_to_sockaddr(&to, &ss, &len) == -1) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if ((ret = connect(fd, (struct sockaddr *)&ss, len)) == 0 &&
	    (ret = addr_of_socket(local, fd)) == 0)
		local->port = 0;
	saved = errno;
	close(fd);
	errno = saved;
	return ret;
}

/* The loopback address of a family. */
void
localaddr_loopback(enum addr_type family, struct addr *local)
{
	addr_parse_host(local, family == ADDR_IPV6 ? "::1" : "127.0.0.1", 0);
}

/*
 * The address from which this host reaches the rest of the world: of this
 * family, else of the other, else loopback.
 */
void
localaddr_public(enum addr_type family, struct addr *local)
{
	/* Documentation: nobody has them (RFC 5737, RFC 3849). */
	static const char *const far_away[] = { "192.0.2.1", "2001:db8::1" };
	int i, first = family == ADDR_IPV6;
	struct addr dst;

	for (i = 0; i < 2; i++) {
		addr_parse_host(&dst, far_away[i ^ first], 0);
		if (localaddr_towards(&dst, local) == 0)
			return;
	}
	localaddr_loopback(family, local);
}
