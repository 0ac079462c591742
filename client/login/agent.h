/* SPDX-License-Identifier: ISC */
/* The ssh-agent, showing libssh only the keys that may be tried. */
#ifndef AGENT_H
#define AGENT_H

#include <sys/types.h>

struct agent;
struct cliconf;
struct conf_list;

/* One key of an agent's answer; the bytes are those of the answer. */
struct agent_key {
	const u_char	*blob;
	size_t		 blob_len;
	const u_char	*comment;
	size_t		 comment_len;
	char		*b64;		/* the blob, owned */
};

struct agent	*agent_open(const struct cliconf *, const struct conf_list *);
void		 agent_close(struct agent *);
int		 agent_take_fd(struct agent *);
int		 agent_late_fd(struct agent *);
const char	*agent_signed_with(const struct agent *);
const char	*agent_key(const struct agent *, size_t);
int		 agent_holds(const struct agent *, const char *);

int		 agent_parse_keys(const u_char *, size_t, struct agent_key **,
		    size_t *);
void		 agent_free_keys(struct agent_key *, size_t);
char		*agent_base64(const u_char *, size_t);

#endif
