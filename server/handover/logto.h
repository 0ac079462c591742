/* SPDX-License-Identifier: ISC */
/* Where a process logs, and how the one that it becomes is told. */
#ifndef LOGTO_H
#define LOGTO_H

enum logto {
	LOGTO_SYSLOG,
	LOGTO_STDERR,
	LOGTO_FILE		/* open as standard error */
};

int	 logto_open_file(const char *);
void	 logto_use(enum logto, int);
const char *logto_option(enum logto);

#endif
