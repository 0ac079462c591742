/* SPDX-License-Identifier: ISC */
/* Tells when the network may have changed, or the machine has slept. */
#ifndef NETWATCH_H
#define NETWATCH_H

struct event_base;
struct netwatch;

/* Called from the loop, shortly after a change or several. */
typedef void netwatch_cb(void *);

struct netwatch	*netwatch_new(struct event_base *, netwatch_cb *, void *);
void		 netwatch_free(struct netwatch *);
int		 netwatch_is_ours(int);

#endif
