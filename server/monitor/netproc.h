/* SPDX-License-Identifier: ISC */
/* The sockstund-net process of one connection, as its monitor sees it. */
#ifndef NETPROC_H
#define NETPROC_H

#include <sys/types.h>

struct confined;
struct hostkeys;
struct servconf;

int	 netproc_start(struct confined *, const struct servconf *, int, int);
int	 netproc_setup(const struct confined *, const struct servconf *,
	    const struct hostkeys *, const char *, int);
int	 netproc_test(const struct servconf *, const struct hostkeys *);

#endif
