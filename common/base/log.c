/* SPDX-License-Identifier: ISC */
/*
 * The one place that knows where log lines go: a sink, standard error, a file
 * or syslog.  A line is one write(2), so lines of several processes do not
 * mix, and holds printable ASCII and tabs only, whatever it was made from.
 * Every function here leaves errno as it was.
 */
#include <sys/types.h>
#include <sys/time.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "monotime.h"
#include "ratelimit.h"
#include "statusline.h"

#define LOG_TEXT_MAX	2048	/* bytes of a line, escaped */
#define LOG_PREFIX_MAX	128	/* time, program and process id */
#define LOG_PATIENCE	5000	/* ms for who reads the lines to go on */
#define LOG_EXIT	255	/* status of a process ended by fatal */

enum log_target {
	LOG_TO_STDERR,
	LOG_TO_FILE,
	LOG_TO_SYSLOG
};

static struct {
	const char	*progname;
	enum log_level	 level;
	enum log_target	 target;
	int		 fd;
	int		 in_sink;
	int		 named;		/* on standard error, too */
	int		 stalled;	/* nobody reads the lines */
	log_sink	*sink;
	void		*sink_arg;
} logger = {
	.progname = "sockstun",
	.level = LOG_LEVEL_INFO,
	.target = LOG_TO_STDERR,
	.fd = -1
};

/* The first name of a level is the one that is printed. */
static const struct {
	const char	*name;
	enum log_level	 level;
} log_names[] = {
	{ "QUIET",	LOG_LEVEL_QUIET },
	{ "FATAL",	LOG_LEVEL_QUIET },
	{ "ERROR",	LOG_LEVEL_ERROR },
	{ "INFO",	LOG_LEVEL_INFO },
	{ "VERBOSE",	LOG_LEVEL_VERBOSE },
	{ "DEBUG",	LOG_LEVEL_DEBUG },
	{ "DEBUG1",	LOG_LEVEL_DEBUG },
	{ "DEBUG2",	LOG_LEVEL_DEBUG2 },
	{ "DEBUG3",	LOG_LEVEL_DEBUG2 }
};

static const int log_priorities[] = {
	[LOG_LEVEL_QUIET] = LOG_CRIT,
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_VERBOSE] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	[LOG_LEVEL_DEBUG2] = LOG_DEBUG
};

#define LOG_NNAMES	(sizeof(log_names) / sizeof(log_names[0]))

/*
 * May a line be written?  Who reads them may be a terminal that was stopped or
 * a pipe that nobody empties: that is waited for once, and then lines are lost
 * until it goes on.
 */
static int
log_has_room(int fd)
{
	struct pollfd pfd = { fd, POLLOUT, 0 };

	logger.stalled = poll(&pfd, 1, logger.stalled ? 0 : LOG_PATIENCE) == 0;
	return !logger.stalled;
}

static void
log_to_fd(int fd, const char *prefix, const char *text)
{
	char line[LOG_PREFIX_MAX + LOG_TEXT_MAX + 1];
	int n;

	n = snprintf(line, sizeof(line), "%s%s\n", prefix, text);
	if (n < 0 || (size_t)n >= sizeof(line) || !log_has_room(fd))
		return;
	while (write(fd, line, (size_t)n) == -1 && errno == EINTR)
		;
}

static void
log_to_stderr(const char *text)
{
	char prefix[LOG_PREFIX_MAX] = "";

	if (logger.named)
		snprintf(prefix, sizeof(prefix), "%.64s: ", logger.progname);
	statusline_clear();
	log_to_fd(STDERR_FILENO, prefix, text);
}

static void
log_to_file(const char *text)
{
	char prefix[LOG_PREFIX_MAX], day[32];
	struct timeval tv;
	struct tm tm;

	gettimeofday(&tv, NULL);
	localtime_r(&tv.tv_sec, &tm);
	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(prefix, sizeof(prefix), "%s.%03d %.64s[%ld]: ", day,
	    (int)(tv.tv_usec / 1000), logger.progname, (long)getpid());
	log_to_fd(logger.fd, prefix, text);
}

static void
log_write(enum log_level level, const char *text)
{
	switch (logger.target) {
	case LOG_TO_STDERR:
		log_to_stderr(text);
		break;
	case LOG_TO_FILE:
		log_to_file(text);
		break;
	case LOG_TO_SYSLOG:
		syslog(log_priorities[level], "%s", text);
		break;
	}
}

/* A line that the sink itself logs goes where lines go without a sink. */
static void
log_deliver(enum log_level level, const char *text)
{
	if (logger.sink == NULL || logger.in_sink) {
		log_write(level, text);
		return;
	}
	logger.in_sink = 1;
	logger.sink(level, text, logger.sink_arg);
	logger.in_sink = 0;
}

/*
 * Copies n bytes of text, every byte but printable ASCII, and backslash if
 * asked, as backslash and three octal digits; cut at a whole escape.  By hand:
 * strnvis(3) differs between systems and may leave nothing where it must cut.
 */
static void
log_escape(const char *text, size_t n, int backslash, char *dst, size_t size)
{
	size_t i, len;
	u_char c;

	for (i = len = 0; i < n; i++) {
		c = (u_char)text[i];
		if ((c >= ' ' && c < 0x7f && (c != '\\' || !backslash)) ||
		    (c == '\t' && !backslash)) {
			if (len + 1 >= size)
				break;
			dst[len++] = (char)c;
		} else {
			if (len + 4 >= size)
				break;
			snprintf(dst + len, 5, "\\%03o", c);
			len += 4;
		}
	}
	if (size > 0)
		dst[len] = '\0';
}

static void
log_vadd(enum log_level level, int with_errno, const char *fmt, va_list ap)
{
	char text[LOG_TEXT_MAX];
	int n, saved = errno;

	if (level > logger.level)
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n < 0)
		strlcpy(text, fmt, sizeof(text));
	else if (with_errno && saved != 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ": %s",
		    strerror(saved));
	log_line(level, text);
	errno = saved;
}

/*
 * Sets the program's name (kept, not copied) and the level; lines go to
 * standard error if asked, else to syslog.  A sink that was set stays.
 */
void
log_init(const char *progname, enum log_level level, int to_stderr)
{
	logger.progname = progname;
	logger.level = level;
	if (to_stderr)
		logger.target = LOG_TO_STDERR;
	else
		log_open_syslog(LOG_DAEMON);
}

/*
 * Appends lines to a file from now on, each with time, program and process id.
 * The descriptor is close-on-exec and above 2, so closefrom(3) has to come
 * before this.  Returns 0, or -1 with errno and nothing changed.
 */
int
log_open_file(const char *path)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
	    0600);
	if (fd == -1)
		return -1;
	tzset();
	if (logger.fd != -1)
		close(logger.fd);
	logger.fd = fd;
	logger.target = LOG_TO_FILE;
	return 0;
}

/* Lines on standard error begin with the program's name from now on. */
void
log_name_lines(void)
{
	logger.named = 1;
}

/* Sends lines to syslog from now on, under a facility (LOG_DAEMON ...). */
void
log_open_syslog(int facility)
{
	int saved = errno;

	closelog();
	openlog(logger.progname, LOG_PID | LOG_NDELAY, facility);
	logger.target = LOG_TO_SYSLOG;
	errno = saved;
}

/* Hands lines that pass the level to a function instead; NULL undoes it. */
void
log_set_sink(log_sink *sink, void *arg)
{
	logger.sink = sink;
	logger.sink_arg = arg;
}

/* Lines above the level are dropped from now on. */
void
log_set_level(enum log_level level)
{
	logger.level = level;
}

/* The level that log_init or log_set_level set. */
enum log_level
log_get_level(void)
{
	return logger.level;
}

/* Reads the name of a LogLevel, in any case.  Returns 0, or -1 if unknown. */
int
log_parse_level(const char *name, enum log_level *level)
{
	size_t i;

	for (i = 0; i < LOG_NNAMES; i++) {
		if (strcasecmp(name, log_names[i].name) == 0) {
			*level = log_names[i].level;
			return 0;
		}
	}
	return -1;
}

/* The name of a level as LogLevel takes it, or "UNKNOWN". */
const char *
log_level_name(enum log_level level)
{
	size_t i;

	for (i = 0; i < LOG_NNAMES; i++) {
		if (log_names[i].level == level)
			return log_names[i].name;
	}
	return "UNKNOWN";
}

/*
 * Logs a line that is formatted already, perhaps by another process: newlines
 * at its end are dropped, any other byte but printable ASCII and tab appears
 * as an octal escape.
 */
void
log_line(enum log_level level, const char *text)
{
	char line[LOG_TEXT_MAX];
	size_t n;
	int saved = errno;

	if (level > logger.level)
		return;
	n = strlen(text);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	log_escape(text, n, 0, line, sizeof(line));
	log_deliver(level, line);
	errno = saved;
}

/*
 * Writes an error, of printable ASCII, where lines go without a sink, from
 * inside the handler of a signal after which the process ends.  Nothing is
 * allocated, but syslog(3) may wait for a lock that the process holds: who
 * calls this sees to it that the process ends all the same.
 */
void
log_in_signal(const char *text, void *arg)
{
	log_write(LOG_LEVEL_ERROR, text);
}

/* One line of a level, with_errno with the text of errno; see log.h. */
void
log_add(enum log_level level, int with_errno, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vadd(level, with_errno, fmt, ap);
	va_end(ap);
}

/* Logs how many lines the limit has left out since that was last logged. */
void
log_left_out(struct ratelimit *limit)
{
	u_int left_out = ratelimit_take(limit);

	if (left_out > 0)
		log_info("%u lines were left out", left_out);
}

/*
 * Logs a line at INFO if the limit permits one now; before it comes the count
 * of those that it did not permit.
 */
void
log_info_limited(struct ratelimit *limit, const char *fmt, ...)
{
	va_list ap;

	if (logger.level < LOG_LEVEL_INFO ||
	    !ratelimit_pass(limit, monotime_ns()))
		return;
	log_left_out(limit);
	va_start(ap, fmt);
	log_vadd(LOG_LEVEL_INFO, 0, fmt, ap);
	va_end(ap);
}

/* Logs, even at level QUIET, and exits with status 255. */
void
log_fatal(int with_errno, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vadd(LOG_LEVEL_QUIET, with_errno, fmt, ap);
	va_end(ap);
	exit(LOG_EXIT);
}

/*
 * Makes n bytes of a peer's text fit for a log line or a terminal: control
 * bytes, bytes above ASCII and backslash become octal escapes.  Cut to fit
 * size; returns the buffer.
 */
char *
log_safe(const char *text, size_t n, char *buf, size_t size)
{
	log_escape(text, n, 1, buf, size);
	return buf;
}
