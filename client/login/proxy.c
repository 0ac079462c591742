/* SPDX-License-Identifier: ISC */
/*
 * Owns the command that takes the place of a connection: ProxyCommand, or one
 * built from ProxyJump as ssh(1) does, run by the user's shell on one end of a
 * socket pair.
 * A small process of its own watches over it: when our end is closed the
 * command gets a moment, then SIGHUP; so nobody else keeps its pid, and it
 * leaves no zombie.  Knows nothing of SSH.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cliconf.h"
#include "destination.h"
#include "expand.h"
#include "log.h"
#include "proxy.h"
#include "xmalloc.h"

#define PROXY_GRACE	2000	/* ms between our close and SIGHUP */

/* Checks every hop; the last one is left in *hop. */
static int
proxy_parse_jump(struct destination *hop, const char *jump, char *errstr,
    size_t errsize)
{
	char	*copy, *next, *word;
	int	 ret = 0;

	memset(hop, 0, sizeof(*hop));
	next = copy = xstrdup(jump);
	while (ret == 0 && (word = strsep(&next, ",")) != NULL) {
		destination_clear(hop);
		ret = destination_parse(hop, word, DESTINATION_PORT);
		if (ret == 0)
			ret = expand_check_names(hop->host, hop->user, errstr,
			    errsize);
		if (ret == -1)
			snprintf(errstr, errsize,
			    "ProxyJump: bad host \"%.100s\"", word);
	}
	if (ret == -1)
		destination_clear(hop);
	free(copy);
	return ret;
}

/* ssh reads the file of -F too, and must not stop at keywords of our own. */
static char *
proxy_config_file(const struct cliconf *conf)
{
	char	*s, *own;

	if (conf->config_file == NULL ||
	    strchr(conf->config_file, '\'') != NULL)
		return xstrdup("");
	own = cliconf_own_keywords();
	xasprintf(&s, " -F '%s' -o IgnoreUnknown=%s", conf->config_file, own);
	free(own);
	return s;
}

/* An option as the shell reads it; no value that was checked has a quote. */
static char *
proxy_option(const char *option, const char *value, int quote)
{
	char	*s;

	if (value == NULL)
		return xstrdup("");
	xasprintf(&s, quote ? " %s '%s'" : " %s %s", option, value);
	return s;
}

static char *
proxy_jump_command(const struct cliconf *conf, const struct destination *hop)
{
	const char	*verbose = "", *comma;
	char		*extra = NULL, *user, *port, *jump, *file, *command;
	char		 num[8];

	if (log_get_level() >= LOG_LEVEL_DEBUG2)
		verbose = " -vvv";
	else if (log_get_level() == LOG_LEVEL_DEBUG)
		verbose = " -vv";
	else if (log_get_level() == LOG_LEVEL_VERBOSE)
		verbose = " -v";
	if ((comma = strrchr(conf->proxy_jump, ',')) != NULL)
		extra = xstrndup(conf->proxy_jump, comma - conf->proxy_jump);
	snprintf(num, sizeof(num), "%d", hop->port);
	user = proxy_option("-l", hop->user, 1);
	port = proxy_option("-p", hop->port != 0 ? num : NULL, 0);
	jump = proxy_option("-J", extra, 1);
	file = proxy_config_file(conf);
	xasprintf(&command, "ssh%s%s%s%s%s -W '[%s]:%d' %s", user, port, jump,
	    file, verbose, conf->hostname, conf->port, hop->host);
	free(file);
	free(extra);
	free(user);
	free(port);
	free(jump);
	return command;
}

/*
 * The command through which the configuration connects.  Returns 1 with the
 * command, to be freed; 0 when the connection is direct; -1 with a reason.
 */
int
proxy_command(const struct cliconf *conf, char **command, char *errstr,
    size_t errsize)
{
	struct destination	hop;

	*command = NULL;
	if (conf->proxy_command != NULL) {
		if (strcasecmp(conf->proxy_command, "none") == 0)
			return 0;
	} else if (conf->proxy_jump == NULL ||
	    strcasecmp(conf->proxy_jump, "none") == 0)
		return 0;
	if (expand_check_names(conf->hostname, conf->user, errstr,
	    errsize) == -1)
		return -1;
	if (conf->proxy_command != NULL) {
		*command = xstrdup(conf->proxy_command);
		return 1;
	}
	if (proxy_parse_jump(&hop, conf->proxy_jump, errstr, errsize) == -1)
		return -1;
	*command = proxy_jump_command(conf, &hop);
	destination_clear(&hop);
	return 1;
}

static void
proxy_exec(const char *command, int fd)
{
	const char	*shell;

	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1)
		_exit(1);
	closefrom(STDERR_FILENO + 1);
	shell = getenv("SHELL");
	if (shell == NULL || *shell == '\0')
		shell = _PATH_BSHELL;
	execl(shell, shell, "-c", command, (char *)NULL);
	perror(shell);
	_exit(127);
}

static void
proxy_sigchld(int sig)
{
}

/*
 * The loop's signal handlers write to descriptors that this process shares
 * with it: they must not run here.
 */
static void
proxy_reset_signals(void)
{
	struct sigaction	sa;
	int			sig;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	for (sig = 1; sig < NSIG; sig++)
		sigaction(sig, &sa, NULL);
}

/*
 * Waits until the command ends.  If the other end of fd is closed first, the
 * command has PROXY_GRACE to end by itself, then SIGHUP, then SIGKILL.
 * SIGCHLD must be blocked; open is the mask that lets ppoll() see it.
 */
static void
proxy_watch(pid_t pid, int fd, const sigset_t *open)
{
	const struct timespec	 grace = { PROXY_GRACE / 1000, 0 };
	const struct timespec	*timeout = NULL;
	struct pollfd		 pfd = { fd, 0, 0 };
	int			 n, nfds = 1, killed = 0;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		n = ppoll(&pfd, nfds, timeout, open);
		if (n > 0) {
			nfds = 0;
			close(fd);
			timeout = &grace;
		} else if (n == 0)
			kill(pid, killed++ ? SIGKILL : SIGHUP);
	}
	_exit(0);
}

/* The watching process: forks the command and outlives it. */
static void
proxy_supervise(const char *command, int fd)
{
	struct sigaction	 sa;
	sigset_t		 block, open;
	pid_t			 pid;

	proxy_reset_signals();
	sigemptyset(&open);
	sigprocmask(SIG_SETMASK, &open, NULL);
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = proxy_sigchld;
	sigaction(SIGCHLD, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, NULL);
	if ((pid = fork()) == -1)
		_exit(1);
	if (pid == 0) {
		sa.sa_handler = SIG_DFL;
		sigaction(SIGCHLD, &sa, NULL);
		sigprocmask(SIG_SETMASK, &open, NULL);
		proxy_exec(command, fd);
	}
	if (fd != STDERR_FILENO + 1) {
		if (dup2(fd, STDERR_FILENO + 1) == -1)
			_exit(1);
		fd = STDERR_FILENO + 1;
	}
	closefrom(fd + 1);
	proxy_watch(pid, fd, &open);
}

/* Forks twice, so that init and not the loop reaps the watching process. */
static int
proxy_fork(const char *command, int fd)
{
	sigset_t	all, saved;
	pid_t		pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &saved);
	if ((pid = fork()) == 0) {
		if (fork() == 0)
			proxy_supervise(command, fd);
		_exit(0);
	}
	sigprocmask(SIG_SETMASK, &saved, NULL);
	if (pid == -1) {
		log_warn("fork");
		return -1;
	}
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	return 0;
}

/*
 * Runs the command.  Returns our end of its pipes, non-blocking and
 * close-on-exec, or -1 after the reason was logged.  Closing it ends the
 * command.
 */
int
proxy_open(const char *command)
{
	char	*line;
	int	 pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		log_warn("socketpair");
		return -1;
	}
	xasprintf(&line, "exec %s", command);
	log_verbose("Executing proxy command: %.500s", line);
	ret = proxy_fork(line, pair[1]);
	free(line);
	close(pair[1]);
	if (ret == -1 || fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1) {
		close(pair[0]);
		return -1;
	}
	return pair[0];
}

/*
 * Takes the descriptor that a command with ProxyUseFdpass sent to our end of
 * its pipes.  Returns it, non-blocking and close-on-exec, or -1 after the
 * reason was logged.
 */
int
proxy_receive(int sock)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	char		 byte;
	struct iovec	 iov = { &byte, 1 };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr	*cmsg;
	int		 fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) == -1) {
		log_warn("ProxyCommand");
		return -1;
	}
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET ||
	    cmsg->cmsg_type != SCM_RIGHTS ||
	    cmsg->cmsg_len != CMSG_LEN(sizeof(int))) {
		log_warnx("ProxyCommand: no descriptor was passed");
		return -1;
	}
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		log_warn("ProxyCommand: descriptor");
		close(fd);
		return -1;
	}
	return fd;
}
