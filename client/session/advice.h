/* SPDX-License-Identifier: ISC */
/* What a user can do about an attempt that failed. */
#ifndef ADVICE_H
#define ADVICE_H

#include "sshconnect.h"

const char	*advice_for(enum sshconnect_result);

#endif
