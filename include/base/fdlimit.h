/* SPDX-License-Identifier: ISC */
/* How many descriptors the process may have. */
#ifndef FDLIMIT_H
#define FDLIMIT_H

int	fdlimit_raise(void);
int	fdlimit_for_new(void);

#endif
