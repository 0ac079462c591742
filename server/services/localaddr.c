/* SPDX-License-Identifier: ISC */
/*
 * Asks the kernel which address it would send from.  Nothing is sent: a UDP
 * socket that is connected only has its route looked up.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "localaddr.h"

#define LOCALADDR_PORT	9	/* any will do, but 0 does not */

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
 * The address that the way to the rest of the world has: of this family, else
 * of the other, else loopback.
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
