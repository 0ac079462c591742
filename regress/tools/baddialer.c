/* SPDX-License-Identifier: ISC */
/*
 * What somebody would make of a dialer who had taken it over, to have the log
 * say what is not so: it writes to every descriptor that it has, and floods the
 * logger with lines that look like the monitor's.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "logging.h"
#include "msg.h"
#include "privsep.h"
#include "rexec.h"

#define FORGED	"Accepted publickey for root from 192.0.2.66 port 1 ssh2"
#define LINES	20000

static void
send_line(enum log_level level, uint32_t process, const char *text)
{
	struct msg m;

	msg_init(&m, LG_LINE, process);
	privsep_put_log(&m, level, text);
	msg_send(REXEC_DIALER_LOG, &m);
	msg_clear(&m);
}

int
main(void)
{
	static const char raw[] = FORGED ": raw\n";
	int fd, i;

	for (fd = 0; fd < 64; fd++) {
		if (fd == REXEC_DIALER_PEER || fd == REXEC_DIALER_LOG)
			continue;
		if (write(fd, raw, sizeof(raw) - 1) == -1)
			send(fd, raw, sizeof(raw) - 1, MSG_NOSIGNAL);
	}
	if ((i = fcntl(REXEC_DIALER_LOG, F_GETFL)) == -1)
		return 1;
	fcntl(REXEC_DIALER_LOG, F_SETFL, i & ~O_NONBLOCK);
	for (i = 0; i < LINES; i++)
		send_line(i % 2 ? LOG_LEVEL_QUIET : LOG_LEVEL_INFO,
		    i % 3 ? LOGGING_DIALER : LOGGING_NET,
		    i % 5 ? FORGED : "x\n" FORGED "\r" FORGED);
	/* Is no process of a connection. */
	send_line(LOG_LEVEL_INFO, LOGGING_NET + 1, FORGED);
	send_line(LOG_LEVEL_INFO, LOGGING_DIALER, "after what is malformed");
	return 0;
}
