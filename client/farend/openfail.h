/* SPDX-License-Identifier: ISC */
/* What a far end's refusal of a channel means to a SOCKS client. */
#ifndef OPENFAIL_H
#define OPENFAIL_H

#include "socks.h"

enum socks_rep	 openfail_rep(int, const char *);
const char	*openfail_hint(int);

#endif
