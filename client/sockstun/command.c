/* SPDX-License-Identifier: ISC */
/*
 * Owns how the user's command is run once the proxy is ready: the environment
 * that tells it the proxy's address, and what its exit status is here.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "log.h"
#include "xmalloc.h"

/* The exit statuses by which shells tell why a command did not run. */
#define COMMAND_NOT_FOUND	127
#define COMMAND_NOT_RUN		126

static void
command_set_environment(const char *listener, int is_unix)
{
	char *url;

	setenv("SOCKSTUN_PROXY", listener, 1);
	if (is_unix)
		xasprintf(&url, "socks5h://localhost%s", listener);
	else
		xasprintf(&url, "socks5h://%s", listener);
	setenv("ALL_PROXY", url, 1);
	setenv("all_proxy", url, 1);
	free(url);
}

/*
 * Starts argv with ALL_PROXY, all_proxy and SOCKSTUN_PROXY naming a listener.
 * Returns its process id, or -1 after the reason was logged.
 */
pid_t
command_start(char *const argv[], const char *listener, int is_unix)
{
	sigset_t none;
	pid_t pid;

	if ((pid = fork()) == -1)
		log_warn("fork");
	if (pid != 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	command_set_environment(listener, is_unix);
	execvp(argv[0], argv);
	warn("%s", argv[0]);	/* also with -q: it is the command's error */
	_exit(errno == ENOENT ? COMMAND_NOT_FOUND : COMMAND_NOT_RUN);
}

/* The exit status for what waitpid(2) said of the command, as shells do it. */
int
command_status(int status)
{
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}
