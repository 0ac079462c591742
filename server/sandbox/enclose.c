/* SPDX-License-Identifier: ISC */
/*
 * The walls behind the filter of system calls: an empty root, no capability,
 * and a ruleset of landlock(7) that permits nothing.  How much of it there is
 * depends on the kernel and on who started us.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/capability.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "enclose.h"
#include "filter.h"

/* The same on all architectures; headers may be older than the kernel. */
#define LANDLOCK_CREATE_RULESET		444
#define LANDLOCK_RESTRICT_SELF		446
#define LANDLOCK_VERSION		1	/* flag: ask for it */
#define LANDLOCK_VERSION_MAX		6	/* newest that is known here */

/* struct landlock_ruleset_attr; what a version does not know must be 0. */
struct enclose_rules {
	uint64_t	fs;
	uint64_t	net;
	uint64_t	scoped;
};

/* All that a version of landlock can forbid. */
static const struct enclose_rules enclose_rules[LANDLOCK_VERSION_MAX] = {
	{ 0x1fff, 0, 0 },
	{ 0x3fff, 0, 0 },		/* refer */
	{ 0x7fff, 0, 0 },		/* truncate */
	{ 0x7fff, 0x3, 0 },		/* bind and connect of TCP */
	{ 0xffff, 0x3, 0 },		/* ioctl of devices */
	{ 0xffff, 0x3, 0x3 }		/* abstract sockets, signals */
};

/*
 * That descriptor, or -1 if nobody gave it.  To be asked before anything is
 * opened.
 */
int
enclose_inherited(int fd)
{
	return fcntl(fd, F_GETFD) == -1 ? -1 : fd;
}

static int
enclose_landlock(void)
{
	int fd, ret;
	long version;

	version = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION);
	if (version < 1)
		return -1;
	if (version > LANDLOCK_VERSION_MAX)
		version = LANDLOCK_VERSION_MAX;
	fd = (int)syscall(LANDLOCK_CREATE_RULESET,
	    &enclose_rules[version - 1], sizeof(enclose_rules[0]), 0);
	if (fd == -1)
		return -1;
	ret = (int)syscall(LANDLOCK_RESTRICT_SELF, fd, 0);
	close(fd);
	return ret;
}

/* Also what an execve would bring back.  Returns 0, or -1 with errno. */
static int
enclose_drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		_LINUX_CAPABILITY_VERSION_3, 0
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		return -1;
	return (int)syscall(SYS_capset, &head, none);
}

/*
 * Makes that folder the root (-1: there is none), closes it, and gives up all
 * that is left; no_new_privs is set already.  What was not to be had goes to
 * *missing.  Returns 0, or -1 with errno: then the process must not go on.
 */
int
enclose_enter(int root, int *missing)
{
	*missing = 0;
	/* The sanitizers read /proc until the end. */
	if (!FILTER_SANITIZED) {
		if (root == -1 || fchdir(root) == -1 || chroot(".") == -1)
			*missing |= ENCLOSE_NO_ROOT;
		if (enclose_landlock() == -1)
			*missing |= ENCLOSE_NO_LANDLOCK;
	}
	if (root != -1)
		close(root);
	return enclose_drop_capabilities();
}
