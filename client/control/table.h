/* SPDX-License-Identifier: ISC */
/* The control socket's answers as text for people. */
#ifndef TABLE_H
#define TABLE_H

#include <sys/types.h>

struct json_t;

void	 table_check(const struct json_t *);
void	 table_status(const struct json_t *);
void	 table_flows(const struct json_t *);
void	 table_clean(struct json_t *);
const char *table_text(const struct json_t *, const char *);
double	 table_number(const struct json_t *, const char *);
char	*table_bytes(double, char *, size_t);
char	*table_age(double, char *, size_t);

#endif
