/* SPDX-License-Identifier: ISC */
/* How events are added to a loop. */
#ifndef EVENTLOOP_H
#define EVENTLOOP_H

struct event;
struct timeval;

int	eventloop_watch(struct event *, const struct timeval *);

#endif
