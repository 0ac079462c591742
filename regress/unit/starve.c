/* SPDX-License-Identifier: ISC */
/* Allocations of ours in this thread, also of events, one of which fails. */
#include <sys/types.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "starve.h"

/* A function with its arguments, in declarations and calls. */
#define WRAP(type, name, params, args)					\
type	__real_##name params;						\
type	__wrap_##name params;						\
type									\
__wrap_##name params							\
{									\
	return starve_now() ? NULL : __real_##name args;		\
}

static __thread int left;	/* allocations until the one that fails */
static __thread int fired;

/* The nth allocation from now fails, and no other; with 0 none does. */
void
starve(int n)
{
	left = n;
	if (n > 0)
		fired = 0;
}

/* Has the one failed that was to? */
int
starved(void)
{
	return fired;
}

static int
starve_now(void)
{
	if (left == 0 || --left > 0)
		return 0;
	fired = 1;
	errno = ENOMEM;
	return 1;
}

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, (void *p, size_t size), (p, size))
WRAP(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAP(void *, recallocarray, (void *p, size_t old, size_t n, size_t size),
    (p, old, n, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(struct event *, event_new, (struct event_base *base, evutil_socket_t fd,
    short what, event_callback_fn cb, void *arg), (base, fd, what, cb, arg))
