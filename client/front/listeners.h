/* SPDX-License-Identifier: ISC */
/* The listeners of -D and DynamicForward. */
#ifndef LISTENERS_H
#define LISTENERS_H

#include <sys/types.h>

#include "listener.h"

struct cliconf;
struct event_base;
struct listeners;

struct listeners	*listeners_open(const struct cliconf *);
int			 listeners_start(struct listeners *,
			    struct event_base *, listener_cb *, void *);
void			 listeners_close(struct listeners *);
size_t			 listeners_count(const struct listeners *);
const char		*listeners_name(const struct listeners *, size_t);
int			 listeners_is_free_port(const struct listeners *,
			    size_t);
int			 listeners_is_unix(const struct listeners *, size_t);

#endif
