/* SPDX-License-Identifier: ISC */
/*
 * The client's side: a connection to the target through a SOCKS5 proxy, one
 * at a time or many at once.
 */
#ifndef DIAL_H
#define DIAL_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

/* Where to, and how. */
struct dial_to {
	uint16_t	 proxy;		/* port of 127.0.0.1 */
	uint16_t	 target;	/* port of 127.0.0.1 */
	int		 direct;	/* no proxy: straight to target */
};

/* One connection being made; first sent to the target, "" for nothing. */
struct dial {
	int		 fd;
	int		 step;
	int		 got;		/* bytes of the reply being read */
	u_char		 in[264];
	const char	*first;
	int		 answer;	/* wait for one byte after first */
	u_char		 cmd;		/* of the request; 0: CONNECT */
};

/* Called when one of many is done; 0 keeps its descriptor open. */
typedef int dial_done(int, void *);

int	 dial_socket(const struct dial_to *);
int	 dial_one(const struct dial_to *, const char *, int);
int	 dial_udp(const struct dial_to *, uint16_t *);
int	 dial_many(const struct dial_to *, int, long, double, dial_done *,
	    void *);
void	 dial_exchange(int, char);

#endif
