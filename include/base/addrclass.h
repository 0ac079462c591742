/* SPDX-License-Identifier: ISC */
/* Addresses that are special by their value: not those of another host. */
#ifndef ADDRCLASS_H
#define ADDRCLASS_H

#include <sys/types.h>

struct addr;

enum addr_class {
	ADDRCLASS_PLAIN,	/* not special */
	ADDRCLASS_HOST,		/* the sender's own host: loopback, 0.0.0.0 */
	ADDRCLASS_LINK,		/* a neighbour on one link */
	ADDRCLASS_CLOUD,	/* the metadata service of a cloud */
	ADDRCLASS_MULTICAST,
	ADDRCLASS_BROADCAST
};

enum addr_class	addrclass_of(const struct addr *, u_int *);
int		addrclass_embedded(const struct addr *, struct addr *,
		    u_int *);

#endif
