/* SPDX-License-Identifier: ISC */
/* -O top: a view of a running sockstun that stays up to date. */
#ifndef TOP_H
#define TOP_H

int	top_run(const char *);

#endif
