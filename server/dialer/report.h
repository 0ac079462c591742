/* SPDX-License-Identifier: ISC */
/* The dialer's log, which the logger writes. */
#ifndef REPORT_H
#define REPORT_H

struct privsep_line;

void	 report_open(int);
void	 report_net_line(int, const struct privsep_line *);

#endif
