/* SPDX-License-Identifier: ISC */
/* -O: asks a running sockstun. */
#ifndef QUERY_H
#define QUERY_H

#include <sys/types.h>

struct json_t;

/* A question on its way; the descriptor is -1 when there is none. */
struct query {
	int	 fd;
	char	*text;		/* of the answer, as far as it is there */
	size_t	 len;
	size_t	 size;
};

int	 query_open(struct query *, const char *, const char *);
int	 query_read(struct query *, struct json_t **, const char **);
void	 query_close(struct query *);
int	 query_run(const char *, const char *);

#endif
