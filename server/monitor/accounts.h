/* SPDX-License-Identifier: ISC */
/* The accounts of this machine: who may log in, and becoming that user. */
#ifndef ACCOUNTS_H
#define ACCOUNTS_H

#include <sys/types.h>

#include "addr.h"

struct servconf;

/* The client: its address, and "192.0.2.1 port 5" for the log. */
struct peer {
	struct addr	addr;
	char		text[ADDR_STRLEN + sizeof(" port 65535")];
};

/* What is kept of a passwd entry. */
struct account {
	char		*name;
	char		*home;
	uid_t		 uid;
	gid_t		 gid;
};

/* The rights to come back to. */
struct account_saved {
	int		 changed;
	uid_t		 uid;
	gid_t		 gid;
	gid_t		*groups;
	int		 ngroups;
};

int	 account_get(struct account *, const struct servconf *, const char *,
	    const struct peer *);
void	 account_clear(struct account *);
void	 account_enter(const struct account *, struct account_saved *);
void	 account_leave(struct account_saved *);
int	 account_set_ids(uid_t, gid_t);
int	 account_limit_caps(void);
int	 account_clear_caps(void);
int	 account_become(const struct account *);

#endif
