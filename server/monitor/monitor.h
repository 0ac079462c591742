/* SPDX-License-Identifier: ISC */
/* The process that holds the rights of one connection until a user logs in. */
#ifndef MONITOR_H
#define MONITOR_H

struct nowhere;
struct rexec;
struct servconf;

int	 monitor_main(const struct servconf *, const struct rexec *,
	    const struct nowhere *);

#endif
