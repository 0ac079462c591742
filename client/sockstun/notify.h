/* SPDX-License-Identifier: ISC */
/* Tells a service manager how the service is. */
#ifndef NOTIFY_H
#define NOTIFY_H

struct event_base;

int	 notify_start(struct event_base *);
void	 notify_stop(void);
void	 notify_ready(void);
void	 notify_reloading(void);
void	 notify_status(const char *, ...)
	    __attribute__((format(printf, 1, 2)));

#endif
