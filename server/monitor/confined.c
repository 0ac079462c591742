/* SPDX-License-Identifier: ISC */
/*
 * Programs of ours that run without any right, for one connection: where they
 * are, how they are confined before they are executed, and how they are ended.
 * What they do is not known here.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "confined.h"
#include "glibctune.h"
#include "log.h"
#include "nowhere.h"
#include "pathnames.h"
#include "renounce.h"
#include "rexec.h"
#include "servconf.h"
#include "xmalloc.h"

#define CONFINED_EXIT_EXEC	127	/* the program could not be executed */
#define CONFINED_STOP_TRIES	20	/* times 10 ms, to end by itself */

/* Only the sanitizers write to the standard error of these programs. */
#ifdef __SANITIZE_ADDRESS__
#define CONFINED_KEEP_STDERR	1
#else
#define CONFINED_KEEP_STDERR	0
#endif

/* Ids to run as. */
struct confined_ids {
	uid_t	uid;
	gid_t	gid;
};

/*
 * Only root, this user or the owner of our own program may be able to change
 * the program.
 */
static int
confined_check_program(const char *path, uid_t our_owner)
{
	struct stat st;
	mode_t writers = geteuid() == 0 ? S_IWGRP | S_IWOTH : S_IWOTH;

	if (stat(path, &st) == -1)
		return -1;
	if (S_ISREG(st.st_mode) && (st.st_mode & writers) == 0 &&
	    (st.st_uid == 0 || st.st_uid == geteuid() ||
	    st.st_uid == our_owner))
		return 0;
	log_warnx("%s: bad ownership or modes", path);
	errno = EPERM;
	return -1;
}

/*
 * The program: beside the one that runs (a build folder), else as installed.
 * Returns 0, or -1 after the reason was logged.
 */
static int
confined_find(const char *name, char *path, size_t size)
{
	struct rexec self;
	struct stat st;

	if (rexec_init(&self) == -1 || stat("/proc/self/exe", &st) == -1) {
		log_warn("/proc/self/exe");
		return -1;
	}
	if ((size_t)snprintf(path, size, "%s/%s", dirname(self.path), name) <
	    size && access(path, F_OK) == 0)
		return confined_check_program(path, st.st_uid);
	snprintf(path, size, "%s/%s", LIBEXECDIR, name);
	if (access(path, F_OK) == 0)
		return confined_check_program(path, geteuid());
	log_warn("%s", path);
	return -1;
}

/* Whom it runs as when we are root.  Returns 0, or -1 with a line of log. */
static int
confined_find_ids(const struct servconf *conf, struct confined_ids *ids)
{
	const struct passwd *pw = getpwnam(conf->privsep_user);

	if (pw == NULL || pw->pw_uid == 0) {
		log_warnx("Privilege separation user %s %s",
		    conf->privsep_user,
		    pw == NULL ? "does not exist" : "is root");
		return -1;
	}
	ids->uid = pw->pw_uid;
	ids->gid = pw->pw_gid;
	return 0;
}

/*
 * Gives up root's rights, for a uid that no other process has, since no other
 * has our process ID: so another connection's can neither signal this one nor
 * look into it.  A user namespace may not have it; then it is the user's own.
 */
static int
confined_drop(const struct confined_ids *ids)
{
	if (setgroups(1, &ids->gid) == -1)
		return -1;
	if (account_set_ids(PRIVSEP_UID_BASE + (uid_t)getpid(), ids->gid) == 0)
		return 0;
	return errno == EINVAL ? account_set_ids(ids->uid, ids->gid) : -1;
}

/*
 * Takes on such an uid for this process, for good, which only root has to.
 * Returns 0, or -1 after the reason was logged; the process has then no use
 * but to end.
 */
int
confined_become(const struct servconf *conf)
{
	struct confined_ids ids;

	if (geteuid() != 0)
		return account_clear_caps();
	if (confined_find_ids(conf, &ids) == -1)
		return -1;
	if (account_limit_caps() == 0 && confined_drop(&ids) == 0 &&
	    account_clear_caps() == 0)
		return 0;
	log_warn("cannot drop privileges");
	return -1;
}

/*
 * In the new process: confines it and executes the program, with n
 * descriptors from 3 on and then the one of its empty root.
 */
static void __attribute__((noreturn))
confined_exec(const struct confined *c, const char *path,
    const struct confined_ids *ids, int *fds, size_t n)
{
	const struct nowhere *nowhere = c->nowhere;
	const char *name = c->name;
	const struct rlimit none = { 0, 0 };
	char *argv[] = { xstrdup(name), NULL };
	char *env[] = { NULL, NULL };
	int program = 3 + (int)n + 1;

	if (glibctune_variable() != NULL)
		env[0] = xstrdup(glibctune_variable());
	/* The path may lead through folders that only root can search. */
	fds[n] = nowhere == NULL ? -1 : nowhere->fd[NOWHERE_ROOT];
	if ((fds[n + 1] = open(path, O_PATH | O_CLOEXEC)) == -1)
		fatal("%s", path);
	umask(077);
	if (chdir("/") == -1 || setrlimit(RLIMIT_CORE, &none) == -1)
		fatal("%s: cannot confine", name);
	if (nowhere != NULL)
		nowhere_enter(nowhere);
	renounce_prepare();
	if ((geteuid() == 0 && confined_drop(ids) == -1) ||
	    renounce_all_but_chroot() == -1)
		fatal("%s: cannot drop privileges", name);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("%s: no_new_privs", name);
	if (rexec_null_stdio(CONFINED_KEEP_STDERR) == -1)
		fatal("/dev/null");
	rexec_place_fds(fds, n + 2);
	fcntl(program, F_SETFD, FD_CLOEXEC);
	execve(path, argv, env);
	if (errno == EACCES)
		fexecve(program, argv, env);
	_exit(CONFINED_EXIT_EXEC);
}

/*
 * Starts the program with our pair as descriptor 3 and, from 4 on, the n that
 * are given, which stay ours, too (-1: it has none there).  Returns 0, or -1
 * after the reason was logged.
 */
int
confined_start(struct confined *c, const char *name,
    const struct servconf *conf, const int *given, size_t n)
{
	struct confined_ids ids = { 0, 0 };
	int pair[2], fds[3 + CONFINED_FDS_MAX];
	char path[PATH_MAX];

	c->name = name;
	if (confined_find(name, path, sizeof(path)) == -1 ||
	    (geteuid() == 0 && confined_find_ids(conf, &ids) == -1))
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		log_warn("socketpair");
		return -1;
	}
	/* Our end alone: if it reads nothing, that must not stop us. */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ||
	    (c->pid = fork()) == -1) {
		log_warn("fork");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (c->pid == 0) {
		fds[0] = pair[1];
		memcpy(fds + 1, given, n * sizeof(*given));
		confined_exec(c, path, &ids, fds, 1 + n);
	}
	close(pair[1]);
	c->fd = pair[0];
	return 0;
}

/* Reaps it, killing it if it does not end by itself soon. */
static int
confined_reap(pid_t pid)
{
	int i, status = 0;

	for (i = 0; i < CONFINED_STOP_TRIES; i++) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return status;
		usleep(10000);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return 0;
}

/*
 * Closes the pair and sees to it that the process is gone.  Logs, for that
 * peer, how it died if not by itself.  Returns -1 if it was never executed.
 */
int
confined_stop(struct confined *c, const char *peer)
{
	close(c->fd);
	c->fd = -1;
	c->status = confined_reap(c->pid);
	if (WIFSIGNALED(c->status))
		log_warnx("%s for %s: killed by signal %d (%s)", c->name,
		    peer, WTERMSIG(c->status),
		    strsignal(WTERMSIG(c->status)));
	if (!WIFEXITED(c->status) || WEXITSTATUS(c->status) == 0)
		return 0;
	if (WEXITSTATUS(c->status) != CONFINED_EXIT_EXEC) {
		/* Its own line may not have come through. */
		log_warnx("%s for %s: exit status %d", c->name, peer,
		    WEXITSTATUS(c->status));
		return 0;
	}
	log_warnx("%s cannot be executed", c->name);
	return -1;
}
