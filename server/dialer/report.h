/* SPDX-License-Identifier: ISC */
/* The dialer's log, which the logger writes. */
#ifndef REPORT_H
#define REPORT_H

#include <sys/types.h>

struct privsep_line;

struct report {
	int	 fd;	/* the logger */
	u_int	 lost;	/* lines, of which it was not told yet */
};

void	 report_open(struct report *, int);
void	 report_stuck(const char *, void *);
void	 report_net_line(struct report *, const struct privsep_line *);
void	 report_lost(struct report *);

#endif
