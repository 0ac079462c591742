/* SPDX-License-Identifier: ISC */
/*
 * Reads small files whole.  Whoever opened them has checked owner and modes.  A
 * file may hold a private key, so no second copy of it is left in memory.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slurp.h"

static ssize_t
slurp_read(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			break;
		len += n;
	}
	return len;
}

/*
 * Returns what a descriptor holds up to its end: *len bytes and a NUL, to be
 * freed.  NULL and errno on failure, EFBIG when there are more than max bytes.
 */
void *
slurp(int fd, size_t max, size_t *len)
{
	char *buf, *text = NULL;
	ssize_t n;
	int saved;

	if ((buf = malloc(max + 1)) == NULL)
		return NULL;
	n = slurp_read(fd, buf, max + 1);
	if (n > 0 && (size_t)n > max)
		errno = EFBIG;
	else if (n != -1 && (text = malloc((size_t)n + 1)) != NULL) {
		memcpy(text, buf, n);
		text[n] = '\0';
		*len = n;
	}
	saved = errno;
	freezero(buf, max + 1);
	errno = saved;
	return text;
}
