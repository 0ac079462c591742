/* SPDX-License-Identifier: ISC */
/* What the hash of a key exchange is made of. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include <sys/types.h>

#include "sshbytes.h"

struct exchange {
	struct sshstring	client_version;
	struct sshstring	server_version;
	struct sshstring	host_key;	/* the public half */
};

int	 exchange_decode(struct exchange *, const u_char *, size_t);

#endif
