/* SPDX-License-Identifier: ISC */
/* The connection that is standard input (-i). */
#ifndef INETD_H
#define INETD_H

int	 inetd_open(void);

#endif
