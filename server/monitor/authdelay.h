/* SPDX-License-Identifier: ISC */
/* How long a refusal takes, so that it does not tell whether a user exists. */
#ifndef AUTHDELAY_H
#define AUTHDELAY_H

#include <sys/types.h>

#include <sha2.h>
#include <stdint.h>

#define AUTHDELAY_MIN	5000000			/* nanoseconds */
#define AUTHDELAY_VARY	UINT64_C(4294967)	/* up to this much more */
#define AUTHDELAY_MAX	INT64_C(5000000000)	/* of work: no delay then */

struct authdelay {
	u_char	 secret[SHA256_DIGEST_LENGTH];
};

void	 authdelay_init(struct authdelay *, const void *, size_t);
void	 authdelay_wait(const struct authdelay *, const char *, int64_t);

#endif
