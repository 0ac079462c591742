/* SPDX-License-Identifier: ISC */
/* Who an association's client is: from where its datagrams may come. */
#ifndef UDPCLIENT_H
#define UDPCLIENT_H

#include <sys/types.h>
#include <sys/socket.h>

struct addr;

struct udpclient {
	struct sockaddr_storage	 sa;	/* port 0: not known yet */
	socklen_t		 len;
};

int	 udpclient_init(struct udpclient *, const struct sockaddr *,
	    const struct addr *);
int	 udpclient_may_be(const struct udpclient *, const struct sockaddr *);
int	 udpclient_is_known(const struct udpclient *);
void	 udpclient_settle(struct udpclient *, const struct sockaddr *);

#endif
