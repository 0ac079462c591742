/* SPDX-License-Identifier: ISC */
/* A host key for libssh that has no private half. */
#ifndef NETKEY_H
#define NETKEY_H

#include <sys/types.h>

#include <libssh/libssh.h>

ssh_key	 netkey_new(const u_char *, size_t);

#endif
