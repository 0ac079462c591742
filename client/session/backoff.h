/* SPDX-License-Identifier: ISC */
/* How long to wait between two attempts. */
#ifndef BACKOFF_H
#define BACKOFF_H

struct backoff {
	int	 ms;		/* the last pause, before it was varied */
};

void	 backoff_reset(struct backoff *);
int	 backoff_next(struct backoff *);
int	 backoff_vary(int);

#endif
