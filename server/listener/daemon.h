/* SPDX-License-Identifier: ISC */
/* The listener: accepts connections and starts a monitor for each. */
#ifndef DAEMON_H
#define DAEMON_H

#include <sys/types.h>

#include "logproc.h"
#include "nowhere.h"

struct rexec;
struct servconf;

#define DAEMON_SOCKETS_MAX	64

enum daemon_end {
	DAEMON_STOP,			/* SIGTERM and the like */
	DAEMON_RESTART			/* SIGHUP */
};

/* What the listener was made of, and what it hands to its monitors. */
struct daemon_config {
	const struct servconf	*conf;
	const struct rexec	*self;
	int			 conf_fd;	/* text of configuration */
	int			 keys_fd;	/* hostkeys_pack() */
	struct logproc		 logger;
	struct nowhere		 nowhere;
	int			 single;	/* -d: one connection only */
	int			 sockets[DAEMON_SOCKETS_MAX];
	size_t			 nsockets;
};

int	 daemon_bind(struct daemon_config *);
void	 daemon_exec_monitor(const struct daemon_config *, int, int)
	    __attribute__((noreturn));
enum daemon_end
	 daemon_run(struct daemon_config *, int *);

#endif
