/* SPDX-License-Identifier: ISC */
/* The listeners of -D and DynamicForward. */
#ifndef FRONT_H
#define FRONT_H

#include <sys/types.h>

#include "listener.h"

struct cliconf;
struct event_base;
struct front;

struct front	*front_open(const struct cliconf *);
int		 front_listen(struct front *, struct event_base *,
		    listener_cb *, void *);
void		 front_close(struct front *);
size_t		 front_count(const struct front *);
const char	*front_name(const struct front *, size_t);
int		 front_is_free_port(const struct front *, size_t);
int		 front_is_unix(const struct front *, size_t);

#endif
