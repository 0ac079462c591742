/* SPDX-License-Identifier: ISC */
/* What the logger may still do once it has its log. */
#ifndef LOGFILTER_H
#define LOGFILTER_H

int	 logfilter_enter(void);

#endif
