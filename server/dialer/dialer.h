/* SPDX-License-Identifier: ISC */
/*
 * What the monitor becomes once a user is authenticated: a process of that
 * user's which dials for sockstund-net.
 */
#ifndef DIALER_H
#define DIALER_H

struct context;
struct report;
struct servconf;

int	 dialer_main(const struct servconf *, int, struct report *,
	    const struct context *);

#endif
