/* SPDX-License-Identifier: ISC */
/* The private keys in host key files. */
#ifndef KEYFILE_H
#define KEYFILE_H

#include <sys/types.h>
#include <openssl/types.h>

EVP_PKEY	*keyfile_parse(const u_char *, size_t);

#endif
