/* SPDX-License-Identifier: ISC */
/* The file of RevokedHostKeys. */
#ifndef REVOKED_H
#define REVOKED_H

#include <sys/types.h>

struct ssh_key_struct;

int	 revoked_find(const char *, struct ssh_key_struct *, char *, size_t);

#endif
