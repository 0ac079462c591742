/* SPDX-License-Identifier: ISC */
/* The keys by which the user may be let in, in the order of their turns. */
#ifndef CANDIDATES_H
#define CANDIDATES_H

#include <sys/types.h>

struct agent;
struct candidates;
struct cliconf;
struct identity;
struct ssh_key_struct;

struct candidates *candidates_new(const struct cliconf *, const char *);
void	 candidates_free(struct candidates *);
struct agent *candidates_agent(const struct candidates *);
size_t	 candidates_count(const struct candidates *);
const char *candidates_sure_key(const struct candidates *);
void	 candidates_set_refused(struct candidates *);
void	 candidates_rewind(struct candidates *);
void	 candidates_next(struct candidates *);
const struct identity *candidates_current(struct candidates *,
	    struct ssh_key_struct **);

#endif
