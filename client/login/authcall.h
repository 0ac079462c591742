/* SPDX-License-Identifier: ISC */
/* libssh's calls of authentication, without waiting for what is known. */
#ifndef AUTHCALL_H
#define AUTHCALL_H

struct ssh_key_struct;
struct ssh_session_struct;

int	 authcall_publickey(struct ssh_session_struct *,
	    struct ssh_key_struct *);
int	 authcall_agent(struct ssh_session_struct *, const char *);

#endif
