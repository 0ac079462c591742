/* SPDX-License-Identifier: ISC */
/* Unix sockets by their paths. */
#ifndef UNIXSOCK_H
#define UNIXSOCK_H

struct sockaddr_un;

int	unixsock_address(struct sockaddr_un *, const char *);
int	unixsock_connect(const char *, int);

#endif
