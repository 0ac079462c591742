/* SPDX-License-Identifier: ISC */
/* Who an association's client is: from where its datagrams may come. */
#ifndef UDPPEER_H
#define UDPPEER_H

#include <sys/types.h>
#include <sys/socket.h>

struct addr;

struct udppeer {
	struct sockaddr_storage	 sa;	/* port 0: not known yet */
	socklen_t		 len;
};

int	 udppeer_init(struct udppeer *, const struct sockaddr *,
	    const struct addr *);
int	 udppeer_may_be(const struct udppeer *, const struct sockaddr *);
int	 udppeer_is_known(const struct udppeer *);
void	 udppeer_settle(struct udppeer *, const struct sockaddr *);

#endif
