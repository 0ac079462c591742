/* SPDX-License-Identifier: ISC */
/* Comma-separated lists of algorithms, and + - ^ as ssh_config(5) has them. */
#ifndef ALGLIST_H
#define ALGLIST_H

#include <sys/types.h>

int	 alglist_contains(const char *, const char *);
void	 alglist_append(char *, size_t, const char *);
char	*alglist_resolve(const char *, const char *, const char *, char *,
	    size_t);

#endif
