/* SPDX-License-Identifier: ISC */
/* A TCP connection to the configured host. */
#ifndef REACH_H
#define REACH_H

struct cliconf;
struct event_base;
struct reach;
struct resolver;

/*
 * The descriptor, non-blocking and owned by the callee, or -1 after the
 * reason was logged.  The reach is gone when it is called.
 */
typedef void reach_cb(int, void *);

struct reach	*reach_start(struct event_base *, struct resolver *,
		    const struct cliconf *, reach_cb *, void *);
void		 reach_cancel(struct reach *);

#endif
