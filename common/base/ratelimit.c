/* SPDX-License-Identifier: ISC */
/*
 * Keeps what a peer can cause at will, such as a line of the log, to so many a
 * second.  What an event is, and what time it is, the caller knows.
 */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include "monotime.h"
#include "ratelimit.h"

/* Permits max events a second. */
void
ratelimit_init(struct ratelimit *r, u_int max)
{
	memset(r, 0, sizeof(*r));
	r->max = max;
}

/* May an event happen now (monotime_ns)?  1, or 0, and it is counted. */
int
ratelimit_pass(struct ratelimit *r, int64_t now)
{
	if (r->began == 0 || now - r->began >= MONOTIME_SECOND) {
		r->began = now;
		r->count = 0;
	}
	if (r->count >= r->max) {
		if (r->left_out < UINT32_MAX)
			r->left_out++;
		return 0;
	}
	r->count++;
	return 1;
}

/* How many could not happen since this was last asked. */
u_int
ratelimit_take(struct ratelimit *r)
{
	u_int n = r->left_out;

	r->left_out = 0;
	return n;
}
