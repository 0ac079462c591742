/* SPDX-License-Identifier: ISC */
/* The patterns of ssh_config(5) PATTERNS and of address lists. */
#ifndef MATCH_H
#define MATCH_H

#include <sys/types.h>

struct addr;

int	match_pattern(const char *, const char *);
int	match_pattern_list(const char *, const char *, int);
int	match_hostname(const char *, const char *);
int	match_prefix(const u_char *, const u_char *, unsigned int);
int	match_parse_cidr(const char *, struct addr *, unsigned int *);
int	match_cidr(const struct addr *, const char *);
int	match_addr_list(const struct addr *, const char *, const char *);
int	match_user(const char *, const char *, const char *,
	    const struct addr *);

#endif
