/* SPDX-License-Identifier: ISC */
/* What the kernel knows of the path of a TCP connection. */
#ifndef TCPPATH_H
#define TCPPATH_H

#include <sys/types.h>
#include <stdint.h>

struct tcppath {
	int64_t		 trip;		/* ns, smoothed */
	int64_t		 least_trip;	/* ns, of the last minutes */
	int64_t		 acked;		/* ns since any acknowledgement */
	int64_t		 sent;		/* ns since anything was sent */
	unsigned int	 unacked;	/* segments */
	unsigned int	 backoff;	/* times they were sent again in vain */
	uint64_t	 sent_again;	/* bytes, in all */
	unsigned int	 segment;	/* bytes of one, at most */
	uint32_t	 delivered;	/* segments in all, modulo 2^32 */
	double		 rate;		/* bytes a second, of late */
	double		 pacing;	/* bytes a second; 0: no limit */
	int64_t		 held_up;	/* ns in all, by the peer's window */
};

int	tcppath_read(int, struct tcppath *);

#endif
