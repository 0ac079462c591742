/* SPDX-License-Identifier: ISC */
/* The full name of a host that the user gave in short. */
#ifndef CANONICAL_H
#define CANONICAL_H

#include <sys/types.h>

struct cliconf;

int	 canonical_is_asked(const struct cliconf *);
char	*canonical_name(const struct cliconf *, const char *, char *, size_t);

#endif
