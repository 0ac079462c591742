/* SPDX-License-Identifier: ISC */
/*
 * An empty folder and empty namespaces, made once by the listener, since a
 * network takes the kernel milliseconds, and entered for each connection by
 * what shall reach nothing.  Who that is is not known here.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "msg.h"
#include "nowhere.h"

static const struct {
	const char	*name;		/* in /proc/self/ns */
	int		 flag;
} nowhere_spaces[NOWHERE_PARTS] = {
	[NOWHERE_USER] = { "user", CLONE_NEWUSER },
	[NOWHERE_NET] = { "net", CLONE_NEWNET },
	[NOWHERE_IPC] = { "ipc", CLONE_NEWIPC },
	[NOWHERE_UTS] = { "uts", CLONE_NEWUTS }
};

/*
 * A folder that is empty for good, since nothing can be made in one that was
 * deleted.  Others may pass through it.  Returns -1 with errno on failure.
 */
static int
nowhere_make_root(void)
{
	static const char *const places[] = {
		"/run", "/dev/shm", "/tmp", "/var/tmp"
	};
	char path[64];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), "%s/sockstund.XXXXXX", places[i]);
		if (mkdtemp(path) == NULL)
			continue;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		    O_CLOEXEC);
		if (rmdir(path) == 0 && fd != -1 && fchmod(fd, 0111) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static int
nowhere_write(const char *path, const char *text)
{
	int fd, ret;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	ret = write(fd, text, strlen(text)) == -1 ? -1 : 0;
	close(fd);
	return ret;
}

/* In a new user namespace: the user is who he was, and nobody else exists. */
static int
nowhere_map_ids(uid_t uid, gid_t gid)
{
	char users[64], groups[64];

	snprintf(users, sizeof(users), "%lu %lu 1", (u_long)uid, (u_long)uid);
	snprintf(groups, sizeof(groups), "%lu %lu 1", (u_long)gid,
	    (u_long)gid);
	if (nowhere_write("/proc/self/setgroups", "deny") == -1 ||
	    nowhere_write("/proc/self/gid_map", groups) == -1)
		return -1;
	return nowhere_write("/proc/self/uid_map", users);
}

static int
nowhere_send(int peer, int part)
{
	char path[64];
	struct msg m;
	int ret;

	snprintf(path, sizeof(path), "/proc/self/ns/%s",
	    nowhere_spaces[part].name);
	msg_init(&m, (uint32_t)part, 0);
	if ((m.fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	ret = msg_send_wait(peer, &m);
	close(m.fd);
	m.fd = -1;
	msg_clear(&m);
	return ret;
}

/* In a process of its own, which holds no secret: makes and sends them. */
static int
nowhere_make_spaces(int peer)
{
	int part, flags = 0, first = NOWHERE_USER;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0)
		first++;
	for (part = first; part < NOWHERE_PARTS; part++)
		flags |= nowhere_spaces[part].flag;
	/* The files of /proc/self would be root's. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (unshare(flags) == -1 ||
	    (uid != 0 && nowhere_map_ids(uid, gid) == -1))
		return errno;
	for (part = first; part < NOWHERE_PARTS; part++) {
		if (nowhere_send(peer, part) == -1)
			return errno;
	}
	return 0;
}

static void
nowhere_take_spaces(struct nowhere *to, int peer)
{
	struct msg m;

	while (msg_recv(peer, &m) == 1) {
		if (m.type < NOWHERE_PARTS && to->fd[m.type] == -1) {
			to->fd[m.type] = m.fd;
			m.fd = -1;
		}
		msg_clear(&m);
	}
}

/*
 * Makes what this host and this user can have, and logs at debug what not.
 * To be called while the process has no secrets yet.
 */
void
nowhere_make(struct nowhere *to)
{
	int i, pair[2], status = 0;
	pid_t pid;

	for (i = 0; i < NOWHERE_PARTS; i++)
		to->fd[i] = -1;
	if ((to->fd[NOWHERE_ROOT] = nowhere_make_root()) == -1)
		log_debug("no empty root: %s", strerror(errno));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return;
	if ((pid = fork()) == 0)
		_exit(nowhere_make_spaces(pair[1]));
	close(pair[1]);
	nowhere_take_spaces(to, pair[0]);
	close(pair[0]);
	if (pid != -1 && waitpid(pid, &status, 0) == pid && status != 0)
		log_debug("no namespaces: %s", strerror(WEXITSTATUS(status)));
}

/*
 * Takes what was handed over, from that descriptor on.  To be called before
 * anything is opened.
 */
void
nowhere_inherit(struct nowhere *to, int first)
{
	int i;

	for (i = 0; i < NOWHERE_PARTS; i++) {
		to->fd[i] = first + i;
		if (fcntl(to->fd[i], F_SETFD, FD_CLOEXEC) == -1)
			to->fd[i] = -1;
	}
}

/*
 * Enters the namespaces, as far as they are there, for good.  The root is
 * left to the program that is executed, which must be found first.
 */
void
nowhere_enter(const struct nowhere *to)
{
	int part;

	for (part = NOWHERE_USER; part < NOWHERE_PARTS; part++) {
		if (to->fd[part] != -1 && setns(to->fd[part],
		    nowhere_spaces[part].flag) == -1)
			log_debug("no %s namespace: %s",
			    nowhere_spaces[part].name, strerror(errno));
	}
}
