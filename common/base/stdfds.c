/* SPDX-License-Identifier: ISC */
/*
 * A program may be started without descriptor 0, 1 or 2.  What it opens first
 * would get that number, and what it writes to standard error would go into a
 * socket or a pipe of its own.
 */
#include <sys/types.h>
#include <fcntl.h>
#include <paths.h>
#include <unistd.h>

#include "stdfds.h"

/*
 * Opens /dev/null as each of 0, 1 and 2 that is closed; no other descriptor is
 * used.  To be called first in main().  Returns 0, or -1 with errno: then the
 * process must not go on.
 */
int
stdfds_open(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The lowest that is free, so just this one. */
		if (fcntl(fd, F_GETFD) == -1 &&
		    open(_PATH_DEVNULL, O_RDWR) != fd)
			return -1;
	}
	return 0;
}
