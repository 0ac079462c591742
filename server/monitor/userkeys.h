/* SPDX-License-Identifier: ISC */
/* Whether a key is in the files of a user. */
#ifndef USERKEYS_H
#define USERKEYS_H

#include <sys/types.h>

#define USERKEYS_WHERE_MAX	1024	/* "FILE:LINE" */

struct account;
struct authkey;
struct peer;
struct servconf;

int	 userkeys_find(const struct servconf *, const struct account *,
	    const struct peer *, const u_char *, size_t, struct authkey *,
	    char *, size_t);

#endif
