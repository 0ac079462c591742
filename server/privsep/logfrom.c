/* SPDX-License-Identifier: ISC */
/*
 * Lines of log from processes that an attacker may have taken over.  The
 * process that receives a line logs it by these functions, with the name of the
 * sender in front:
 *
 *	net[123] for alice from 192.0.2.1 port 5: flow 1: ...
 *
 * So none looks like a line of the monitor's, which programs that read logs
 * believe.  Each line is cut and escaped (log.h), and their number is limited.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "logfrom.h"
#include "monotime.h"
#include "privsep.h"
#include "ratelimit.h"

/* Lines a second of one connection, by the level of the log. */
static const u_int logfrom_lines[] = {
	[LOG_LEVEL_QUIET] = 20,
	[LOG_LEVEL_ERROR] = 20,
	[LOG_LEVEL_INFO] = 20,
	[LOG_LEVEL_VERBOSE] = 200,
	[LOG_LEVEL_DEBUG] = 2000,
	[LOG_LEVEL_DEBUG2] = 2000
};

/* For the connection of "alice from 192.0.2.1 port 5". */
void
logfrom_init(struct logfrom *from, const char *who)
{
	ratelimit_init(&from->limit, logfrom_lines[log_get_level()]);
	strlcpy(from->who, who, sizeof(from->who));
}

/* Counts a line that did not come. */
void
logfrom_lose(struct logfrom *from)
{
	from->limit.left_out++;
}

/* Tells how many lines were left out since that was last told, if any. */
void
logfrom_end(struct logfrom *from)
{
	u_int left_out = ratelimit_take(&from->limit);

	if (left_out > 0)
		log_info("%u lines of the processes for %s were left out",
		    left_out, from->who);
}

/* A line of that process, unless there are too many. */
void
logfrom_line(struct logfrom *from, const char *process, pid_t pid,
    const struct privsep_line *line)
{
	char text[sizeof(from->who) + sizeof(line->text) + 64];

	if (line->level > log_get_level() ||
	    !ratelimit_pass(&from->limit, monotime_ns()))
		return;
	logfrom_end(from);
	snprintf(text, sizeof(text), "%s[%ld] for %s: %s", process, (long)pid,
	    from->who, line->text);
	log_line(line->level, text);
}
