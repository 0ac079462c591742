/* SPDX-License-Identifier: ISC */
/*
 * Lines of log on their way to the logger, this process's own and those of
 * net.  If the logger does not take one, it is lost: nothing waits for it.
 */
#include <sys/types.h>

#include <stdint.h>

#include "log.h"
#include "logging.h"
#include "msg.h"
#include "privsep.h"
#include "report.h"

static void
report_send(int fd, enum logging_process process, enum log_level level,
    const char *text)
{
	struct msg m;

	msg_init(&m, LG_LINE, process);
	privsep_put_log(&m, level, text);
	(void)msg_send(fd, &m);
	msg_clear(&m);
}

static void
report_sink(enum log_level level, const char *text, void *arg)
{
	report_send((int)(intptr_t)arg, LOGGING_DIALER, level, text);
}

/* Lines of this process go to the logger at the other end of fd from now on. */
void
report_open(int fd)
{
	log_set_sink(report_sink, (void *)(intptr_t)fd);
}

/* A line that net sent. */
void
report_net_line(int fd, const struct privsep_line *line)
{
	report_send(fd, LOGGING_NET, line->level, line->text);
}
