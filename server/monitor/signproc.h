/* SPDX-License-Identifier: ISC */
/* The sockstund-signer process of one connection, as its monitor sees it. */
#ifndef SIGNPROC_H
#define SIGNPROC_H

#include <sys/types.h>

struct confined;
struct hostkeys;
struct privsep_proof;
struct servconf;

int	 signproc_start(struct confined *, const struct servconf *, int, int);
int	 signproc_await_ready(struct confined *, struct hostkeys *,
	    struct hostkeys *);
int	 signproc_verify(struct confined *, const char *, const u_char *,
	    size_t, const struct privsep_proof *);
int	 signproc_stop(struct confined *, const char *);

#endif
