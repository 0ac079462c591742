/* SPDX-License-Identifier: ISC */
/* Unix sockets by their paths: addresses, and who listens there. */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "unixsock.h"

/* The address of a path; -1 with ENAMETOOLONG. */
int
unixsock_address(struct sockaddr_un *sun, const char *path)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (strlcpy(sun->sun_path, path, sizeof(sun->sun_path)) <
	    sizeof(sun->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/*
 * Connects a stream socket, close-on-exec and with further flags of socket(2),
 * to whoever listens at a path.  Returns the descriptor, or -1 with errno.
 */
int
unixsock_connect(const char *path, int flags)
{
	struct sockaddr_un sun;
	int fd, saved;

	if (unixsock_address(&sun, path) == -1 || (fd = socket(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | flags, 0)) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}
