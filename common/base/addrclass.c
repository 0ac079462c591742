/* SPDX-License-Identifier: ISC */
/*
 * The special networks of RFC 6890, which do not lead to other hosts; the
 * addresses at which clouds tell their machines about themselves, credentials
 * included; and the IPv6 addresses that hold an IPv4 address.  Which addresses
 * this host has is not known here.
 */
#include <sys/types.h>
#include <string.h>

#include "addr.h"
#include "addrclass.h"
#include "match.h"

static const struct addrclass_net {
	enum addr_type	 type;
	u_int		 bits;
	enum addr_class	 class;
	u_char		 net[16];
} addrclass_nets[] = {
	{ ADDR_IPV4, 8, ADDRCLASS_HOST, { 0 } },
	{ ADDR_IPV4, 8, ADDRCLASS_HOST, { 127 } },
	{ ADDR_IPV4, 16, ADDRCLASS_LINK, { 169, 254 } },
	{ ADDR_IPV4, 4, ADDRCLASS_MULTICAST, { 224 } },
	{ ADDR_IPV4, 32, ADDRCLASS_BROADCAST, { 255, 255, 255, 255 } },
	/* Alibaba, Azure, Oracle. */
	{ ADDR_IPV4, 32, ADDRCLASS_CLOUD, { 100, 100, 100, 200 } },
	{ ADDR_IPV4, 32, ADDRCLASS_CLOUD, { 168, 63, 129, 16 } },
	{ ADDR_IPV4, 32, ADDRCLASS_CLOUD, { 192, 0, 0, 192 } },
	{ ADDR_IPV6, 128, ADDRCLASS_HOST, { 0 } },
	{ ADDR_IPV6, 128, ADDRCLASS_HOST, { [15] = 1 } },
	{ ADDR_IPV6, 10, ADDRCLASS_LINK, { 0xfe, 0x80 } },
	{ ADDR_IPV6, 8, ADDRCLASS_MULTICAST, { 0xff } },
	/* fd00:ec2::254 and its like: Amazon. */
	{ ADDR_IPV6, 32, ADDRCLASS_CLOUD, { 0xfd, 0, 0x0e, 0xc2 } },
	/* fd20:ce::254, Google. */
	{ ADDR_IPV6, 128, ADDRCLASS_CLOUD, { 0xfd, 0x20, 0, 0xce,
	    [14] = 0x02, 0x54 } },
	/* fd00:c1::a9fe:a9fe, Oracle. */
	{ ADDR_IPV6, 128, ADDRCLASS_CLOUD, { 0xfd, 0, 0, 0xc1,
	    [12] = 0xa9, 0xfe, 0xa9, 0xfe } },
	/* fd00:42::42, Scaleway. */
	{ ADDR_IPV6, 128, ADDRCLASS_CLOUD, { 0xfd, 0, 0, 0x42,
	    [15] = 0x42 } },
	/* fd00:a9fe:a9fe::1, Linode. */
	{ ADDR_IPV6, 128, ADDRCLASS_CLOUD, { 0xfd, 0, 0xa9, 0xfe, 0xa9, 0xfe,
	    [15] = 1 } },
	/* fd00:100::100:200, Alibaba. */
	{ ADDR_IPV6, 128, ADDRCLASS_CLOUD, { 0xfd, 0, 0x01, 0,
	    [12] = 0x01, 0, 0x02, 0 } }
};

/* IPv6 networks whose addresses hold an IPv4 one, and from which byte on. */
static const struct addrclass_embed {
	u_int	 bits;
	u_int	 at;
	u_char	 net[16];
} addrclass_embeds[] = {
	/* IPv4-compatible (RFC 4291) and IPv4-translated (RFC 2765). */
	{ 96, 12, { 0 } },
	{ 96, 12, { [8] = 0xff, 0xff, 0, 0 } },
	/* NAT64 (RFC 6052), also a network's own (RFC 8215). */
	{ 96, 12, { 0, 0x64, 0xff, 0x9b } },
	{ 48, 12, { 0, 0x64, 0xff, 0x9b, 0, 1 } },
	/* 6to4 (RFC 3056). */
	{ 16, 2, { 0x20, 0x02 } }
};

static const struct addrclass_embed *
addrclass_find_embed(const struct addr *a)
{
	const struct addrclass_embed *e = addrclass_embeds;
	size_t n = sizeof(addrclass_embeds) / sizeof(addrclass_embeds[0]);

	for (; n > 0; e++, n--)
		if (match_prefix(a->u.v6.s6_addr, e->net, e->bits))
			return e;
	return NULL;
}

/*
 * The IPv4 address, with the port, that an IPv6 address is made from; mapped
 * ones are left to addr_unmap().  Returns whether there is one, and then in
 * *before how many bits of the IPv6 address precede it.
 */
int
addrclass_embedded(const struct addr *a, struct addr *v4, u_int *before)
{
	const struct addrclass_embed *e;

	/* :: and ::1 only look like IPv4-compatible ones. */
	if (a->type != ADDR_IPV6 || addr_is_unspecified(a) ||
	    addr_is_loopback(a) || (e = addrclass_find_embed(a)) == NULL)
		return 0;
	memset(v4, 0, sizeof(*v4));
	v4->type = ADDR_IPV4;
	v4->port = a->port;
	memcpy(&v4->u.v4, &a->u.v6.s6_addr[e->at], sizeof(v4->u.v4));
	*before = e->at * 8;
	return 1;
}

static enum addr_class
addrclass_find(const struct addr *a, u_int *bits)
{
	const struct addrclass_net *net;
	size_t i, n = sizeof(addrclass_nets) / sizeof(addrclass_nets[0]);

	for (i = 0; i < n; i++) {
		net = &addrclass_nets[i];
		if (net->type == a->type &&
		    match_prefix((const u_char *)&a->u, net->net, net->bits)) {
			*bits = net->bits;
			return net->class;
		}
	}
	return ADDRCLASS_PLAIN;
}

/*
 * The class of an address, or of the IPv4 address that it is made from; a name
 * is plain.  *bits is the prefix length of the special network that it is in, 0
 * if it is plain.
 */
enum addr_class
addrclass_of(const struct addr *addr, u_int *bits)
{
	struct addr a = *addr, v4;
	enum addr_class class;
	u_int before;

	addr_unmap(&a);
	*bits = 0;
	class = addrclass_find(&a, bits);
	if (class == ADDRCLASS_PLAIN && addrclass_embedded(&a, &v4, &before)) {
		class = addrclass_find(&v4, bits);
		if (class != ADDRCLASS_PLAIN)
			*bits += before;
	}
	return class;
}
