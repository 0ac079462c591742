/* SPDX-License-Identifier: ISC */
/* Whom to log in to, as the command line and ProxyJump write it. */
#ifndef DESTINATION_H
#define DESTINATION_H

struct destination {
	char	*user;	/* NULL: not given */
	char	*host;	/* without brackets */
	int	 port;	/* 0: not given */
};

#define DESTINATION_PORT	0x01	/* "host:port" needs no ssh:// */

int	 destination_parse(struct destination *, const char *, int);
void	 destination_clear(struct destination *);

#endif
