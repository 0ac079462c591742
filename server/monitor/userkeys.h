/* SPDX-License-Identifier: ISC */
/* The files with the keys of a user, and whether a key is in them. */
#ifndef USERKEYS_H
#define USERKEYS_H

#include <sys/types.h>

#define USERKEYS_WHERE_MAX	1024	/* "FILE:LINE" */

struct account;
struct authkey;
struct peer;
struct servconf;

/* The text of a user's files, as it was when they were read. */
struct userkeys {
	struct userkeys_file {
		char	*path;
		char	*text;
		size_t	 len;
	}	*file;
	size_t	 n;
};

void	 userkeys_load(struct userkeys *, const struct servconf *,
	    const struct account *);
void	 userkeys_clear(struct userkeys *);
int	 userkeys_find(const struct userkeys *, const struct account *,
	    const struct peer *, const u_char *, size_t, struct authkey *,
	    char *, size_t);

#endif
