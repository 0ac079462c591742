/* SPDX-License-Identifier: ISC */
/*
 * One endpoint as SOCKS and RFC 4254 name it: an IPv4 or IPv6 address or a
 * host name, with a port.
 */
#ifndef ADDR_H
#define ADDR_H

#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <stdint.h>

#define ADDR_NAME_MAX	255
#define ADDR_STRLEN	(ADDR_NAME_MAX + sizeof("[]:65535"))

/* The values are those of SOCKS5's ATYP field (RFC 1928, section 5). */
enum addr_type {
	ADDR_NONE = 0,
	ADDR_IPV4 = 1,
	ADDR_NAME = 3,
	ADDR_IPV6 = 4
};

struct addr {
	enum addr_type	type;
	uint16_t	port;		/* host order */
	union {
		struct in_addr	v4;
		struct in6_addr	v6;
		char		name[ADDR_NAME_MAX + 1];
	} u;
};

int	 addr_parse_port(uint16_t *, const char *);
int	 addr_parse_host(struct addr *, const char *, uint16_t);
char	*addr_split_hostport(char *, char **);
int	 addr_set_name(struct addr *, const void *, size_t, uint16_t);
int	 addr_from_sockaddr(struct addr *, const struct sockaddr *);
int	 addr_of_socket(struct addr *, int);
int	 addr_of_peer(struct addr *, int);
int	 addr_to_sockaddr(const struct addr *, struct sockaddr_storage *,
	    socklen_t *);
void	 addr_unmap(struct addr *);
int	 addr_is_unspecified(const struct addr *);
int	 addr_is_loopback(const struct addr *);
int	 addr_equal(const struct addr *, const struct addr *);
char	*addr_format_host(const struct addr *, char *, size_t);
char	*addr_format(const struct addr *, char *, size_t);

#endif
