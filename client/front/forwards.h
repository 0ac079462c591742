/* SPDX-License-Identifier: ISC */
/* The listeners of -D and DynamicForward. */
#ifndef FORWARDS_H
#define FORWARDS_H

#include <sys/types.h>

#include "listener.h"

struct cliconf;
struct event_base;
struct forwards;

struct forwards	*forwards_open(const struct cliconf *);
int		 forwards_listen(struct forwards *, struct event_base *,
		    listener_cb *, void *);
void		 forwards_close(struct forwards *);
size_t		 forwards_count(const struct forwards *);
const char	*forwards_name(const struct forwards *, size_t);
int		 forwards_is_free_port(const struct forwards *, size_t);
int		 forwards_is_unix(const struct forwards *, size_t);

#endif
