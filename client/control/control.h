/* SPDX-License-Identifier: ISC */
/* The control socket: questions about a running sockstun, and orders to it. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdint.h>

struct control;
struct event_base;
struct json_t;

/* A word that may be said on the socket, and what is answered. */
struct control_command {
	const char	*name;
	/* An object, which is consumed; NULL without memory. */
	struct json_t	*(*answer)(void *);
	/* A list to be added to it under this name, if not NULL. */
	const char	*list;
	/*
	 * The next elements of it, as an array, which is consumed: those after
	 * the last ones, which are told by a number that is 0 at first and is
	 * set.  Empty at the end, NULL without memory.
	 */
	struct json_t	*(*slice)(void *, uint64_t *);
};

/* The version of the answers' form (sockstun(1)). */
#define CONTROL_VERSION	1
/* An answer that says why there is none. */
#define CONTROL_ERROR(why)	"{\"version\":1,\"error\":\"" why "\"}\n"
/* The longest request, with its newline. */
#define CONTROL_REQUEST_MAX	64

struct control	*control_open(struct event_base *, const char *, int,
		    const struct control_command *, void *);
void		 control_close(struct control *);
int		 control_connect(const char *);

#endif
