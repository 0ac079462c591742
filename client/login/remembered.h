/* SPDX-License-Identifier: ISC */
/* What let the user in, for the sessions that come after. */
#ifndef REMEMBERED_H
#define REMEMBERED_H

struct remembered;
struct ssh_key_struct;

struct remembered *remembered_new(void);
void	 remembered_free(struct remembered *);

void	 remembered_set_key(struct remembered *, struct ssh_key_struct *,
	    struct ssh_key_struct *);
void	 remembered_set_agent_key(struct remembered *, const char *);
void	 remembered_set_password(struct remembered *, const char *);

struct ssh_key_struct *remembered_key(const struct remembered *);
const char *remembered_agent_key(const struct remembered *);
const char *remembered_password(const struct remembered *);

#endif
