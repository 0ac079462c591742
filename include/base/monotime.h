/* SPDX-License-Identifier: ISC */
/* The clock that only goes forward. */
#ifndef MONOTIME_H
#define MONOTIME_H

#include <stdint.h>

#define MONOTIME_SECOND		INT64_C(1000000000)
#define MONOTIME_MILLISECOND	INT64_C(1000000)

int64_t	monotime_ns(void);

#endif
