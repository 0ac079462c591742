/* SPDX-License-Identifier: ISC */
/*
 * From a configuration to an authenticated SSH session, without blocking the
 * loop (but for questions asked on a terminal).
 */
#ifndef SSHCONNECT_H
#define SSHCONNECT_H

#include <sys/types.h>

#include "log.h"

struct cliconf;
struct event_base;
struct remembered;
struct resolver;
struct ssh_session_struct;
struct sshconnect;

enum sshconnect_result {
	SSHCONNECT_MADE,
	SSHCONNECT_UNREACHED,	/* or it ended before the user was let in */
	SSHCONNECT_UNKNOWN,	/* nobody knows the host's name */
	SSHCONNECT_REFUSED,	/* nothing listens there */
	SSHCONNECT_TIMED_OUT,	/* nothing answers there */
	SSHCONNECT_NO_ROUTE,	/* it cannot even be asked */
	SSHCONNECT_SILENT,	/* what is there says nothing */
	SSHCONNECT_CLOSED,	/* it ended the connection without a reason */
	SSHCONNECT_DENIED,	/* the server does not let the user in */
	SSHCONNECT_OTHER_KEY	/* it has not the key that is expected */
};

/*
 * The session, non-blocking and owned by the callee, or NULL after the reason
 * was logged.  The sshconnect frees itself after the call.
 */
typedef void sshconnect_cb(struct ssh_session_struct *,
		    enum sshconnect_result, void *);

struct sshconnect	*sshconnect_start(struct event_base *,
			    struct resolver *, const struct cliconf *,
			    struct remembered *, enum log_level,
			    sshconnect_cb *, void *);
int			 sshconnect_is_reached(const struct sshconnect *);
void			 sshconnect_describe(const struct sshconnect *, char *,
			    size_t);
void			 sshconnect_cancel(struct sshconnect *);

#endif
