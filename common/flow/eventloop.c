/* SPDX-License-Identifier: ISC */
/* How events are added to a loop. */
#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "eventloop.h"
#include "log.h"
#include "ratelimit.h"

#define EVENTLOOP_LINES	1	/* of log, a second */

/* libevent would write on standard error, as often as it likes. */
static void
eventloop_log_cb(int severity, const char *text)
{
	if (severity == EVENT_LOG_ERR)
		log_warnx("%s", text);
	else
		log_debug("%s", text);
}

/*
 * Adds an event; nothing else calls event_add(3).  One that cannot be added,
 * for want of memory or of watches (max_user_watches of epoll(7)), comes at
 * once instead, with EV_TIMEOUT: a deadline comes early, and a descriptor,
 * whose event has no timeout, is known not to be watched, so that its owner
 * ends what it serves.  Returns 0 with errno as it was, or -1 with errno
 * then: a timer that sets itself again must look, or it would come again and
 * again.
 */
int
eventloop_watch(struct event *ev, const struct timeval *tv)
{
	static struct ratelimit lines = { .max = EVENTLOOP_LINES };
	int error, saved = errno;

	event_set_log_callback(eventloop_log_cb);
	/* libevent tells nothing of a failed allocation. */
	errno = ENOMEM;
	if (event_add(ev, tv) == 0) {
		errno = saved;
		return 0;
	}
	error = errno;
	log_info_limited(&lines, "cannot watch descriptor %d: %s",
	    (int)event_get_fd(ev), strerror(error));
	event_active(ev, EV_TIMEOUT, 0);
	/* Others have their turn before it, even if this comes of itself. */
	event_base_loopcontinue(event_get_base(ev));
	errno = error;
	return -1;
}
