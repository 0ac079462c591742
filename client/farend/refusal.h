/* SPDX-License-Identifier: ISC */
/* What a far end's refusal of a channel means to a SOCKS client. */
#ifndef REFUSAL_H
#define REFUSAL_H

#include "socks.h"

enum socks_rep	 refusal_rep(int, const char *);
const char	*refusal_hint(int);

#endif
