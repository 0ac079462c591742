/* SPDX-License-Identifier: ISC */
/*
 * StrictModes: opens a file that belongs to root or a user, as do the folders
 * above it, and that nobody else can write.  What is checked is what is opened:
 * each folder is looked at through a descriptor, and the next one is opened in
 * it, so that no rename or symbolic link can come in between.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "strictopen.h"

#define STRICTOPEN_FILE	(O_RDONLY | O_NONBLOCK | O_NOCTTY)

static int
strictopen_is_safe(int fd, uid_t uid)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_uid == 0 || st.st_uid == uid) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/*
 * The length of the path of the first folder that is checked: the home, if the
 * file is below it (what is above the home does not matter), or else the root.
 */
static size_t
strictopen_base_len(const char *real, const char *home)
{
	char dir[PATH_MAX];
	size_t len;

	if (realpath(home, dir) == NULL)
		return 0;
	len = strlen(dir);
	return strncmp(real, dir, len) == 0 && real[len] == '/' ? len : 0;
}

/* Opens the next name of a path, which has no symbolic link, in a folder. */
static int
strictopen_step(int dir, const char *path, size_t len, int flags)
{
	char name[NAME_MAX + 1];
	int fd = -1, saved;

	if ((size_t)snprintf(name, sizeof(name), "%.*s", (int)len, path) >=
	    sizeof(name))
		errno = ENAMETOOLONG;
	else
		fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

/* Walks down from real[0..at] to the file; the descriptor, or -1 and err. */
static int
strictopen_walk(const char *real, size_t at, uid_t uid, char *err,
    size_t errlen)
{
	char base[PATH_MAX];
	size_t len;
	int fd, last = 0;

	snprintf(base, sizeof(base), "%.*s", (int)at, real);
	fd = open(at == 0 ? "/" : base, O_PATH | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	while (fd != -1 && strictopen_is_safe(fd, uid)) {
		if (last)
			return fd;
		len = strcspn(real + at + 1, "/");
		last = real[at + 1 + len] == '\0';
		fd = strictopen_step(fd, real + at + 1, len,
		    last ? STRICTOPEN_FILE : O_PATH | O_DIRECTORY);
		at += 1 + len;
	}
	if (fd == -1)
		snprintf(err, errlen, "%s: %s", real, strerror(errno));
	else {
		snprintf(err, errlen, "bad ownership or modes for %s %.*s",
		    last ? "file" : "directory", at == 0 ? 1 : (int)at, real);
		close(fd);
		errno = EPERM;
	}
	return -1;
}

/*
 * Opens a file to be read, which need not be a regular one.  Symbolic links on
 * the way are followed; the folders where they lead to count.  Returns the
 * descriptor, or -1 with errno and the reason in err.
 */
int
strictopen(const char *path, const char *home, uid_t uid, char *err,
    size_t errlen)
{
	char real[PATH_MAX];

	if (realpath(path, real) == NULL) {
		snprintf(err, errlen, "realpath %s: %s", path,
		    strerror(errno));
		return -1;
	}
	return strictopen_walk(real, strictopen_base_len(real, home), uid,
	    err, errlen);
}
