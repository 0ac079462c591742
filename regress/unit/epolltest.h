/* SPDX-License-Identifier: ISC */
/*
 * An epoll_ctl(2) of the test's own, which libevent is linked to: as often as
 * is asked there are no watches left.  To be included by tests.
 */
#ifndef EPOLLTEST_H
#define EPOLLTEST_H

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <errno.h>
#include <unistd.h>

static int epoll_failures;	/* of the next calls that add or change */
static int epoll_calls;

int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
	epoll_calls++;
	if (op != EPOLL_CTL_DEL && epoll_failures > 0) {
		epoll_failures--;
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, ev);
}

#endif
