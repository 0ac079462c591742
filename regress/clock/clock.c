/* SPDX-License-Identifier: ISC */
/*
 * A clock that tests can move: what is linked with this sees the clocks that
 * only go forward run ahead by so much as it was told, and whatever waits for
 * a time (the loop of libevent, too) wakes up when that has come.  The date
 * stays as it is.
 *
 * A unit test calls clock_move().  Our programs (in build/clock) are told by a
 * file "clock" in the folder that they lie in: a number of nanoseconds, which
 * all processes map as they start, before a sandbox closes.  with_clock() and
 * move_clock() of test-exec.sh see to it.
 */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <sys/syscall.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define SLICE	(CLOCK_SECOND / 100)	/* the longest wait without a look */
#define FOREVER	INT64_MAX

static int64_t		 own;		/* of a process that has no file */
static volatile int64_t	*ahead = &own;
static volatile int64_t	 alarm_at = FOREVER;
static int (*real_epoll_wait)(int, struct epoll_event *, int, int);
static int (*real_ppoll)(struct pollfd *, nfds_t, const struct timespec *,
    const sigset_t *);

int	__poll_chk(struct pollfd *, nfds_t, int, size_t);
int	__ppoll_chk(struct pollfd *, nfds_t, const struct timespec *,
	    const sigset_t *, size_t);

static void __attribute__((constructor))
clock_init(void)
{
	char path[PATH_MAX], *name;
	ssize_t n;
	void *p;
	int fd;

	*(void **)&real_epoll_wait = dlsym(RTLD_NEXT, "epoll_wait");
	*(void **)&real_ppoll = dlsym(RTLD_NEXT, "ppoll");
	if ((n = readlink("/proc/self/exe", path, sizeof(path) - 8)) == -1)
		return;
	path[n] = '\0';
	name = strrchr(path, '/') + 1;
	snprintf(name, sizeof(path) - (name - path), "clock");
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	p = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		ahead = p;
}

/* The next moments are so many nanoseconds later than they would be. */
void
clock_move(int64_t ns)
{
	own += ns;
}

static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * CLOCK_SECOND + ts.tv_nsec;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns;

	if (syscall(SYS_clock_gettime, id, ts) == -1)
		return -1;
	if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE &&
	    id != CLOCK_MONOTONIC_RAW && id != CLOCK_BOOTTIME)
		return 0;
	ns = ts->tv_nsec + *ahead;
	ts->tv_sec += ns / CLOCK_SECOND;
	ts->tv_nsec = ns % CLOCK_SECOND;
	return 0;
}

/* The moment that lies so many milliseconds ahead. */
static int64_t
until(int64_t ms)
{
	return ms < 0 ? FOREVER : now() + ms * (CLOCK_SECOND / 1000);
}

/* How long to wait now; also gives the alarm that is due. */
static int64_t
slice(int64_t deadline)
{
	if (now() >= alarm_at) {
		alarm_at = FOREVER;
		raise(SIGALRM);
	}
	return MAX(0, MIN(deadline - now(), SLICE));
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
	int64_t deadline = until(timeout), left;
	int n;

	do {
		left = slice(deadline);
		n = real_epoll_wait(fd, events, most,
		    (int)((left + CLOCK_SECOND / 1000 - 1) / (CLOCK_SECOND / 1000)));
	} while (n == 0 && left > 0);
	return n;
}

static int
wait_for(struct pollfd *fds, nfds_t nfds, int64_t deadline,
    const sigset_t *mask)
{
	struct timespec ts = { 0, 0 };
	int n;

	do {
		ts.tv_nsec = slice(deadline);
		n = real_ppoll(fds, nfds, &ts, mask);
	} while (n == 0 && ts.tv_nsec > 0);
	return n;
}

int
ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout,
    const sigset_t *mask)
{
	return wait_for(fds, nfds, timeout == NULL ? FOREVER :
	    now() + timeout->tv_sec * CLOCK_SECOND + timeout->tv_nsec, mask);
}

/* Weak: sshwire.c has one that comes before libssh's. */
int __attribute__((weak))
poll(struct pollfd *fds, nfds_t nfds, int timeout)
{
	return wait_for(fds, nfds, until(timeout), NULL);
}

/* What the compiler calls instead where it checks the size of fds. */
int
__poll_chk(struct pollfd *fds, nfds_t nfds, int timeout, size_t size)
{
	return poll(fds, nfds, timeout);
}

int
__ppoll_chk(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout,
    const sigset_t *mask, size_t size)
{
	return ppoll(fds, nfds, timeout, mask);
}

int
nanosleep(const struct timespec *ts, struct timespec *left)
{
	return wait_for(NULL, 0, now() + ts->tv_sec * CLOCK_SECOND + ts->tv_nsec,
	    NULL);
}

int
usleep(useconds_t us)
{
	return wait_for(NULL, 0, now() + us * (CLOCK_SECOND / 1000000), NULL);
}

/* Comes to a process that waits. */
unsigned int
alarm(unsigned int seconds)
{
	alarm_at = seconds == 0 ? FOREVER : now() + seconds * CLOCK_SECOND;
	return 0;
}
