/* SPDX-License-Identifier: ISC */
/* What a monitor hands to the dialer that it becomes, beside the files. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <sys/types.h>

#include "conf.h"

/* For whom the dialer dials, and what that user's key is limited to. */
struct context {
	const char	*user;
	const char	*peer;		/* "192.0.2.1 port 5", for the log */
	struct conf_list permit_open;	/* permitopen= of the key; or empty */
};

char	*context_pack(const struct context *, size_t *);
int	 context_unpack(struct context *, const char *, size_t);

#endif
