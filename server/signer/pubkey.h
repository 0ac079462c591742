/* SPDX-License-Identifier: ISC */
/* The public keys of users and hosts, and the algorithms they sign with. */
#ifndef PUBKEY_H
#define PUBKEY_H

#include <sys/types.h>
#include <openssl/types.h>

#include "sshbytes.h"

enum pubkey_kind {
	PUBKEY_ED25519,
	PUBKEY_ECDSA,
	PUBKEY_RSA
};

struct pubkey_type {
	const char		*name;
	enum pubkey_kind	 kind;
	const char		*curve;	/* of ECDSA, as SSH names it */
	const char		*group;	/* the same, as libcrypto does */
	unsigned int		 bits;	/* of the hash it is used with */
	int			 is_sk;	/* a FIDO authenticator has it */
};

struct pubkey {
	const struct pubkey_type *type;
	EVP_PKEY		*pkey;
	struct sshstring	 application;	/* is_sk; inside the blob */
};

int	 pubkey_decode(struct pubkey *, struct sshstring);
void	 pubkey_clear(struct pubkey *);
const struct pubkey_type *pubkey_find_type(struct sshstring);
const struct pubkey_type *pubkey_type_of(const EVP_PKEY *);
int	 pubkey_encode(const EVP_PKEY *, struct sshwrite *);

EVP_PKEY *pubkey_build(const char *, OSSL_PARAM_BLD *, int);

#endif
