/* SPDX-License-Identifier: ISC */
/* The control socket: questions about a running sockstun, and orders to it. */
#ifndef CONTROL_H
#define CONTROL_H

struct control;
struct event_base;
struct json_t;

/* A word that may be said on the socket, and what is answered. */
struct control_command {
	const char	*name;
	/* An object, which is consumed; NULL without memory. */
	struct json_t	*(*answer)(void *);
};

/* The version of the answers' form (sockstun(1)). */
#define CONTROL_VERSION	1
/* The longest request, with its newline. */
#define CONTROL_REQUEST_MAX	64

struct control	*control_open(struct event_base *, const char *, int,
		    const struct control_command *, void *);
void		 control_close(struct control *);
int		 control_connect(const char *);

#endif
