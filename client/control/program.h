/* SPDX-License-Identifier: ISC */
/* Whose the connections of clients on this machine are. */
#ifndef PROGRAM_H
#define PROGRAM_H

struct json_t;

void	program_find(struct json_t *, const char *);

#endif
