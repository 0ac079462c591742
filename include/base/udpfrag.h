/* SPDX-License-Identifier: ISC */
/*
 * Reassembly of one client's fragmented datagrams (RFC 1928, section 7): one
 * sequence at a time, bounded memory, and a time given by the caller.
 */
#ifndef UDPFRAG_H
#define UDPFRAG_H

#include <sys/types.h>
#include <stdint.h>

#include "addr.h"

struct socksudp;

#define UDPFRAG_TIME	5	/* seconds a sequence may take, at least */

struct udpfrag {
	u_char		*data;		/* NULL while there is no byte */
	size_t		 len;
	u_char		 highest;	/* last position; 0: no sequence */
	struct addr	 dst;
	int64_t		 deadline;	/* ns, monotonic */
};

void	 udpfrag_init(struct udpfrag *);
void	 udpfrag_clear(struct udpfrag *);
int	 udpfrag_add(struct udpfrag *, const struct socksudp *, int64_t);

#endif
