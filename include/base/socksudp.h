/* SPDX-License-Identifier: ISC */
/*
 * Datagrams in SOCKS5's wrapping (RFC 1928, section 7), as a client sends
 * them over UDP and as frames of a channel, where RSV has the length of the
 * payload (sockstun-protocol(7)).  No descriptor is known here.
 */
#ifndef SOCKSUDP_H
#define SOCKSUDP_H

#include <sys/types.h>
#include <stdint.h>

#include "addr.h"

#define SOCKSUDP_PAYLOAD_MAX	65507	/* of UDP over IPv4 */
#define SOCKSUDP_HEADER_MAX	(4 + 1 + ADDR_NAME_MAX + 2)
#define SOCKSUDP_FRAME_MIN	5	/* bytes that tell a frame's size */
#define SOCKSUDP_FRAME_MAX	(SOCKSUDP_HEADER_MAX + SOCKSUDP_PAYLOAD_MAX)

#define SOCKSUDP_FRAG_LAST	0x80	/* the last fragment of a sequence */

struct socksudp {
	uint16_t	 rsv;
	u_char		 frag;		/* 0: a datagram of its own */
	struct addr	 addr;		/* where to, or where from */
	const u_char	*data;		/* into what was decoded */
	size_t		 len;		/* bytes of it */
};

ssize_t	 socksudp_decode(struct socksudp *, const void *, size_t);
ssize_t	 socksudp_decode_frame(struct socksudp *, const void *, size_t);
size_t	 socksudp_frame_size(const void *, size_t);
size_t	 socksudp_encode_header(u_char *, size_t, uint16_t,
	    const struct addr *);

#endif
