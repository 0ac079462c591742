/* SPDX-License-Identifier: ISC */
/* -O: asks a running sockstun. */
#ifndef QUERY_H
#define QUERY_H

struct json_t;

struct json_t	*query_ask(const char *, const char *);
int		 query_run(const char *, const char *);

#endif
