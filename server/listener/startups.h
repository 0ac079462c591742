/* SPDX-License-Identifier: ISC */
/* Connections that are not authenticated yet, held to limits. */
#ifndef STARTUPS_H
#define STARTUPS_H

#include <sys/types.h>

struct addr;
struct event_base;
struct servlimits;
struct startups;

/* Told the number of connections whenever it changed. */
typedef void startups_cb(int, void *);

struct startups	*startups_new(struct event_base *,
		    const struct servlimits *, startups_cb *, void *);
void		 startups_free(struct startups *);
int		 startups_count(const struct startups *);
int		 startups_drop_chance(int, int, int, int);
int		 startups_admit(struct startups *, const struct addr *);
int		 startups_add(struct startups *, int, const struct addr *);

#endif
