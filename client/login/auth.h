/* SPDX-License-Identifier: ISC */
/* Authentication to the far end, one step at a time. */
#ifndef AUTH_H
#define AUTH_H

struct auth;
struct cliconf;
struct remembered;
struct ssh_session_struct;

#define AUTH_NO_PASSWORDS	0x01	/* the host key is not to be trusted */

enum auth_result {
	AUTH_AGAIN,	/* waiting for the server, or auth_late_fd() */
	AUTH_OK,
	AUTH_DENIED,	/* the reason was logged */
	AUTH_LOST	/* the session is gone */
};

struct auth	*auth_new(struct ssh_session_struct *, const struct cliconf *,
		    struct remembered *, int);
void		 auth_free(struct auth *);
enum auth_result auth_step(struct auth *);
int		 auth_late_fd(const struct auth *);
const char	*auth_method(const struct auth *);

#endif
