/* SPDX-License-Identifier: ISC */
/*
 * Where the log goes.  A file is opened once, as standard error, and so
 * reaches the processes of users, who could not open it.
 */
#include <sys/types.h>
#include <sys/time.h>

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "logto.h"

/* Opens a log file as standard error.  Returns 0, or -1 with errno. */
int
logto_open_file(const char *path)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC,
	    0600);
	if (fd == -1 || dup2(fd, STDERR_FILENO) == -1)
		return -1;
	close(fd);
	return 0;
}

/* A line for a log file: with the time and the process. */
static void
logto_file_sink(enum log_level level, const char *text, void *arg)
{
	char line[4096], day[32];
	struct timeval tv;
	struct tm tm;
	int n;

	gettimeofday(&tv, NULL);
	localtime_r(&tv.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
	n = snprintf(line, sizeof(line), "%s.%03d sockstund[%ld]: %s\n", day,
	    (int)(tv.tv_usec / 1000), (long)getpid(), text);
	if (n > 0 && (size_t)n < sizeof(line) &&
	    write(STDERR_FILENO, line, n) == -1)
		return;
}

/* Logs there from now on; to syslog under that facility. */
void
logto_use(enum logto to, int facility)
{
	switch (to) {
	case LOGTO_SYSLOG:
		log_open_syslog(facility);
		break;
	case LOGTO_FILE:
		log_set_sink(logto_file_sink, NULL);
		break;
	case LOGTO_STDERR:
		break;
	}
}

/* The option by which sockstund, executed again, logs there; or NULL. */
const char *
logto_option(enum logto to)
{
	static const char *const options[] = {
		[LOGTO_SYSLOG] = NULL,
		[LOGTO_STDERR] = "-e",
		[LOGTO_FILE] = "-E/dev/stderr"
	};

	return options[to];
}
