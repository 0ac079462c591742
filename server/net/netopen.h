/* SPDX-License-Identifier: ISC */
/* The messages of one authenticated client that ask for something. */
#ifndef NETOPEN_H
#define NETOPEN_H

#include <libssh/libssh.h>

int	netopen_message(ssh_message, void *);

#endif
