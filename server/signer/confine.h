/* SPDX-License-Identifier: ISC */
/* What sockstund-signer may do once it has its keys. */
#ifndef CONFINE_H
#define CONFINE_H

int	 confine_enter(int);

#endif
