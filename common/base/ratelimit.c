/* SPDX-License-Identifier: ISC */
/*
 * Limits what a peer can cause at will, such as lines of the log, to so many a
 * second.  The caller knows what an event is, and what time it is.
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

/* May an event happen now (monotime_ns)?  Returns 1, or counts it and 0. */
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

/* The number of events that were left out since the last call. */
u_int
ratelimit_take(struct ratelimit *r)
{
	u_int n = r->left_out;

	r->left_out = 0;
	return n;
}
