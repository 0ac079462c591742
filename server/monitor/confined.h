/* SPDX-License-Identifier: ISC */
/* A program of ours that runs without rights, as who started it sees it. */
#ifndef CONFINED_H
#define CONFINED_H

#include <sys/types.h>

struct nowhere;
struct servconf;

struct confined {
	const char	*name;
	pid_t		 pid;
	int		 fd;	/* our end of a pair, non-blocking */
	int		 status;	/* of wait(2), once it was stopped */
	const struct nowhere
			*nowhere;	/* where it is put, or NULL */
};

#define CONFINED_FDS_MAX	2	/* descriptors beside the pair */

int	 confined_start(struct confined *, const char *,
	    const struct servconf *, const int *, size_t);
int	 confined_become(const struct servconf *);
int	 confined_stop(struct confined *, const char *);

#endif
