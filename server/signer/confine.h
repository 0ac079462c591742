/* SPDX-License-Identifier: ISC */
/* What sockstund-signer may do once it has its keys. */
#ifndef CONFINE_H
#define CONFINE_H

void	 confine_hide(void);
int	 confine_enter(void);

#endif
