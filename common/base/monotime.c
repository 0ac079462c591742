/* SPDX-License-Identifier: ISC */
/* The clock that only goes forward, whatever is done to the date. */
#include <sys/types.h>

#include <time.h>

#include "monotime.h"

/* Nanoseconds since some moment before the process began. */
int64_t
monotime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * MONOTIME_SECOND + ts.tv_nsec;
}
