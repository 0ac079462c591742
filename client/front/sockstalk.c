/* SPDX-License-Identifier: ISC */
/*
 * The conversation of SOCKS until its request is whole.  Each step is a
 * dialect of its own:
 *
 *	first byte --+--> SOCKS4 request ----------------------+--> command
 *	             '--> SOCKS5 greeting --> SOCKS5 request --'
 */
#include <sys/types.h>

#include <string.h>

#include "addr.h"
#include "buf.h"
#include "conn.h"
#include "log.h"
#include "socks.h"
#include "sockstalk.h"

/* Acts on what a decoder said of a request. */
static void
sockstalk_request(struct conn *c, const struct socks_request *req, ssize_t n)
{
	if (n < 0) {
		log_info("client %s: %s", c->client, socks_strerror(n));
		conn_refuse(c, n == SOCKS_EATYP ? SOCKS_REP_ATYP :
		    SOCKS_REP_GENERAL);
	} else if (n > 0) {
		buf_consume(&c->in, (size_t)n);
		conn_begin(c, req->cmd, &req->dst);
	}
}

static void
socks4_read(struct conn *c)
{
	struct socks_request req;
	ssize_t n;

	n = socks_decode_request4(&req, buf_data(&c->in), buf_len(&c->in));
	/* Version 4 has neither datagrams nor a reply that tells a name. */
	if (n > 0 && (req.cmd == SOCKS_CMD_UDP ||
	    req.cmd == SOCKS_CMD_RESOLVE_PTR)) {
		log_info("client %s: SOCKS4 has no %s", c->client,
		    req.cmd == SOCKS_CMD_UDP ? "UDP ASSOCIATE" : "RESOLVE_PTR");
		conn_refuse(c, SOCKS_REP_COMMAND);
	} else
		sockstalk_request(c, &req, n);
}

static int
socks4_can_tell(const struct addr *bnd)
{
	struct addr a = *bnd;

	addr_unmap(&a);
	return a.type == ADDR_IPV4;
}

static const struct dialect socks4 = {
	.read = socks4_read,
	.encode_reply = socks_encode_reply4,
	.can_tell = socks4_can_tell,
};

static void
socks5_read(struct conn *c)
{
	struct socks_request req;

	sockstalk_request(c, &req, socks_decode_request5(&req,
	    buf_data(&c->in), buf_len(&c->in)));
}

static const struct dialect socks5 = {
	.read = socks5_read,
	.encode_reply = socks_encode_reply5,
};

static void
greeting_read(struct conn *c)
{
	struct socks_greeting greeting;
	u_char answer[2];
	ssize_t n;
	size_t len;

	n = socks_decode_greeting(&greeting, buf_data(&c->in),
	    buf_len(&c->in));
	if (n == 0)
		return;
	if (n < 0 || !socks_greeting_offers(&greeting, SOCKS_METHOD_NONE)) {
		log_info("client %s: offers no acceptable authentication "
		    "method", c->client);
		len = socks_encode_method(answer, sizeof(answer),
		    SOCKS_METHOD_UNACCEPTABLE);
		conn_dismiss(c, answer, len);
		return;
	}
	buf_consume(&c->in, (size_t)n);
	len = socks_encode_method(answer, sizeof(answer), SOCKS_METHOD_NONE);
	if (conn_send(c, answer, len) == -1) {
		conn_free(c);
		return;
	}
	c->dialect = &socks5;
	socks5_read(c);
}

static const struct dialect socks5_greeting = {
	.read = greeting_read,
	.encode_reply = socks_encode_reply5,
};

static const char *
stranger_name(u_char first)
{
	if (first == 0x16)
		return "a TLS hello";
	if (strchr("GHPCDOT", first) != NULL && first != '\0')
		return "an HTTP request";
	if (first == 'S')
		return "an SSH banner";
	return "not SOCKS";
}

static void
sockstalk_read(struct conn *c)
{
	u_char first = buf_data(&c->in)[0];

	if (first == 4 || first == 5) {
		c->dialect = first == 4 ? &socks4 : &socks5_greeting;
		c->dialect->read(c);
		return;
	}
	log_info("client %s: %s (first byte 0x%02x), not SOCKS; closed",
	    c->client, stranger_name(first), first);
	conn_dismiss(c, NULL, 0);
}

const struct dialect sockstalk = {
	.read = sockstalk_read,
	.encode_reply = socks_encode_reply5,
};
