/* SPDX-License-Identifier: ISC */
/* Echoes of datagrams through a UDP association, and of TCP flows beside. */
#ifndef UDP_H
#define UDP_H

struct dial_to;

#define UDP_SIZE	512		/* bytes of an echo */

void	 udp_measure(const struct dial_to *, int, double, const char *);
void	 udp_measure_tcp(const struct dial_to *, int, double, const char *);

#endif
