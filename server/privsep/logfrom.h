/* SPDX-License-Identifier: ISC */
/* Lines of log that a process without rights sends, marked as its own. */
#ifndef LOGFROM_H
#define LOGFROM_H

#include <sys/types.h>

#include "privsep.h"
#include "ratelimit.h"

#define LOGFROM_WHO_MAX	(PRIVSEP_USER_MAX + PRIVSEP_PEER_MAX + 8)

/* The processes of one connection, which share one limit. */
struct logfrom {
	struct ratelimit limit;
	char		 who[LOGFROM_WHO_MAX];
};

void	 logfrom_init(struct logfrom *, const char *);
void	 logfrom_line(struct logfrom *, const char *, pid_t,
	    const struct privsep_line *);
void	 logfrom_lose(struct logfrom *);
void	 logfrom_end(struct logfrom *);

#endif
