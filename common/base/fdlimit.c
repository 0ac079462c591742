/* SPDX-License-Identifier: ISC */
/*
 * How many descriptors the process may have.  The usual soft limit of 1,024 is
 * for programs that use select(2); ours need one or two for each connection.
 */
#include <sys/types.h>
#include <sys/resource.h>

#include "fdlimit.h"

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
