/* SPDX-License-Identifier: ISC */
/*
 * Endpoints as text and as socket addresses.  Nothing is resolved here: what
 * is not an address in its usual spelling stays a name.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addr.h"

/* Reads a port, 0 to 65535, digits only.  Returns 0, or -1. */
int
addr_parse_port(uint16_t *port, const char *text)
{
	const char *errstr;
	size_t n = strlen(text);
	long long v;

	if (n == 0 || n > 5 || strspn(text, "0123456789") != n)
		return -1;
	v = strtonum(text, 0, UINT16_MAX, &errstr);
	if (errstr != NULL)
		return -1;
	*port = (uint16_t)v;
	return 0;
}

static int
addr_parse_literal(struct addr *a, const char *text)
{
	if (inet_pton(AF_INET, text, &a->u.v4) == 1)
		a->type = ADDR_IPV4;
	else if (inet_pton(AF_INET6, text, &a->u.v6) == 1)
		a->type = ADDR_IPV6;
	else
		return -1;
	return 0;
}

/* Is it an IPv6 address with a zone ("fe80::1%eth0")? */
static int
addr_is_zoned(const char *text)
{
	char literal[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	size_t n = strcspn(text, "%");

	if (text[n] != '%' || text[n + 1] == '\0' || n >= sizeof(literal) ||
	    strpbrk(text + n + 1, ":%") != NULL)
		return 0;
	memcpy(literal, text, n);
	literal[n] = '\0';
	return inet_pton(AF_INET6, literal, &v6) == 1;
}

/* A blank, a control byte or a bracket in a name would garble a log line. */
static int
addr_is_name(const char *text, size_t n)
{
	size_t i;

	if (n == 0 || n > ADDR_NAME_MAX)
		return 0;
	for (i = 0; i < n; i++) {
		if ((u_char)text[i] <= ' ' || text[i] == 0x7f ||
		    text[i] == '[' || text[i] == ']')
			return 0;
	}
	return 1;
}

/*
 * Sets an endpoint from the bytes of a SOCKS5 domain name, which need no NUL:
 * IPv4 and IPv6 addresses, also in brackets, become addresses; an IPv6 address
 * with a zone stays a name.  Returns 0, or -1 when it cannot be a host.
 */
int
addr_set_name(struct addr *a, const void *bytes, size_t n, uint16_t port)
{
	const char *text = bytes;
	char name[ADDR_NAME_MAX + 1];
	int bracketed = 0;

	if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
		bracketed = 1;
		text++;
		n -= 2;
	}
	if (!addr_is_name(text, n))
		goto bad;
	memcpy(name, text, n);
	name[n] = '\0';
	memset(a, 0, sizeof(*a));
	if (addr_parse_literal(a, name) == 0) {
		if (bracketed && a->type != ADDR_IPV6)
			goto bad;
	} else if (addr_is_zoned(name) ||
	    (!bracketed && strchr(name, ':') == NULL)) {
		a->type = ADDR_NAME;
		memcpy(a->u.name, name, n + 1);
	} else
		goto bad;
	a->port = port;
	return 0;
 bad:
	memset(a, 0, sizeof(*a));
	return -1;
}

/* The same from a string. */
int
addr_parse_host(struct addr *a, const char *text, uint16_t port)
{
	return addr_set_name(a, text, strlen(text), port);
}

/*
 * Splits "host", "host:port", "[host]", "[host]:port" or a bare IPv6 address in
 * place.  Returns the host without brackets; *port is NULL when there is none.
 * Neither is looked at.  Returns NULL when the brackets do not fit.
 */
char *
addr_split_hostport(char *text, char **port)
{
	char *end;

	*port = NULL;
	if (*text == '[') {
		if ((end = strchr(++text, ']')) == NULL)
			return NULL;
		*end++ = '\0';
		if (*end == '\0')
			return text;
		if (*end != ':')
			return NULL;
	} else if ((end = strchr(text, ':')) == NULL ||
	    strchr(end + 1, ':') != NULL)
		return text;
	*end = '\0';
	*port = end + 1;
	return text;
}

/*
 * Takes an IPv4 or IPv6 socket address; the scope of an IPv6 one is lost.
 * Returns 0, or -1 and ADDR_NONE for any other family.
 */
int
addr_from_sockaddr(struct addr *a, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;

	memset(a, 0, sizeof(*a));
	switch (sa->sa_family) {
	case AF_INET:
		a->type = ADDR_IPV4;
		a->u.v4 = sin->sin_addr;
		a->port = ntohs(sin->sin_port);
		return 0;
	case AF_INET6:
		a->type = ADDR_IPV6;
		a->u.v6 = sin6->sin6_addr;
		a->port = ntohs(sin6->sin6_port);
		return 0;
	default:
		return -1;
	}
}

/*
 * Where a socket is bound.  Returns 0, or -1 and ADDR_NONE when it is of
 * another family or no socket at all.
 */
int
addr_of_socket(struct addr *a, int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);

	getsockname(fd, (struct sockaddr *)&ss, &len);
	return addr_from_sockaddr(a, (struct sockaddr *)&ss);
}

/* The same for the other end of a connected socket. */
int
addr_of_peer(struct addr *a, int fd)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);

	getpeername(fd, (struct sockaddr *)&ss, &len);
	return addr_from_sockaddr(a, (struct sockaddr *)&ss);
}

/* Makes a socket address.  Returns 0, or -1 for a name or ADDR_NONE. */
int
addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *ss,
    socklen_t *len)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	switch (a->type) {
	case ADDR_IPV4:
		sin->sin_family = AF_INET;
		sin->sin_addr = a->u.v4;
		sin->sin_port = htons(a->port);
		*len = sizeof(*sin);
		return 0;
	case ADDR_IPV6:
		sin6->sin6_family = AF_INET6;
		sin6->sin6_addr = a->u.v6;
		sin6->sin6_port = htons(a->port);
		*len = sizeof(*sin6);
		return 0;
	default:
		*len = 0;
		return -1;
	}
}

/* Makes an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) the IPv4 one. */
void
addr_unmap(struct addr *a)
{
	struct in_addr v4;

	if (a->type != ADDR_IPV6 || !IN6_IS_ADDR_V4MAPPED(&a->u.v6))
		return;
	memcpy(&v4, &a->u.v6.s6_addr[12], sizeof(v4));
	memset(&a->u, 0, sizeof(a->u));
	a->u.v4 = v4;
	a->type = ADDR_IPV4;
}

/* 0.0.0.0 or ::, which stand for any address? */
int
addr_is_unspecified(const struct addr *a)
{
	if (a->type == ADDR_IPV4)
		return a->u.v4.s_addr == INADDR_ANY;
	return a->type == ADDR_IPV6 && IN6_IS_ADDR_UNSPECIFIED(&a->u.v6);
}

/* 127.0.0.0/8 or ::1, which nobody but this host reaches? */
int
addr_is_loopback(const struct addr *a)
{
	if (a->type == ADDR_IPV4)
		return ntohl(a->u.v4.s_addr) >> 24 == IN_LOOPBACKNET;
	return a->type == ADDR_IPV6 && IN6_IS_ADDR_LOOPBACK(&a->u.v6);
}

/* Same kind, host and port?  Names are compared without regard to case. */
int
addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->type != b->type || a->port != b->port)
		return 0;
	switch (a->type) {
	case ADDR_IPV4:
		return memcmp(&a->u.v4, &b->u.v4, sizeof(a->u.v4)) == 0;
	case ADDR_IPV6:
		return memcmp(&a->u.v6, &b->u.v6, sizeof(a->u.v6)) == 0;
	case ADDR_NAME:
		return strcasecmp(a->u.name, b->u.name) == 0;
	default:
		return 1;
	}
}

/*
 * Writes the host without brackets, "" for ADDR_NONE, cut to size; ADDR_STRLEN
 * bytes always do.  A name may hold bytes above ASCII.  Returns the buffer.
 */
char *
addr_format_host(const struct addr *a, char *buf, size_t size)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (a->type == ADDR_IPV4)
		inet_ntop(AF_INET, &a->u.v4, text, sizeof(text));
	else if (a->type == ADDR_IPV6)
		inet_ntop(AF_INET6, &a->u.v6, text, sizeof(text));
	strlcpy(buf, a->type == ADDR_NAME ? a->u.name : text, size);
	return buf;
}

/*
 * Writes "host:port", hosts with a colon in brackets, "none" for ADDR_NONE,
 * cut to size; ADDR_STRLEN bytes always do.  Returns the buffer.
 */
char *
addr_format(const struct addr *a, char *buf, size_t size)
{
	char host[ADDR_STRLEN];

	addr_format_host(a, host, sizeof(host));
	if (a->type == ADDR_NONE)
		strlcpy(buf, "none", size);
	else if (strchr(host, ':') != NULL)
		snprintf(buf, size, "[%s]:%u", host, a->port);
	else
		snprintf(buf, size, "%s:%u", host, a->port);
	return buf;
}
