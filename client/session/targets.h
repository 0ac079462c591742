/* SPDX-License-Identifier: ISC */
/* The far ends that a session may be made with, and whose turn it is. */
#ifndef TARGETS_H
#define TARGETS_H

#include <sys/types.h>

#include "cliconf.h"

struct remembered;

struct target {
	const struct cliconf	*conf;
	struct cliconf		 again;	/* conf, for attempts after the first */
	char			*name;	/* user, host and port */
	struct remembered	*remembered;	/* what let the user in */
	int			 denials;	/* in a row */
	int			 other_key;	/* it showed another host key */
	int			 tried;		/* since the last pause */
};

struct targets {
	struct target	*list;
	size_t		 n;
	size_t		 cur;		/* that serves, or is tried */
};

/* Which of them may be tried at all? */
enum targets_left {
	TARGETS_SOME,
	TARGETS_OTHER_KEYS,	/* none, since some showed other host keys */
	TARGETS_NONE
};

void	targets_set(struct targets *, const struct cliconf *,
	    const struct cliconf *, size_t);
void	targets_clear(struct targets *);
struct target *targets_current(const struct targets *);
int	targets_next(struct targets *, int);
void	targets_forgive(struct targets *);
enum targets_left targets_pause(struct targets *, int);

#endif
