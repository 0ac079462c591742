/* SPDX-License-Identifier: ISC */
/*
 * The sockstund-net process: where its program is, how it is confined before
 * it is executed, what it is told first, and how it is ended.  What it asks
 * for is the monitor's to know.  Neither knows SSH.
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
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "glibctune.h"
#include "hostkeys.h"
#include "log.h"
#include "msg.h"
#include "netproc.h"
#include "pathnames.h"
#include "privsep.h"
#include "rexec.h"
#include "servconf.h"
#include "xmalloc.h"

#define NETPROC_NAME		"sockstund-net"
#define NETPROC_EXIT_EXEC	127	/* the program could not be executed */
#define NETPROC_TEST_TIMEOUT	10000	/* ms to load the keys */
#define NETPROC_STOP_TRIES	20	/* times 10 ms, to end by itself */

/* Only the sanitizers write to the standard error of sockstund-net. */
#ifdef __SANITIZE_ADDRESS__
#define NETPROC_KEEP_STDERR	1
#else
#define NETPROC_KEEP_STDERR	0
#endif

/* Ids of an account to run as. */
struct netproc_ids {
	uid_t	uid;
	gid_t	gid;
};

/*
 * Only root, this user or the owner of our own program may be able to change
 * the program.
 */
static int
netproc_check_program(const char *path, uid_t our_owner)
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
netproc_find(char *path, size_t size)
{
	struct rexec self;
	struct stat st;

	if (rexec_init(&self) == -1 || stat("/proc/self/exe", &st) == -1) {
		log_warn("/proc/self/exe");
		return -1;
	}
	if ((size_t)snprintf(path, size, "%s/" NETPROC_NAME,
	    dirname(self.path)) < size && access(path, F_OK) == 0)
		return netproc_check_program(path, st.st_uid);
	strlcpy(path, PATH_NET, size);
	if (access(path, F_OK) == 0)
		return netproc_check_program(path, geteuid());
	log_warn("%s", path);
	return -1;
}

/* Whom sockstund-net runs as when we are root.  Returns 0, or -1. */
static int
netproc_find_ids(const struct servconf *conf, struct netproc_ids *ids)
{
	const struct passwd *pw;

	if ((pw = getpwnam(conf->privsep_user)) == NULL) {
		log_debug("Privilege separation user %s does not exist, "
		    "using %s", conf->privsep_user, NETPROC_FALLBACK_USER);
		pw = getpwnam(NETPROC_FALLBACK_USER);
	}
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

/* In the new process: confines it and executes the program. */
static void __attribute__((noreturn))
netproc_exec(const char *path, const struct netproc_ids *ids, int peer,
    int conn)
{
	const struct rlimit none = { 0, 0 };
	int fds[3] = { peer, conn, -1 };
	char name[] = NETPROC_NAME;
	char *argv[] = { name, NULL };
	char *env[] = { NULL, NULL };

	if (glibctune_variable() != NULL)
		env[0] = xstrdup(glibctune_variable());
	/* The path may lead through folders that only root can search. */
	if ((fds[2] = open(path, O_PATH | O_CLOEXEC)) == -1)
		fatal("%s", path);
	umask(077);
	if (chdir("/") == -1 || setrlimit(RLIMIT_CORE, &none) == -1)
		fatal("%s: cannot confine", NETPROC_NAME);
	if (geteuid() == 0 && (setgroups(1, &ids->gid) == -1 ||
	    account_set_ids(ids->uid, ids->gid) == -1))
		fatal("%s: cannot drop privileges", NETPROC_NAME);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("%s: no_new_privs", NETPROC_NAME);
	if (rexec_null_stdio(NETPROC_KEEP_STDERR) == -1)
		fatal("/dev/null");
	rexec_place_fds(fds, 3);
	fcntl(PRIVSEP_FD_CONN + 1, F_SETFD, FD_CLOEXEC);
	execve(path, argv, env);
	if (errno == EACCES)
		fexecve(PRIVSEP_FD_CONN + 1, argv, env);
	_exit(NETPROC_EXIT_EXEC);
}

/*
 * Starts sockstund-net, without any right, on a connection (-1: none, for a
 * test).  The caller still has conn.  Returns 0, or -1 after the reason was
 * logged.
 */
int
netproc_start(struct netproc *np, const struct servconf *conf, int conn)
{
	struct netproc_ids ids = { 0, 0 };
	char path[PATH_MAX];
	int pair[2];

	if (netproc_find(path, sizeof(path)) == -1 ||
	    (geteuid() == 0 && netproc_find_ids(conf, &ids) == -1))
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		log_warn("socketpair");
		return -1;
	}
	/* Our end alone: if it reads nothing, that must not stop us. */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ||
	    (np->pid = fork()) == -1) {
		log_warn("fork");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (np->pid == 0)
		netproc_exec(path, &ids, pair[1], conn);
	close(pair[1]);
	np->fd = pair[0];
	return 0;
}

/*
 * Sends PS_SETUP: what it shall do for that peer, or that it shall only test
 * the keys.  Returns 0, or -1 with errno.
 */
int
netproc_setup(const struct netproc *np, const struct servconf *conf,
    const struct hostkeys *keys, const char *peer, int test)
{
	struct privsep_setup setup = {
		.test = test,
		.log_level = conf->log_level,
		.max_auth_tries = conf->max_auth_tries,
		.max_flows = conf->max_flows,
		.window_budget = conf->window_budget,
		.alive_interval = conf->alive_interval,
		.alive_count = conf->alive_count,
		.pubkey_auth = conf->pubkey_auth,
		.peer = peer,
		.ciphers = conf->ciphers,
		.macs = conf->macs,
		.kex = conf->kex,
		.nkeys = (uint32_t)keys->n
	};
	struct msg m;
	size_t i;
	int ret, saved;

	for (i = 0; i < keys->n; i++) {
		setup.key[i].data = keys->key[i].data;
		setup.key[i].len = keys->key[i].len;
	}
	msg_init(&m, PS_SETUP, 0);
	privsep_put_setup(&m, &setup);
	ret = msg_send(np->fd, &m);
	saved = errno;
	msg_clear(&m);
	errno = saved;
	return ret;
}

/* Reaps it, killing it if it does not end by itself soon. */
static int
netproc_reap(pid_t pid)
{
	int i, status = 0;

	for (i = 0; i < NETPROC_STOP_TRIES; i++) {
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
netproc_stop(struct netproc *np, const char *peer)
{
	int status;

	close(np->fd);
	np->fd = -1;
	status = netproc_reap(np->pid);
	if (WIFSIGNALED(status))
		log_warnx("%s for %s: killed by signal %d (%s)", NETPROC_NAME,
		    peer, WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != NETPROC_EXIT_EXEC)
		return 0;
	log_warnx("%s cannot be executed", NETPROC_NAME);
	return -1;
}

/* Waits for PS_READY.  Returns 1, or 0 when it will not come. */
static int
netproc_await_ready(const struct netproc *np, int quiet)
{
	struct pollfd pfd = { np->fd, POLLIN, 0 };
	struct msg m;
	int ready = 0, go_on = 1;

	while (go_on && poll(&pfd, 1, NETPROC_TEST_TIMEOUT) > 0 &&
	    msg_recv(np->fd, &m) == 1) {
		if (m.type == PS_READY)
			ready = msg_end(&m) == 0;
		go_on = m.type == PS_LOG && privsep_log(&m, quiet ?
		    LOG_LEVEL_DEBUG : LOG_LEVEL_QUIET) == 0;
		msg_clear(&m);
	}
	return ready;
}

/* Does a sockstund-net take these keys?  1, 0, or -1 if none could start. */
static int
netproc_try_keys(const struct servconf *conf, const struct hostkeys *keys,
    int quiet)
{
	struct netproc np;
	int ready = 0;

	if (netproc_start(&np, conf, -1) == -1)
		return -1;
	if (netproc_setup(&np, conf, keys, "test", 1) == 0)
		ready = netproc_await_ready(&np, quiet);
	return netproc_stop(&np, "test") == -1 ? -1 : ready;
}

/*
 * Has a sockstund-net load the keys, all at once and, if that fails, one by
 * one; those it does not take are logged by the name of their file and taken
 * out.  Returns 0, or -1 when keys cannot be tested, or it cannot do what the
 * configuration says whatever the keys; the log says why.
 */
int
netproc_test_keys(const struct servconf *conf, struct hostkeys *keys)
{
	struct hostkeys one = { .n = 1 }, none = { .n = 0 };
	size_t i, before = keys->n;
	int r;

	if (keys->n > 0 && (r = netproc_try_keys(conf, keys, 1)) != 0)
		return r == 1 ? 0 : -1;
	if (netproc_try_keys(conf, &none, 0) != 1)
		return -1;
	for (i = 0; i < keys->n; ) {
		one.key[0] = keys->key[i];
		if ((r = netproc_try_keys(conf, &one, 0)) == -1)
			return -1;
		if (r == 1) {
			i++;
			continue;
		}
		log_warnx("Unable to load host key: %s", keys->key[i].path);
		hostkeys_remove(keys, i);
	}
	if (keys->n > 1 && keys->n == before) {
		log_warnx("Unable to load all host keys together");
		return -1;
	}
	return 0;
}
