/* SPDX-License-Identifier: ISC */
/*
 * What the monitor becomes once a user is authenticated: a process of that
 * user's which dials for sockstund-net.
 */
#ifndef DIALER_H
#define DIALER_H

#include "conf.h"

struct servconf;

/* For whom it dials, and what that user's key was limited to. */
struct dialer_context {
	const char	*user;
	const char	*peer;		/* "192.0.2.1 port 5", for the log */
	struct conf_list permit_open;	/* the key's permitopen= options */
	int		 permit_open_set;	/* there were such options */
};

int	 dialer_main(const struct servconf *, int,
	    const struct dialer_context *);

#endif
