/* SPDX-License-Identifier: ISC */
/* So many events a second, and a count of those that were too many. */
#ifndef RATELIMIT_H
#define RATELIMIT_H

#include <sys/types.h>
#include <stdint.h>

struct ratelimit {
	u_int	 max;		/* events a second */
	u_int	 count;		/* that passed in this second */
	u_int	 left_out;	/* since that was last taken */
	int64_t	 began;		/* ns; 0: no second has begun */
};

void	 ratelimit_init(struct ratelimit *, u_int);
int	 ratelimit_pass(struct ratelimit *, int64_t);
u_int	 ratelimit_take(struct ratelimit *);

#endif
