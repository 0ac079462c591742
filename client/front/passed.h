/* SPDX-License-Identifier: ISC */
/* Listening sockets that a service manager has passed to us. */
#ifndef PASSED_H
#define PASSED_H

#include <sys/types.h>

/* What a passed socket is for, by its name. */
enum passed_use {
	PASSED_SOCKS,		/* any other name, or none */
	PASSED_CONTROL		/* "control" */
};

#define PASSED_MAX	64

struct passed {
	size_t	 n;
	struct {
		int		 fd;
		enum passed_use	 use;
	} sockets[PASSED_MAX];
};

int	passed_take(struct passed *);
int	passed_next(struct passed *, enum passed_use);

#endif
