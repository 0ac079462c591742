/* SPDX-License-Identifier: ISC */
/*
 * Pauses that double from half a second to half a minute, varied so that
 * clients that lost one server together do not come back together.
 */
#include <sys/types.h>
#include <sys/param.h>

#include <stdlib.h>

#include "backoff.h"

#define BACKOFF_MIN	500	/* milliseconds */
#define BACKOFF_MAX	30000

/* The next pause is the shortest again. */
void
backoff_reset(struct backoff *b)
{
	b->ms = 0;
}

/* Milliseconds, 3/4 to 5/4 of the pause that is due. */
int
backoff_next(struct backoff *b)
{
	b->ms = b->ms == 0 ? BACKOFF_MIN : MIN(2 * b->ms, BACKOFF_MAX);
	return backoff_vary(b->ms);
}

/* The same of any pause. */
int
backoff_vary(int ms)
{
	return ms * 3 / 4 + (int)arc4random_uniform((uint32_t)ms / 2 + 1);
}
