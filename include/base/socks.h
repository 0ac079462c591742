/* SPDX-License-Identifier: ISC */
/*
 * The messages of SOCKS4, SOCKS4a and SOCKS5 (RFC 1928): bytes in, structs
 * out, and back.  No descriptor is known here.
 *
 * Every decoder returns the number of bytes that the message has, 0 when the
 * bytes are a proper beginning and more are needed, or one of SOCKS_E*.
 */
#ifndef SOCKS_H
#define SOCKS_H

#include <sys/types.h>

#include "addr.h"

#define SOCKS4_FIELD_MAX	1024	/* userid or host of SOCKS4, as sshd */
#define SOCKS_MESSAGE_MAX	(8 + 2 * (SOCKS4_FIELD_MAX + 1))
#define SOCKS5_MESSAGE_MAX	(4 + 1 + ADDR_NAME_MAX + 2)

enum socks_error {
	SOCKS_EVERSION = -1,	/* the first byte is no SOCKS version */
	SOCKS_EFORMAT = -2,	/* a field has an impossible value */
	SOCKS_ETOOLONG = -3,	/* a SOCKS4 field without end */
	SOCKS_EATYP = -4,	/* SOCKS5: unknown address type */
	SOCKS_ENAME = -5,	/* a host name that cannot be one */
	SOCKS_ECUT = -6		/* a datagram ends inside its header */
};

enum socks_cmd {
	SOCKS_CMD_CONNECT = 1,
	SOCKS_CMD_BIND = 2,
	SOCKS_CMD_UDP = 3,
	SOCKS_CMD_RESOLVE = 0xf0,
	SOCKS_CMD_RESOLVE_PTR = 0xf1
};

enum socks_method {
	SOCKS_METHOD_NONE = 0,
	SOCKS_METHOD_GSSAPI = 1,
	SOCKS_METHOD_PASSWORD = 2,
	SOCKS_METHOD_UNACCEPTABLE = 0xff
};

/* The reply codes of RFC 1928, section 6. */
enum socks_rep {
	SOCKS_REP_OK = 0,
	SOCKS_REP_GENERAL = 1,
	SOCKS_REP_RULESET = 2,
	SOCKS_REP_NET = 3,
	SOCKS_REP_HOST = 4,
	SOCKS_REP_REFUSED = 5,
	SOCKS_REP_TTL = 6,
	SOCKS_REP_COMMAND = 7,
	SOCKS_REP_ATYP = 8
};

struct socks_greeting {
	u_char		nmethods;
	u_char		methods[255];
};

struct socks_request {
	u_char		version;	/* 4 or 5 */
	u_char		cmd;		/* enum socks_cmd, or anything */
	struct addr	dst;
	char		user[SOCKS4_FIELD_MAX + 1];	/* SOCKS4 only */
};

struct socks_reply {
	u_char		rep;		/* enum socks_rep, or anything */
	struct addr	bnd;
};

ssize_t	 socks_decode_greeting(struct socks_greeting *, const void *, size_t);
ssize_t	 socks_decode_request4(struct socks_request *, const void *, size_t);
ssize_t	 socks_decode_request5(struct socks_request *, const void *, size_t);
ssize_t	 socks_decode_reply5(struct socks_reply *, const void *, size_t);
int	 socks_greeting_offers(const struct socks_greeting *,
	    enum socks_method);
ssize_t	 socks_decode_addr(struct addr *, const void *, size_t);
size_t	 socks_encode_addr(u_char *, size_t, const struct addr *);
size_t	 socks_encode_method(u_char *, size_t, enum socks_method);
size_t	 socks_encode_request5(u_char *, size_t, enum socks_cmd,
	    const struct addr *);
size_t	 socks_encode_reply5(u_char *, size_t, enum socks_rep,
	    const struct addr *);
size_t	 socks_encode_reply4(u_char *, size_t, enum socks_rep,
	    const struct addr *);
enum socks_rep socks_rep_from_errno(int);
const char *socks_strerror(ssize_t);
const char *socks_rep_name(int);

#endif
