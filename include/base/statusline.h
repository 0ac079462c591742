/* SPDX-License-Identifier: ISC */
/* A line on the terminal that is no line of the log, and does not stay. */
#ifndef STATUSLINE_H
#define STATUSLINE_H

void	 statusline_show(const char *, ...)
	    __attribute__((format(printf, 1, 2)));
void	 statusline_clear(void);

#endif
