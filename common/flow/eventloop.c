/* SPDX-License-Identifier: ISC */
/* How libevent is set up in the processes that relay flows. */
#include <sys/types.h>

#include <event2/event.h>

#include "eventloop.h"

/*
 * A loop that hands its changes to epoll once a round: an event that is added
 * and deleted again in between, as happens with short flows, costs no system
 * call.  Not for a process that closes descriptors which other processes keep
 * open: epoll never learns of a deletion that follows the close, and reports
 * the socket for ever.  NULL when memory is out.
 */
struct event_base *
eventloop_new(void)
{
	struct event_config *conf;
	struct event_base *base;

	if ((conf = event_config_new()) == NULL)
		return NULL;
	event_config_set_flag(conf, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	base = event_base_new_with_config(conf);
	event_config_free(conf);
	return base;
}
