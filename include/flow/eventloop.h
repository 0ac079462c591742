/* SPDX-License-Identifier: ISC */
/* The loop of a process that relays flows. */
#ifndef EVENTLOOP_H
#define EVENTLOOP_H

struct event_base	*eventloop_new(void);

#endif
