/* SPDX-License-Identifier: ISC */
/*
 * Memory that runs out, for a test that is linked with STARVE (unit.mk): each
 * allocation of ours fails in turn when what is tested is repeated so:
 *
 *	for (n = 1; n == 1 || starved(); n++) {
 *		starve(n);
 *		...
 *		starve(0);
 *	}
 */
#ifndef STARVE_H
#define STARVE_H

void	starve(int);
int	starved(void);

#endif
