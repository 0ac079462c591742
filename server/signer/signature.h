/* SPDX-License-Identifier: ISC */
/* Making a host's signature, and checking a user's. */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include <sys/types.h>
#include <openssl/types.h>
#include <stdint.h>

#include "sshbytes.h"

/* A user's request for authentication, and its signature. */
struct signature_request {
	struct sshstring	 session_id;
	const char		*user;
	struct sshstring	 algorithm;
	struct sshstring	 key;
	struct sshstring	 signature;
	uint32_t		 flags;		/* FIDO: what was signed, too */
	uint32_t		 counter;
};

int	 signature_make(EVP_PKEY *, unsigned int, struct sshstring, u_char *,
	    size_t *);
int	 signature_verify(const struct signature_request *);
const EVP_MD *signature_hash(unsigned int);

#endif
