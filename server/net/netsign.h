/* SPDX-License-Identifier: ISC */
/* Signatures that libssh wants made or checked, by way of sockstund-signer. */
#ifndef NETSIGN_H
#define NETSIGN_H

#include <libssh/libssh.h>

struct privsep_proof;

int	 netsign_open(int, ssh_key);
int	 netsign_take_proof(struct privsep_proof *, const char *);

#endif
