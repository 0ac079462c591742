/* SPDX-License-Identifier: ISC */
/* Descriptors 0 to 2 are taken before anything else can get them. */
#ifndef STDFDS_H
#define STDFDS_H

int	stdfds_open(void);

#endif
