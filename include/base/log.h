/* SPDX-License-Identifier: ISC */
/* Log lines to standard error, a file or syslog, by level. */
#ifndef LOG_H
#define LOG_H

#include <sys/types.h>

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
void	 log_in_signal(const char *, void *);

void	 log_add(enum log_level, int, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
void	 log_info_limited(struct ratelimit *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
void	 log_left_out(struct ratelimit *);
void	 log_fatal(int, const char *, ...)
	    __attribute__((noreturn, format(printf, 2, 3)));
char	*log_safe(const char *, size_t, char *, size_t);

/* An error, with and without the text of errno. */
#define log_warn(...)		log_add(LOG_LEVEL_ERROR, 1, __VA_ARGS__)
#define log_warnx(...)		log_add(LOG_LEVEL_ERROR, 0, __VA_ARGS__)
/* A line that an operator keeps, and those for -v, -vv and -vvv. */
#define log_info(...)		log_add(LOG_LEVEL_INFO, 0, __VA_ARGS__)
#define log_verbose(...)	log_add(LOG_LEVEL_VERBOSE, 0, __VA_ARGS__)
#define log_debug(...)		log_add(LOG_LEVEL_DEBUG, 0, __VA_ARGS__)
#define log_debug2(...)		log_add(LOG_LEVEL_DEBUG2, 0, __VA_ARGS__)
/* An error that ends the process, with and without the text of errno. */
#define fatal(...)		log_fatal(1, __VA_ARGS__)
#define fatalx(...)		log_fatal(0, __VA_ARGS__)

#endif
