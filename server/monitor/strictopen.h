/* SPDX-License-Identifier: ISC */
/* Opens a user's file if nobody else can have written it. */
#ifndef STRICTOPEN_H
#define STRICTOPEN_H

#include <sys/types.h>

int	 strictopen(const char *, const char *, uid_t, char *, size_t);

#endif
