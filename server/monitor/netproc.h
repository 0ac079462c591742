/* SPDX-License-Identifier: ISC */
/* The sockstund-net process of one connection, as its monitor sees it. */
#ifndef NETPROC_H
#define NETPROC_H

#include <sys/types.h>

#define NETPROC_FALLBACK_USER	"nobody"

struct hostkeys;
struct servconf;

struct netproc {
	pid_t	 pid;
	int	 fd;	/* our end of the pair, non-blocking */
};

int	 netproc_start(struct netproc *, const struct servconf *, int);
int	 netproc_setup(const struct netproc *, const struct servconf *,
	    const struct hostkeys *, const char *, int);
int	 netproc_stop(struct netproc *, const char *);
int	 netproc_test_keys(const struct servconf *, struct hostkeys *);

#endif
