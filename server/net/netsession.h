/* SPDX-License-Identifier: ISC */
/* The "session" channels of a client that takes this for a login server. */
#ifndef NETSESSION_H
#define NETSESSION_H

#include <sys/types.h>

#include <libssh/libssh.h>

struct sshchan;

/* At once; as MaxSessions of sshd. */
#define NETSESSION_MAX	10

struct netsessions {
	size_t		 n;
	struct sshchan	*chan[NETSESSION_MAX];
};

void	 netsession_add(struct netsessions *, struct sshchan *);
int	 netsession_answer(struct netsessions *, ssh_message);

#endif
