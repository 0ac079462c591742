/* SPDX-License-Identifier: ISC */
/* Log lines to standard error, a file or syslog, by level. */
#ifndef LOG_H
#define LOG_H

#include <sys/types.h>
#include <stdarg.h>

struct ratelimit;

/* For log_info_limited(): lines a second about what a peer can repeat. */
#define LOG_PEER_LINES	5

enum log_level {
	LOG_LEVEL_QUIET,	/* only fatal */
	LOG_LEVEL_ERROR,
	LOG_LEVEL_INFO,
	LOG_LEVEL_VERBOSE,	/* one -v */
	LOG_LEVEL_DEBUG,	/* two */
	LOG_LEVEL_DEBUG2	/* three */
};

/* Takes a line: its level, the finished text, and the sink's argument. */
typedef void log_sink(enum log_level, const char *, void *);

void	 log_init(const char *, enum log_level, int);
int	 log_open_file(const char *);
void	 log_name_lines(void);
void	 log_open_syslog(int);
void	 log_set_sink(log_sink *, void *);
void	 log_set_level(enum log_level);
enum log_level log_get_level(void);
int	 log_parse_level(const char *, enum log_level *);
const char *log_level_name(enum log_level);
void	 log_line(enum log_level, const char *);

void	 log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_warnx(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_info_limited(struct ratelimit *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
void	 log_left_out(struct ratelimit *);
void	 log_verbose(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 log_debug2(const char *, ...) __attribute__((format(printf, 1, 2)));
void	 fatal(const char *, ...)
	    __attribute__((noreturn, format(printf, 1, 2)));
void	 fatalx(const char *, ...)
	    __attribute__((noreturn, format(printf, 1, 2)));
char	*log_safe(const char *, size_t, char *, size_t);

#endif
