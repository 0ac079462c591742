/* SPDX-License-Identifier: ISC */
/* The control socket's answers as text for people. */
#ifndef TABLE_H
#define TABLE_H

#include <sys/types.h>

struct json_t;

void	 table_check(const struct json_t *);
void	 table_status(const struct json_t *);
void	 table_flows(const struct json_t *);
char	*table_bytes(double, char *, size_t);
char	*table_age(double, char *, size_t);

#endif
