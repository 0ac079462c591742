/* SPDX-License-Identifier: ISC */
/* Small files, read whole. */
#ifndef SLURP_H
#define SLURP_H

#include <stddef.h>

void	*slurp(int, size_t, size_t *);

#endif
