/* SPDX-License-Identifier: ISC */
/*
 * Lines of log on their way to the logger, this process's own and those of
 * net.  If the logger does not take one, it is lost and counted (msgqueue.h):
 * nothing waits for it.
 */
#include <sys/types.h>

#include <stdio.h>

#include "log.h"
#include "logging.h"
#include "privsep.h"
#include "report.h"

/* Bytes of the line that tells of lost ones. */
#define REPORT_LOST_MAX	64

static int
report_try(const struct report *r, enum logging_process process,
    enum log_level level, const char *text)
{
	return privsep_send_log(r->fd, LG_LINE, process, level, text);
}

static void
report_send(struct report *r, enum logging_process process,
    enum log_level level, const char *text)
{
	char lost[REPORT_LOST_MAX];

	snprintf(lost, sizeof(lost), "%u lines were lost", r->lost);
	if (r->lost > 0 &&
	    report_try(r, LOGGING_DIALER, LOG_LEVEL_ERROR, lost) == 0)
		r->lost = 0;
	if (r->lost > 0 || report_try(r, process, level, text) == -1)
		report_lost(r);
}

static void
report_sink(enum log_level level, const char *text, void *arg)
{
	report_send(arg, LOGGING_DIALER, level, text);
}

/* Lines of this process go to the logger at the other end of fd from now on. */
void
report_open(struct report *r, int fd)
{
	r->fd = fd;
	r->lost = 0;
	log_set_sink(report_sink, r);
}

/* The last line of this process, as the watchdog says it. */
void
report_stuck(const char *text, void *arg)
{
	(void)report_try(arg, LOGGING_DIALER, LOG_LEVEL_ERROR, text);
}

/* A line that net sent. */
void
report_net_line(struct report *r, const struct privsep_line *line)
{
	report_send(r, LOGGING_NET, line->level, line->text);
}

/* One that was lost before it came here. */
void
report_lost(struct report *r)
{
	r->lost++;
}
