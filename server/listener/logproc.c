/* SPDX-License-Identifier: ISC */
/*
 * Starts the logger, which gets the log that this process has and gives up its
 * rights by itself.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <unistd.h>

#include "log.h"
#include "logproc.h"
#include "rexec.h"

static void __attribute__((noreturn))
logproc_exec(const struct rexec *self, int control, int conf_fd)
{
	int fds[] = { control, conf_fd };

	if (setsid() == -1)
		log_warn("setsid");
	rexec_place_fds(fds, 2);
	rexec_run(self, "logger", environ);
	fatal("%s", self->path);
}

/*
 * Starts a logger, with the configuration.  The descriptor that was there is
 * closed.  Returns 0, or -1 after the reason was logged and with all as it was.
 */
int
logproc_start(struct logproc *lp, const struct rexec *self, int conf_fd)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1) {
		log_warn("logger: socketpair");
		return -1;
	}
	/* A logger that hangs must stop no monitor. */
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1 ||
	    (pid = rexec_fork()) == -1) {
		log_warn("logger: fork");
		close(pair[0]);
		close(pair[1]);
		return -1;
	}
	if (pid == 0)
		logproc_exec(self, pair[1], conf_fd);
	close(pair[1]);
	if (lp->fd != -1)
		close(lp->fd);
	lp->pid = pid;
	lp->fd = pair[0];
	return 0;
}
