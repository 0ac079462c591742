/* SPDX-License-Identifier: ISC */
/* The accounts of this machine: who may log in, with which keys. */
#ifndef USERKEYS_H
#define USERKEYS_H

#include <sys/types.h>

#include "addr.h"

#define USERKEYS_WHERE_MAX	1024	/* "FILE:LINE" */

struct authkey;
struct servconf;

/* The client: its address, and "192.0.2.1 port 5" for the log. */
struct userkeys_peer {
	struct addr	addr;
	char		text[ADDR_STRLEN + sizeof(" port 65535")];
};

/* What is kept of a passwd entry. */
struct userkeys_account {
	char		*name;
	char		*home;
	uid_t		 uid;
	gid_t		 gid;
};

int	 userkeys_get_account(struct userkeys_account *,
	    const struct servconf *, const char *,
	    const struct userkeys_peer *);
void	 userkeys_clear_account(struct userkeys_account *);
int	 userkeys_find(const struct servconf *,
	    const struct userkeys_account *, const struct userkeys_peer *,
	    const u_char *, size_t, struct authkey *, char *, size_t);
int	 userkeys_become(const struct userkeys_account *);

#endif
