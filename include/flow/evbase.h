/* SPDX-License-Identifier: ISC */
/* The loop of a process that relays flows. */
#ifndef EVBASE_H
#define EVBASE_H

struct event_base	*evbase_new(void);

#endif
