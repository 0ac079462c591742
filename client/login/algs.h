/* SPDX-License-Identifier: ISC */
/* Which algorithms are offered, and in what order. */
#ifndef ALGS_H
#define ALGS_H

#include <sys/types.h>

struct cliconf;
struct ssh_session_struct;

char	*algs_expand(const char *, const char *);
char	*algs_prefer(const char *, const char *);
const char *algs_default_ciphers(void);
int	 algs_apply(struct ssh_session_struct *, const struct cliconf *,
	    const char *, char *, size_t);

#endif
