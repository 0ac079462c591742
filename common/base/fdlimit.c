/* SPDX-License-Identifier: ISC */
/*
 * How many descriptors the process may have.  The usual soft limit of 1,024 is
 * for programs that use select(2); ours need one or two for each connection.
 */
#include <sys/types.h>
#include <sys/resource.h>

#include <limits.h>

#include "fdlimit.h"

/*
 * Descriptors that new connections leave to what is under way: to relay UDP,
 * say, takes one or two more.
 */
#define FDLIMIT_RESERVE_MIN	8
#define FDLIMIT_RESERVE_MAX	256

/* Raises the soft limit to the hard one.  Returns 0, or -1 with errno. */
int
fdlimit_raise(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return -1;
	rl.rlim_cur = rl.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &rl);
}

/*
 * New connections are to be accepted while the lowest free descriptor is below
 * this.  Since the lowest is what a new one gets, they never take those above.
 */
int
fdlimit_for_new(void)
{
	struct rlimit rl;
	rlim_t reserve;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur > INT_MAX)
		return INT_MAX;
	reserve = rl.rlim_cur / 8;
	if (reserve < FDLIMIT_RESERVE_MIN)
		reserve = FDLIMIT_RESERVE_MIN;
	if (reserve > FDLIMIT_RESERVE_MAX)
		reserve = FDLIMIT_RESERVE_MAX;
	return rl.rlim_cur > reserve ? (int)(rl.rlim_cur - reserve) : 0;
}
