/* SPDX-License-Identifier: ISC */
/* Shows on the terminal what is waited for. */
#ifndef PROGRESS_H
#define PROGRESS_H

struct event_base;
struct progress;
struct session;

struct progress	*progress_start(struct event_base *, const struct session *);
void		 progress_update(struct progress *);
void		 progress_stop(struct progress *);

#endif
