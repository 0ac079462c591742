/* SPDX-License-Identifier: ISC */
/* What the dialer may still do before it takes its first request. */
#ifndef DIALFILTER_H
#define DIALFILTER_H

int	 dialfilter_enter(void);

#endif
