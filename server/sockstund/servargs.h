/* SPDX-License-Identifier: ISC */
/* What the command line of sockstund says. */
#ifndef SERVARGS_H
#define SERVARGS_H

#include "log.h"
#include "logto.h"

struct servconf;

enum servargs_role {
	ROLE_START,		/* as an administrator starts it */
	ROLE_LISTENER,		/* executed again by SIGHUP */
	ROLE_MONITOR,
	ROLE_DIALER,
	ROLE_LOGGER
};

enum servargs_mode {
	MODE_SERVE,
	MODE_TEST,		/* -t */
	MODE_DUMP		/* -G, -T */
};

struct servargs {
	struct servconf	*conf;
	enum servargs_role role;
	enum servargs_mode mode;
	int		 foreground;	/* -D */
	int		 debug;		/* -d, how often */
	int		 verbose;	/* -v, how often */
	int		 to_stderr;	/* -e */
	int		 inetd;		/* -i */
	int		 quiet;		/* -q */
	int		 spec;		/* -C was given */
	const char	*conf_file;
	const char	*log_file;
};

void	 servargs_parse(struct servargs *, struct servconf *, int, char **);
enum servargs_role
	 servargs_role(int, char **);
enum logto
	 servargs_get_log(const struct servargs *);
enum log_level
	 servargs_get_level(const struct servargs *);

#endif
