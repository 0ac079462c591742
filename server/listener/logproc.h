/* SPDX-License-Identifier: ISC */
/* The logger, as the listener that starts it sees it. */
#ifndef LOGPROC_H
#define LOGPROC_H

#include <sys/types.h>

struct rexec;

struct logproc {
	pid_t	 pid;	/* -1: it ended */
	int	 fd;	/* our end of its pair, which monitors get, too */
};

int	 logproc_start(struct logproc *, const struct rexec *, int);

#endif
