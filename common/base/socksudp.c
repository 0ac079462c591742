/* SPDX-License-Identifier: ISC */
/*
 * SOCKS5's UDP header (RFC 1928, section 7) between bytes and a struct, in
 * its two uses: in front of a client's datagram, and as the frame of a
 * channel.  What is done with a datagram is decided elsewhere.
 */
#include <sys/types.h>
#include <sys/endian.h>
#include <netinet/in.h>
#include <stdint.h>

#include "addr.h"
#include "socks.h"
#include "socksudp.h"

#define SOCKSUDP_PREFIX	3	/* RSV FRAG, before ATYP */

/*
 * Decodes one datagram of a client.  RSV and FRAG are reported as they came;
 * data and len are what follows the header.  Returns the header's length or one
 * of SOCKS_E*, never 0.
 */
ssize_t
socksudp_decode(struct socksudp *d, const void *data, size_t len)
{
	const u_char *p = data;
	ssize_t n;

	if (len < SOCKSUDP_PREFIX)
		return SOCKS_ECUT;
	n = socks_decode_addr(&d->addr, p + SOCKSUDP_PREFIX,
	    len - SOCKSUDP_PREFIX);
	if (n <= 0)
		return n == 0 ? SOCKS_ECUT : n;
	n += SOCKSUDP_PREFIX;
	d->rsv = be16dec(p);
	d->frag = p[2];
	d->data = p + n;
	d->len = len - (size_t)n;
	return n;
}

/*
 * Decodes one frame of a channel, where RSV has the payload's length and FRAG
 * is 0; returns as the decoders of socks.h do.
 */
ssize_t
socksudp_decode_frame(struct socksudp *d, const void *data, size_t len)
{
	const u_char *p = data;
	ssize_t n;

	if (len >= 2 && be16dec(p) > SOCKSUDP_PAYLOAD_MAX)
		return SOCKS_EFORMAT;
	if (len < SOCKSUDP_PREFIX)
		return 0;
	if (p[2] != 0)
		return SOCKS_EFORMAT;
	n = socks_decode_addr(&d->addr, p + SOCKSUDP_PREFIX,
	    len - SOCKSUDP_PREFIX);
	if (n <= 0)
		return n;
	n += SOCKSUDP_PREFIX;
	d->rsv = be16dec(p);
	d->frag = 0;
	d->data = p + n;
	d->len = d->rsv;
	if (len - (size_t)n < d->len)
		return 0;
	return n + (ssize_t)d->len;
}

/*
 * The size of the frame that begins with these bytes, which must not be
 * malformed; with less than SOCKSUDP_FRAME_MIN of them, how many it takes to
 * know.
 */
size_t
socksudp_frame_size(const void *data, size_t len)
{
	const u_char *p = data;
	size_t host;

	if (len < SOCKSUDP_FRAME_MIN)
		return SOCKSUDP_FRAME_MIN;
	switch (p[SOCKSUDP_PREFIX]) {
	case ADDR_IPV4:
		host = sizeof(struct in_addr);
		break;
	case ADDR_IPV6:
		host = sizeof(struct in6_addr);
		break;
	default:
		host = 1 + (size_t)p[SOCKSUDP_PREFIX + 1];
		break;
	}
	return SOCKSUDP_PREFIX + 1 + host + 2 + be16dec(p);
}

/*
 * A header with FRAG 0.  Returns the bytes, at most SOCKSUDP_HEADER_MAX, 0 if
 * there is no room or no host.
 */
size_t
socksudp_encode_header(u_char *p, size_t size, uint16_t rsv,
    const struct addr *a)
{
	size_t n;

	if (size < SOCKSUDP_PREFIX)
		return 0;
	n = socks_encode_addr(p + SOCKSUDP_PREFIX, size - SOCKSUDP_PREFIX, a);
	if (n == 0)
		return 0;
	be16enc(p, rsv);
	p[2] = 0;
	return SOCKSUDP_PREFIX + n;
}
