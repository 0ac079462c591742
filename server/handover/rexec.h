/* SPDX-License-Identifier: ISC */
/*
 * What one of sockstund's processes hands to the next when it executes the
 * program again: descriptors at fixed numbers, and one option.
 */
#ifndef REXEC_H
#define REXEC_H

#include <sys/types.h>
#include <limits.h>

#include "privsep.h"

/* What "sockstund -R monitor" finds open. */
enum rexec_monitor_fd {
	REXEC_MONITOR_CONF = 3,		/* text of the configuration */
	REXEC_MONITOR_KEYS,		/* hostkeys_pack() */
	REXEC_MONITOR_CONN,		/* the client */
	REXEC_MONITOR_STARTUP,		/* closes when authenticated */
	REXEC_MONITOR_LOGGER,		/* logging.h */
	REXEC_MONITOR_NOWHERE		/* the descriptors of that */
};

/* What "sockstund -R dialer" finds open. */
enum rexec_dialer_fd {
	REXEC_DIALER_PEER = PRIVSEP_FD_PEER,
	REXEC_DIALER_CONF,
	REXEC_DIALER_CONTEXT,		/* context_pack() */
	REXEC_DIALER_LOG,		/* logging.h */
	REXEC_DIALER_END
};

/* What "sockstund -R logger" finds open, beside the log. */
enum rexec_logger_fd {
	REXEC_LOGGER_CONTROL = 3,	/* logging.h */
	REXEC_LOGGER_CONF
};

/* This program, as it will be executed again. */
struct rexec {
	char		 path[PATH_MAX];
	const char	*option;	/* of every role, or NULL */
};

#define REXEC_MEMFD_MAX		(1024 * 1024)

int	 rexec_init(struct rexec *);
int	 rexec_make_memfd(const char *, const void *, size_t);
u_char	*rexec_read_memfd(int, size_t *);
void	 rexec_place_fds(int *, size_t);
int	 rexec_null_stdio(int);
pid_t	 rexec_fork(void);
void	 rexec_run(const struct rexec *, const char *, char *const []);

#endif
