/* SPDX-License-Identifier: ISC */
/*
 * The client of an association (RFC 1928, section 7): its address is that of
 * the connection that asked for it, its port the one that the request named,
 * or else that of its first good datagram.  Knows no descriptor.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <string.h>

#include "addr.h"
#include "udpclient.h"

static in_port_t *
udpclient_port(struct udpclient *p)
{
	if (p->sa.ss_family == AF_INET6)
		return &((struct sockaddr_in6 *)&p->sa)->sin6_port;
	return &((struct sockaddr_in *)&p->sa)->sin_port;
}

/* Does the request say that datagrams come from its port? */
static int
udpclient_trusts(const struct addr *client, const struct addr *said)
{
	struct addr a = *said;

	addr_unmap(&a);
	if (addr_is_unspecified(&a))
		return 1;
	a.port = client->port;
	return addr_equal(&a, client);
}

/*
 * From the address of the client's connection, IPv4 or IPv6 and not mapped,
 * and what the request said of where datagrams will come from: clients say
 * all kinds of things, so that is believed only if it can be true.  -1 when
 * there can be no such client.
 */
int
udpclient_init(struct udpclient *p, const struct sockaddr *client,
    const struct addr *said)
{
	struct addr a;
	in_port_t port = 0;

	memset(p, 0, sizeof(*p));
	if (addr_from_sockaddr(&a, client) == -1)
		return -1;
	p->len = client->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
	    sizeof(struct sockaddr_in);
	memcpy(&p->sa, client, p->len);
	if (udpclient_trusts(&a, said))
		port = htons(said->port);
	*udpclient_port(p) = port;
	return 0;
}

/* May a datagram from there be the client's? */
int
udpclient_may_be(const struct udpclient *p, const struct sockaddr *from)
{
	const struct sockaddr_in *in, *pin;
	const struct sockaddr_in6 *in6, *pin6;

	if (from->sa_family != p->sa.ss_family)
		return 0;
	if (from->sa_family == AF_INET) {
		in = (const struct sockaddr_in *)from;
		pin = (const struct sockaddr_in *)&p->sa;
		return in->sin_addr.s_addr == pin->sin_addr.s_addr &&
		    (pin->sin_port == 0 || pin->sin_port == in->sin_port);
	}
	in6 = (const struct sockaddr_in6 *)from;
	pin6 = (const struct sockaddr_in6 *)&p->sa;
	return memcmp(&in6->sin6_addr, &pin6->sin6_addr,
	    sizeof(in6->sin6_addr)) == 0 &&
	    in6->sin6_scope_id == pin6->sin6_scope_id &&
	    (pin6->sin6_port == 0 || pin6->sin6_port == in6->sin6_port);
}

/* Is the client's port known, so that it can be sent to? */
int
udpclient_is_known(const struct udpclient *p)
{
	return *udpclient_port((struct udpclient *)p) != 0;
}

/* A good datagram came from there: that is the client, for good. */
void
udpclient_settle(struct udpclient *p, const struct sockaddr *from)
{
	memcpy(&p->sa, from, p->len);
}
