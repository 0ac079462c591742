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
udpclient_port(struct udpclient *u)
{
	if (u->sa.ss_family == AF_INET6)
		return &((struct sockaddr_in6 *)&u->sa)->sin6_port;
	return &((struct sockaddr_in *)&u->sa)->sin_port;
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
udpclient_init(struct udpclient *u, const struct sockaddr *client,
    const struct addr *said)
{
	struct addr a;
	in_port_t port = 0;

	memset(u, 0, sizeof(*u));
	if (addr_from_sockaddr(&a, client) == -1)
		return -1;
	u->len = client->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) :
	    sizeof(struct sockaddr_in);
	memcpy(&u->sa, client, u->len);
	if (udpclient_trusts(&a, said))
		port = htons(said->port);
	*udpclient_port(u) = port;
	return 0;
}

/* May a datagram from there be the client's? */
int
udpclient_may_be(const struct udpclient *u, const struct sockaddr *from)
{
	const struct sockaddr_in *in, *own;
	const struct sockaddr_in6 *in6, *own6;

	if (from->sa_family != u->sa.ss_family)
		return 0;
	if (from->sa_family == AF_INET) {
		in = (const struct sockaddr_in *)from;
		own = (const struct sockaddr_in *)&u->sa;
		return in->sin_addr.s_addr == own->sin_addr.s_addr &&
		    (own->sin_port == 0 || own->sin_port == in->sin_port);
	}
	in6 = (const struct sockaddr_in6 *)from;
	own6 = (const struct sockaddr_in6 *)&u->sa;
	return memcmp(&in6->sin6_addr, &own6->sin6_addr,
	    sizeof(in6->sin6_addr)) == 0 &&
	    in6->sin6_scope_id == own6->sin6_scope_id &&
	    (own6->sin6_port == 0 || own6->sin6_port == in6->sin6_port);
}

/* Is the client's port known, so that it can be sent to? */
int
udpclient_is_known(const struct udpclient *u)
{
	return *udpclient_port((struct udpclient *)u) != 0;
}

/* A good datagram came from there: that is the client, for good. */
void
udpclient_settle(struct udpclient *u, const struct sockaddr *from)
{
	memcpy(&u->sa, from, u->len);
}
