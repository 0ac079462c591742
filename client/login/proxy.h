/* SPDX-License-Identifier: ISC */
/* ProxyCommand and ProxyJump: a program that brings the connection. */
#ifndef PROXY_H
#define PROXY_H

#include <sys/types.h>

struct cliconf;

int	 proxy_command(const struct cliconf *, char **, char *, size_t);
int	 proxy_open(const char *);
int	 proxy_receive(int);

#endif
