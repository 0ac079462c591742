/* SPDX-License-Identifier: ISC */
/* Connections that are not authenticated yet, held to MaxStartups. */
#ifndef STARTUPS_H
#define STARTUPS_H

#include <sys/types.h>

struct event_base;
struct startups;

/* Told the number of connections whenever it changed. */
typedef void startups_cb(int, void *);

struct startups	*startups_new(struct event_base *, int, int, int,
		    startups_cb *, void *);
void		 startups_free(struct startups *);
int		 startups_count(const struct startups *);
int		 startups_drop_chance(int, int, int, int);
int		 startups_admit(struct startups *, const char *);
void		 startups_add(struct startups *, int);

#endif
