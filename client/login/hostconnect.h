/* SPDX-License-Identifier: ISC */
/* A TCP connection to the configured host. */
#ifndef HOSTCONNECT_H
#define HOSTCONNECT_H

#include "log.h"

struct cliconf;
struct event_base;
struct hostconnect;
struct resolver;

/*
 * The descriptor, non-blocking and owned by the callee, or -1 after the
 * reason was logged.  The hostconnect is gone when it is called.
 */
typedef void hostconnect_cb(int, void *);

struct hostconnect	*hostconnect_start(struct event_base *,
		    struct resolver *,
		    const struct cliconf *, enum log_level, hostconnect_cb *,
		    void *);
void		 hostconnect_cancel(struct hostconnect *);

#endif
