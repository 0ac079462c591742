/* SPDX-License-Identifier: ISC */
/* The connections of two answers, one after the other: rates, order, filter. */
#ifndef ROWS_H
#define ROWS_H

#include <sys/types.h>
#include <stdint.h>

struct json_t;

/* What a column shows, and what can be sorted by. */
enum row_key {
	ROW_ID,
	ROW_PID,
	ROW_PROGRAM,
	ROW_CLIENT,
	ROW_COMMAND,
	ROW_DESTINATION,
	ROW_AGE,
	ROW_SENT,
	ROW_RECEIVED,
	ROW_SENT_RATE,
	ROW_RECEIVED_RATE,
	ROW_KEYS
};

/* A connection; the strings, printable, are the answer's. */
struct row {
	struct json_t	*flow;
	uint64_t	 id;
	long		 pid;		/* 0: not known */
	const char	*program;
	const char	*client;
	const char	*command;
	const char	*destination;
	double		 number[ROW_KEYS];	/* bytes, seconds, bytes/s */
};

struct rows {
	struct json_t	*answer;	/* NULL: none yet */
	struct row	*all;		/* in the order of their numbers */
	size_t		 n;
	struct row	**shown;	/* those that pass, in order */
	size_t		 nshown;
};

int	 rows_update(struct rows *, struct json_t *, const char *);
void	 rows_arrange(struct rows *, enum row_key, int, const char *);
void	 rows_clear(struct rows *);

#endif
