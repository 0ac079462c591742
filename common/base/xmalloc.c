/* SPDX-License-Identifier: ISC */
/*
 * Allocation that ends the process when memory is out.  Not for sizes that a
 * peer chooses: those are allocated where they can fail.
 */
#include <sys/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xmalloc.h"

/* malloc(3) that does not fail; a size of 0 is taken as 1. */
void *
xmalloc(size_t size)
{
	void *p;

	if ((p = malloc(size == 0 ? 1 : size)) == NULL)
		fatal("cannot allocate %zu bytes", size);
	return p;
}

/* calloc(3) that does not fail; no members are taken as one byte. */
void *
xcalloc(size_t n, size_t size)
{
	void *p;

	if (n == 0 || size == 0)
		n = size = 1;
	if ((p = calloc(n, size)) == NULL)
		fatal("cannot allocate %zu times %zu bytes", n, size);
	return p;
}

/*
 * recallocarray(3) that does not fail: from oldn to n members, new ones zero.
 */
void *
xrecallocarray(void *old, size_t oldn, size_t n, size_t size)
{
	void *p;

	if ((p = recallocarray(old, oldn, n, size)) == NULL)
		fatal("cannot allocate %zu times %zu bytes", n, size);
	return p;
}

/* strdup(3) that does not fail. */
char *
xstrdup(const char *s)
{
	char *p;

	if ((p = strdup(s)) == NULL)
		fatal("cannot allocate %zu bytes", strlen(s) + 1);
	return p;
}

/* strndup(3) that does not fail: at most n bytes, always ended by a NUL. */
char *
xstrndup(const char *s, size_t n)
{
	char *p;

	if ((p = strndup(s, n)) == NULL)
		fatal("cannot allocate %zu bytes", n);
	return p;
}

/* asprintf(3) that does not fail; returns the length. */
int
xasprintf(char **ret, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(ret, fmt, ap);
	va_end(ap);
	if (n == -1)
		fatal("cannot format a string");
	return n;
}
