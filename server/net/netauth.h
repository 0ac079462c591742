/* SPDX-License-Identifier: ISC */
/* User authentication (RFC 4252) of one client, before there is a loop. */
#ifndef NETAUTH_H
#define NETAUTH_H

#include <libssh/libssh.h>

struct priv;

/* What bounds it, and what became of it. */
struct netauth {
	struct priv	*priv;
	const char	*peer;
	unsigned int	 max_tries;
	int		 pubkey;	/* is publickey offered? */
	char		*user;
	char		*good_key;	/* the last that was found good */
	unsigned int	 failures;
	unsigned int	 requests;
	int		 done;
};

int	netauth_run(struct netauth *, ssh_session);

#endif
