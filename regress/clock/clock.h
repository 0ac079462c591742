/* SPDX-License-Identifier: ISC */
/* The clock of a program that was linked with clock.o. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

#define CLOCK_SECOND	INT64_C(1000000000)

void	clock_move(int64_t);

#endif
