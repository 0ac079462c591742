/* SPDX-License-Identifier: ISC */
/*
 * BIND at an SSH server that has no service for it: one connection to a port
 * that the server forwards.
 */
#ifndef BINDFALLBACK_H
#define BINDFALLBACK_H

#include "answer.h"

struct addr;
struct bindfallback;
struct event_base;
struct sshloop;

struct bindfallback	*bindfallback_start(struct event_base *,
			    struct sshloop *, const struct addr *,
			    farend_cb *, void *);
void			 bindfallback_cancel(struct bindfallback *);

#endif
