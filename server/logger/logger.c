/* SPDX-License-Identifier: ISC */
/*
 * The logger, one for the daemon, without any right: it has the daemon's log,
 * which no process of a user may have, and writes what dialers send it, with
 * the name of the process in front (logfrom) and no more than so many lines a
 * second of each connection.  Monitors tell it of connections (logging.h).  It
 * ends when the listener and all monitors and dialers have, so that after
 * SIGHUP the one of before serves on what began before.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "eventloop.h"
#include "fdlimit.h"
#include "log.h"
#include "logfilter.h"
#include "logfrom.h"
#include "logger.h"
#include "logging.h"
#include "msg.h"
#include "privsep.h"
#include "watchdog.h"

#define LOGGER_BURST	16	/* messages read in one go */

static const char *const logger_processes[] = {
	[LOGGING_DIALER] = "dialer",
	[LOGGING_NET] = "net"
};

#define LOGGER_NPROCESSES	2

/* What sends the lines of one connection. */
struct channel {
	LIST_ENTRY(channel) entry;
	struct event	*ev;
	int		 fd;
	pid_t		 pid[LOGGER_NPROCESSES];
	struct logfrom	 from;
};

struct logger {
	struct event_base	*base;
	struct event		*ev_control;
	int			 control;
	LIST_HEAD(, channel)	 channels;
};

static void
channel_free(struct channel *ch)
{
	logfrom_end(&ch->from);
	LIST_REMOVE(ch, entry);
	if (ch->ev != NULL)
		event_free(ch->ev);
	close(ch->fd);
	free(ch);
}

/* Returns 0, or -1 for what no dialer of ours sends. */
static int
channel_take_line(struct channel *ch, struct msg *m)
{
	struct privsep_line line;

	if (m->type == LG_LINE && m->bad == ENOMEM) {
		logfrom_lose(&ch->from);
		return 0;
	}
	if (m->type != LG_LINE || m->id >= LOGGER_NPROCESSES || m->fd != -1 ||
	    privsep_get_log(m, &line) == -1)
		return -1;
	logfrom_line(&ch->from, logger_processes[m->id], ch->pid[m->id],
	    &line);
	return 0;
}

static void
channel_read_cb(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;
	struct msg m;
	int i, r;

	watchdog_note("lines of process", (unsigned long)ch->pid[0]);
	for (i = 0; i < LOGGER_BURST; i++) {
		r = msg_recv(ch->fd, &m);
		if (r == -1 && errno == EAGAIN)
			return;
		if (r == 1 && channel_take_line(ch, &m) == -1)
			r = -1;
		msg_clear(&m);
		if (r == -1)
			log_warnx("dialer[%ld] for %s: no line of log",
			    (long)ch->pid[LOGGING_DIALER], ch->from.who);
		if (r != 1) {
			channel_free(ch);
			return;
		}
	}
}

/* The descriptor is taken from the message. */
static void
logger_open_channel(struct logger *lg, struct msg *m)
{
	char who[LOGFROM_WHO_MAX];
	struct channel *ch;

	if ((ch = calloc(1, sizeof(*ch))) == NULL) {
		log_warn("a dialer's log");
		return;
	}
	msg_get_string(m, who, sizeof(who));
	ch->pid[LOGGING_DIALER] = (pid_t)msg_get_u32(m);
	ch->pid[LOGGING_NET] = (pid_t)msg_get_u32(m);
	if (msg_end(m) == -1 && errno == ENOMEM) {
		log_warn("message from a monitor");
		free(ch);
		return;
	}
	if (m->type != LG_OPEN || msg_end(m) == -1)
		fatalx("malformed message from a monitor");
	ch->fd = m->fd;
	m->fd = -1;
	logfrom_init(&ch->from, who);
	LIST_INSERT_HEAD(&lg->channels, ch, entry);
	ch->ev = event_new(lg->base, ch->fd, EV_READ | EV_PERSIST,
	    channel_read_cb, ch);
	if (ch->ev == NULL || eventloop_watch(ch->ev, NULL) == -1) {
		log_warnx("dialer[%ld] for %s: its log cannot be watched",
		    (long)ch->pid[LOGGING_DIALER], who);
		channel_free(ch);
	}
}

static void
logger_control_cb(evutil_socket_t fd, short what, void *arg)
{
	struct logger *lg = arg;
	struct msg m;
	int r;

	if ((r = msg_recv(lg->control, &m)) == -1 && errno != EAGAIN)
		log_warn("message from a monitor");
	if (r == 0)
		event_del(lg->ev_control);
	if (r != 1)
		return;
	if (m.fd == -1)
		log_warnx("no descriptor left for a dialer's log");
	else
		logger_open_channel(lg, &m);
	msg_clear(&m);
}

/*
 * Serves the monitors on that descriptor until they, and all whom they told of,
 * are gone.  The log must be open, and rights dropped.
 */
void
logger_main(int control)
{
	struct logger lg = { .control = control };
	struct channel *ch;

	signal(SIGPIPE, SIG_IGN);
	fdlimit_raise();
	LIST_INIT(&lg.channels);
	if ((lg.base = event_base_new()) == NULL ||
	    (lg.ev_control = event_new(lg.base, control, EV_READ | EV_PERSIST,
	    logger_control_cb, &lg)) == NULL ||
	    eventloop_watch(lg.ev_control, NULL) == -1)
		fatalx("no event loop");
	if (logfilter_enter() == -1)
		fatal("sandbox");
	if (watchdog_start(lg.base, WATCHDOG_SECONDS, log_in_signal,
	    NULL) == -1)
		fatalx("out of memory");
	/* The watchdog's event alone would keep the loop. */
	while (event_pending(lg.ev_control, EV_READ, NULL) ||
	    !LIST_EMPTY(&lg.channels))
		event_base_loop(lg.base, EVLOOP_ONCE);
	watchdog_stop();
	while ((ch = LIST_FIRST(&lg.channels)) != NULL)
		channel_free(ch);
	event_free(lg.ev_control);
	event_base_free(lg.base);
}
