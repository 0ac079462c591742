/* SPDX-License-Identifier: ISC */
/* A TCP connection to the configured host. */
#ifndef HOSTCONNECT_H
#define HOSTCONNECT_H

#include <sys/types.h>

#include "log.h"

struct cliconf;
struct event_base;
struct hostconnect;
struct resolver;

#define HOSTCONNECT_UNKNOWN	(-1)	/* nobody knows the host's name */

/*
 * The descriptor, non-blocking and owned by the callee, or -1 after the
 * reason was logged, which is an errno or the above.  The hostconnect is gone
 * when it is called.
 */
typedef void hostconnect_cb(int, int, void *);

struct hostconnect	*hostconnect_start(struct event_base *,
		    struct resolver *,
		    const struct cliconf *, enum log_level, hostconnect_cb *,
		    void *);
void		 hostconnect_describe(const struct hostconnect *, char *,
		    size_t);
void		 hostconnect_cancel(struct hostconnect *);

#endif
