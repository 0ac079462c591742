/* SPDX-License-Identifier: ISC */
/* What -O top shows, and how it is drawn with curses. */
#ifndef TOPVIEW_H
#define TOPVIEW_H

#include <sys/types.h>

#include "rows.h"

struct json_t;

struct topview {
	struct json_t	*status;	/* NULL: not known */
	double		 sent_rate;	/* of the session, bytes/s */
	double		 received_rate;
	struct rows	 rows;
	size_t		 first;		/* of them that is seen */
	enum row_key	 key;		/* by which they are sorted */
	int		 reverse;
	char		 filter[64];
	int		 editing;	/* the filter is being typed */
	char		 problem[256];	/* "" if there is none */
};

void	 topview_init(struct topview *);
void	 topview_forget(struct topview *);
int	 topview_set_status(struct topview *, struct json_t *);
void	 topview_sort(struct topview *, int);
int	 topview_scroll(struct topview *, int);
void	 topview_draw(struct topview *);

#endif
