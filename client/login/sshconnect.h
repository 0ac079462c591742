/* SPDX-License-Identifier: ISC */
/*
 * From a configuration to an authenticated SSH session, without blocking the
 * loop (but for questions asked on a terminal).
 */
#ifndef SSHCONNECT_H
#define SSHCONNECT_H

struct cliconf;
struct event_base;
struct resolver;
struct ssh_session_struct;
struct sshconnect;

/*
 * The session, non-blocking and owned by the callee, or NULL after the reason
 * was logged.  The sshconnect frees itself after the call.
 */
typedef void sshconnect_cb(struct ssh_session_struct *, void *);

struct sshconnect	*sshconnect_start(struct event_base *,
			    struct resolver *, const struct cliconf *,
			    sshconnect_cb *, void *);
void			 sshconnect_cancel(struct sshconnect *);

#endif
