/* SPDX-License-Identifier: ISC */
/*
 * The messages of SOCKS4, SOCKS4a and SOCKS5 (RFC 1928) between bytes and
 * structs.  Decoders look at nothing past the message and ask for more bytes
 * only while the ones there are a proper beginning.  What a message means,
 * and whether it is wanted, is decided elsewhere.
 */
#include <sys/types.h>
#include <sys/endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "addr.h"
#include "socks.h"

#define SOCKS4_HEADER_LEN	8	/* VN CD DSTPORT DSTIP */
#define SOCKS4_REPLY_LEN	8
#define SOCKS4_CD_GRANTED	90
#define SOCKS4_CD_REJECTED	91
#define SOCKS5_HEADER_LEN	4	/* VER CMD RSV ATYP */

/*
 * Decodes ATYP ADDR PORT: RFC 1928, section 5, and the port that always
 * follows.  The endpoint is set only when all of it is there.
 */
ssize_t
socks_decode_addr(struct addr *a, const void *data, size_t len)
{
	const u_char *p = data;
	size_t off = 1, n;

	if (len < 1)
		return 0;
	switch (p[0]) {
	case ADDR_IPV4:
		n = sizeof(a->u.v4);
		break;
	case ADDR_IPV6:
		n = sizeof(a->u.v6);
		break;
	case ADDR_NAME:
		if (len < 2)
			return 0;
		if ((n = p[1]) == 0)
			return SOCKS_ENAME;
		off = 2;
		break;
	default:
		return SOCKS_EATYP;
	}
	if (len < off + n + 2)
		return 0;
	if (p[0] == ADDR_NAME) {
		if (addr_set_name(a, p + off, n,
		    be16dec(p + off + n)) == -1)
			return SOCKS_ENAME;
	} else {
		a->type = p[0];
		a->port = be16dec(p + off + n);
		memcpy(&a->u, p + off, n);
	}
	return (ssize_t)(off + n + 2);
}

/*
 * Encodes ATYP ADDR PORT.  Returns the bytes, 0 if there is no room or no host.
 */
size_t
socks_encode_addr(u_char *p, size_t size, const struct addr *a)
{
	size_t off = 1, n;

	switch (a->type) {
	case ADDR_IPV4:
		n = sizeof(a->u.v4);
		break;
	case ADDR_IPV6:
		n = sizeof(a->u.v6);
		break;
	case ADDR_NAME:
		n = strnlen(a->u.name, sizeof(a->u.name));
		if (n == 0 || n > ADDR_NAME_MAX)
			return 0;
		off = 2;
		break;
	default:
		return 0;
	}
	if (size < off + n + 2)
		return 0;
	p[0] = (u_char)a->type;
	if (a->type == ADDR_NAME)
		p[1] = (u_char)n;
	memcpy(p + off, &a->u, n);
	be16enc(p + off + n, a->port);
	return off + n + 2;
}

/* Header and address, which requests and replies of SOCKS5 share. */
static ssize_t
socks_decode_message5(u_char *code, struct addr *a, const void *data,
    size_t len)
{
	const u_char *p = data;
	ssize_t n;

	*code = 0;
	memset(a, 0, sizeof(*a));
	if (len < 1)
		return 0;
	if (p[0] != 5)
		return SOCKS_EVERSION;
	if (len < SOCKS5_HEADER_LEN)
		return 0;
	*code = p[1];
	n = socks_decode_addr(a, p + 3, len - 3);
	return n > 0 ? n + 3 : n;
}

static size_t
socks_encode_message5(u_char *p, size_t size, u_char code,
    const struct addr *a)
{
	size_t n;

	if (size < SOCKS5_HEADER_LEN ||
	    (n = socks_encode_addr(p + 3, size - 3, a)) == 0)
		return 0;
	p[0] = 5;
	p[1] = code;
	p[2] = 0;
	return n + 3;
}

/* RFC 1928, section 3: VER NMETHODS METHODS. NMETHODS may be 0. */
ssize_t
socks_decode_greeting(struct socks_greeting *g, const void *data, size_t len)
{
	const u_char *p = data;

	memset(g, 0, sizeof(*g));
	if (len < 1)
		return 0;
	if (p[0] != 5)
		return SOCKS_EVERSION;
	if (len < 2 || len - 2 < p[1])
		return 0;
	g->nmethods = p[1];
	memcpy(g->methods, p + 2, g->nmethods);
	return 2 + g->nmethods;
}

/*
 * Finds a string ended by NUL, at most SOCKS4_FIELD_MAX bytes before it.
 * Returns the bytes with the NUL, 0 or SOCKS_ETOOLONG.
 */
static ssize_t
socks_find_field4(const u_char *p, size_t len)
{
	const u_char *nul;
	size_t max = SOCKS4_FIELD_MAX + 1;

	nul = memchr(p, '\0', len < max ? len : max);
	if (nul != NULL)
		return nul - p + 1;
	return len < max ? 0 : SOCKS_ETOOLONG;
}

/*
 * SOCKS4: VN CD DSTPORT DSTIP USERID NUL; 4a, where DSTIP is 0.0.0.x with x
 * not 0, has a host and NUL after it.
 */
ssize_t
socks_decode_request4(struct socks_request *r, const void *data, size_t len)
{
	const u_char *p = data, *host;
	ssize_t n, m;

	memset(r, 0, sizeof(*r));
	if (len < 1)
		return 0;
	if (p[0] != 4)
		return SOCKS_EVERSION;
	if (len < SOCKS4_HEADER_LEN)
		return 0;
	r->version = p[0];
	r->cmd = p[1];
	n = socks_find_field4(p + SOCKS4_HEADER_LEN, len - SOCKS4_HEADER_LEN);
	if (n <= 0)
		return n;
	memcpy(r->user, p + SOCKS4_HEADER_LEN, (size_t)n);
	n += SOCKS4_HEADER_LEN;
	if (p[4] != 0 || p[5] != 0 || p[6] != 0 || p[7] == 0) {
		r->dst.type = ADDR_IPV4;
		r->dst.port = be16dec(p + 2);
		memcpy(&r->dst.u.v4, p + 4, sizeof(r->dst.u.v4));
		return n;
	}
	host = p + n;
	if ((m = socks_find_field4(host, len - (size_t)n)) <= 0)
		return m;
	if (addr_set_name(&r->dst, host, (size_t)m - 1,
	    be16dec(p + 2)) == -1)
		return SOCKS_ENAME;
	return n + m;
}

/*
 * RFC 1928, section 4: VER CMD RSV ATYP DST.ADDR DST.PORT; RSV is ignored.
 * Version and command are set also with SOCKS_EATYP and SOCKS_ENAME.
 */
ssize_t
socks_decode_request5(struct socks_request *r, const void *data, size_t len)
{
	memset(r, 0, sizeof(*r));
	r->version = 5;
	return socks_decode_message5(&r->cmd, &r->dst, data, len);
}

/* RFC 1928, section 6: VER REP RSV ATYP BND.ADDR BND.PORT. */
ssize_t
socks_decode_reply5(struct socks_reply *r, const void *data, size_t len)
{
	return socks_decode_message5(&r->rep, &r->bnd, data, len);
}

/* Is the method among those of the greeting? */
int
socks_greeting_offers(const struct socks_greeting *g,
    enum socks_method method)
{
	return memchr(g->methods, (int)method, g->nmethods) != NULL;
}

/* VER METHOD.  Returns the bytes, 0 if there is no room. */
size_t
socks_encode_method(u_char *p, size_t size, enum socks_method method)
{
	if (size < 2)
		return 0;
	p[0] = 5;
	p[1] = (u_char)method;
	return 2;
}

/*
 * A SOCKS5 request.  Returns the bytes, at most SOCKS5_MESSAGE_MAX, 0 if
 * there is no room or no destination.
 */
size_t
socks_encode_request5(u_char *p, size_t size, enum socks_cmd cmd,
    const struct addr *dst)
{
	return socks_encode_message5(p, size, (u_char)cmd, dst);
}

/*
 * A SOCKS5 reply, always a whole one; bnd NULL or ADDR_NONE is sent as
 * 0.0.0.0:0.  Returns the bytes, at most SOCKS5_MESSAGE_MAX, 0 if there is no
 * room.
 */
size_t
socks_encode_reply5(u_char *p, size_t size, enum socks_rep rep,
    const struct addr *bnd)
{
	struct addr any = { .type = ADDR_IPV4 };

	if (bnd == NULL || bnd->type == ADDR_NONE)
		bnd = &any;
	return socks_encode_message5(p, size, (u_char)rep, bnd);
}

/*
 * A SOCKS4 reply: granted for SOCKS_REP_OK, else rejected; what is not IPv4
 * is sent as 0.0.0.0.  Returns the bytes (8), 0 if there is no room.
 */
size_t
socks_encode_reply4(u_char *p, size_t size, enum socks_rep rep,
    const struct addr *bnd)
{
	struct addr a = { .type = ADDR_NONE };

	if (size < SOCKS4_REPLY_LEN)
		return 0;
	if (bnd != NULL)
		a = *bnd;
	addr_unmap(&a);
	memset(p, 0, SOCKS4_REPLY_LEN);
	p[1] = rep == SOCKS_REP_OK ? SOCKS4_CD_GRANTED : SOCKS4_CD_REJECTED;
	be16enc(p + 2, a.port);
	if (a.type == ADDR_IPV4)
		memcpy(p + 4, &a.u.v4, sizeof(a.u.v4));
	return SOCKS4_REPLY_LEN;
}

/* The reply that tells of a failed connect(2). */
enum socks_rep
socks_rep_from_errno(int error)
{
	switch (error) {
	case 0:
		return SOCKS_REP_OK;
	case EACCES:
	case EPERM:
		return SOCKS_REP_RULESET;
	case ENETUNREACH:
		return SOCKS_REP_NET;
	case EHOSTUNREACH:
	case EHOSTDOWN:
		return SOCKS_REP_HOST;
	case ECONNREFUSED:
		return SOCKS_REP_REFUSED;
	case ETIMEDOUT:
		return SOCKS_REP_TTL;
	default:
		return SOCKS_REP_GENERAL;
	}
}

/* What a decoder returned, as text. */
const char *
socks_strerror(ssize_t error)
{
	static const char *const texts[] = {
		"message is incomplete",
		[-SOCKS_EVERSION] = "not a SOCKS version this message has",
		[-SOCKS_EFORMAT] = "field has an impossible value",
		[-SOCKS_ETOOLONG] = "user or host name is too long",
		[-SOCKS_EATYP] = "unknown address type",
		[-SOCKS_ENAME] = "host name is not valid",
		[-SOCKS_ECUT] = "datagram ends inside its header"
	};

	if (error > 0)
		return "no error";
	return error < SOCKS_ECUT ? "unknown error" : texts[-error];
}

/* RFC 1928's words for a reply code, "unassigned" for others. */
const char *
socks_rep_name(int rep)
{
	static const char *const names[] = {
		"succeeded",
		"general SOCKS server failure",
		"connection not allowed by ruleset",
		"network unreachable",
		"host unreachable",
		"connection refused",
		"TTL expired",
		"command not supported",
		"address type not supported"
	};

	if (rep < 0 || (size_t)rep >= sizeof(names) / sizeof(names[0]))
		return "unassigned";
	return names[rep];
}
