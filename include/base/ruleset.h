/* SPDX-License-Identifier: ISC */
/*
 * Which destinations may be dialed: the host:port lists of PermitOpen,
 * permitopen= and DenyOpen, asked first with the name and then with each
 * address.
 */
#ifndef RULESET_H
#define RULESET_H

#include <sys/types.h>

struct addr;
struct ruleset;

enum ruleset_verdict {
	RULESET_DENY,		/* no rule can permit it */
	RULESET_PERMIT,		/* permitted whatever it resolves to */
	RULESET_ASK_ADDR	/* a name: ask again with each address */
};

struct ruleset	*ruleset_new(void);
void		 ruleset_free(struct ruleset *);
int		 ruleset_add(struct ruleset *, const char *);
int		 ruleset_add_none(struct ruleset *);
size_t		 ruleset_count(const struct ruleset *);
const char	*ruleset_get(const struct ruleset *, size_t);
enum ruleset_verdict
		 ruleset_check(const struct ruleset *, const struct addr *);
enum ruleset_verdict
		 ruleset_check_host(const struct ruleset *,
		    const struct addr *);
int		 ruleset_covers(const struct ruleset *, const struct addr *,
		    int);
int		 ruleset_names(const struct ruleset *, const struct addr *,
		    u_int, int);

#endif
