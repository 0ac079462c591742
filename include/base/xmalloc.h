/* SPDX-License-Identifier: ISC */
/*
 * Allocation that ends the process when memory is out: for start-up and for
 * sizes that no peer chooses.
 */
#ifndef XMALLOC_H
#define XMALLOC_H

#include <sys/types.h>

void	*xmalloc(size_t);
void	*xcalloc(size_t, size_t);
void	*xrecallocarray(void *, size_t, size_t, size_t);
char	*xstrdup(const char *);
char	*xstrndup(const char *, size_t);
int	 xasprintf(char **, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

#endif
