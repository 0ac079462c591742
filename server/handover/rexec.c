/* SPDX-License-Identifier: ISC */
/*
 * Executing this program again in another role, so that no two connections
 * share the layout of an address space, with the descriptors that are handed
 * over.  What the roles do is not known here.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "rexec.h"
#include "xmalloc.h"

#define REXEC_FIRST	3	/* the first descriptor after stderr */

/* Finds the path of the program that runs.  Returns 0, or -1 with errno. */
int
rexec_init(struct rexec *self)
{
	ssize_t n;

	memset(self, 0, sizeof(*self));
	n = readlink("/proc/self/exe", self->path, sizeof(self->path) - 1);
	if (n == -1)
		return -1;
	self->path[n] = '\0';
	return 0;
}

/*
 * A descriptor, close-on-exec, on memory with this content that nobody who
 * gets it can change any more.  Returns -1 with errno on failure.
 */
int
rexec_make_memfd(const char *name, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;
	int fd, saved;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	for (; len > 0; p += n, len -= n) {
		if ((n = write(fd, p, len)) == -1)
			goto fail;
	}
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
	    F_SEAL_WRITE) == -1)
		goto fail;
	return fd;
 fail:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/*
 * The whole content of such a descriptor with a NUL after it, which the
 * caller frees (or wipes, *lenp bytes), or NULL with errno.  Others read the
 * same descriptor at the same time, so its offset is left alone.
 */
u_char *
rexec_read_memfd(int fd, size_t *lenp)
{
	struct stat st;
	u_char *data;
	size_t len = 0;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return NULL;
	if (st.st_size > REXEC_MEMFD_MAX) {
		errno = EFBIG;
		return NULL;
	}
	data = xmalloc(st.st_size + 1);
	while (len < (size_t)st.st_size) {
		n = pread(fd, data + len, st.st_size - len, len);
		if (n <= 0) {
			freezero(data, st.st_size + 1);
			return NULL;
		}
		len += n;
	}
	data[len] = '\0';
	*lenp = len;
	return data;
}

/* Closes all from 3 on that are not in the list. */
static void
rexec_close_others(const int *fds, size_t n)
{
	int fd, last = REXEC_FIRST - 1;
	size_t i;

	for (i = 0; i < n; i++) {
		if (fds[i] > last)
			last = fds[i];
	}
	for (fd = REXEC_FIRST; fd < last; fd++) {
		for (i = 0; i < n && fds[i] != fd; i++)
			;
		if (i == n)
			close(fd);
	}
	closefrom(last + 1);
}

/* Moves the descriptor that is in the way of another one, if any is. */
static void
rexec_clear_place(int *fds, size_t n, int place)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (fds[i] != place)
			continue;
		if ((fds[i] = fcntl(place, F_DUPFD_CLOEXEC, place + 1)) == -1)
			fatal("rexec: descriptor %d", place);
		close(place);
	}
}

/*
 * Puts n different descriptors (which are changed) at 3, 4 ..., open across
 * exec, and closes all others but 0, 1 and 2; the place of a -1 stays closed.
 * Closing comes first, since there may be no descriptor left.
 */
void
rexec_place_fds(int *fds, size_t n)
{
	size_t i;
	int place;

	/* syslog(3) would not notice that its descriptor is another one. */
	closelog();
	rexec_close_others(fds, n);
	for (i = 0; i < n; i++) {
		place = REXEC_FIRST + (int)i;
		if (fds[i] == place) {
			fcntl(place, F_SETFD, 0);
			continue;
		}
		rexec_clear_place(fds + i, n - i, place);
		if (fds[i] == -1)
			continue;
		if (dup2(fds[i], place) == -1)
			fatal("rexec: descriptor %d", fds[i]);
		close(fds[i]);
	}
}

/* Points 0, 1 and, unless it is kept, 2 to /dev/null.  Returns 0, or -1. */
int
rexec_null_stdio(int keep_stderr)
{
	int fd, i, last = keep_stderr ? STDOUT_FILENO : STDERR_FILENO;

	if ((fd = open(_PATH_DEVNULL, O_RDWR | O_CLOEXEC)) == -1)
		return -1;
	for (i = STDIN_FILENO; i <= last; i++) {
		if (i != fd && dup2(fd, i) == -1)
			return -1;
	}
	if (fd > STDERR_FILENO)
		close(fd);
	return 0;
}

/*
 * fork(2), but the new process runs no signal handler of the old one's, which
 * might write to descriptors that they share: signals wait until they have
 * none.
 */
pid_t
rexec_fork(void)
{
	struct sigaction sa;
	sigset_t all, saved;
	pid_t pid;
	int sig;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &saved);
	if ((pid = fork()) == 0) {
		for (sig = 1; sig < NSIG; sig++) {
			if (sigaction(sig, NULL, &sa) == 0 &&
			    sa.sa_handler != SIG_IGN)
				signal(sig, SIG_DFL);
		}
	}
	sigprocmask(SIG_SETMASK, &saved, NULL);
	return pid;
}

/*
 * Executes this program in a role; returns only if that failed, with errno.
 * If its path is gone or out of the user's reach, the program that runs now is
 * executed.
 */
void
rexec_run(const struct rexec *self, const char *role, char *const env[])
{
	const char *argv[] = { "sockstund", "-R", role, self->option, NULL };

	execve(self->path, (char *const *)argv, env);
	execve("/proc/self/exe", (char *const *)argv, env);
}
