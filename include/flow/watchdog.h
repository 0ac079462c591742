/* SPDX-License-Identifier: ISC */
/* Ends a process whose loop does not turn any more, and says where it was. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

struct event_base;

/* Seconds without a turn of the loop, for most processes; at least 3. */
#define WATCHDOG_SECONDS	30

/* Writes the line, from inside the handler of a signal. */
typedef void watchdog_say(const char *, void *);

int	watchdog_start(struct event_base *, int, watchdog_say *, void *);
void	watchdog_note(const char *, unsigned long);
void	watchdog_stop(void);

#endif
