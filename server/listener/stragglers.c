/* SPDX-License-Identifier: ISC */
/*
 * A monitor, which becomes a dialer, leads a process group, in which are the
 * other processes of its connection.  When it ends, they notice and end, too,
 * unless they were stopped or hang: then they are killed.  Their uids differ,
 * so they cannot do that to one another.
 *
 * One that leads a group and was stopped keeps its connection from going on,
 * and from being ended: it is killed, unless it goes on soon.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <signal.h>
#include <stdlib.h>

#include "deadlines.h"
#include "log.h"
#include "stragglers.h"

#define STRAGGLERS_END		2	/* seconds to end after the leader */
#define STRAGGLERS_STOP		10	/* seconds to go on */

struct straggler {
	TAILQ_ENTRY(straggler)	 entry;
	struct stragglers	*all;
	struct deadline		 deadline;
	pid_t			 pid;		/* the leader */
};

static void
straggler_free(struct straggler *s)
{
	deadline_stop(&s->deadline);
	TAILQ_REMOVE(&s->all->list, s, entry);
	free(s);
}

static void
stragglers_orphans_cb(void *arg)
{
	struct straggler *s = arg;

	if (kill(-s->pid, SIGKILL) == 0)
		log_warnx("what process %ld left did not end within %d "
		    "seconds: killed", (long)s->pid, STRAGGLERS_END);
	straggler_free(s);
}

static void
stragglers_stopped_cb(void *arg)
{
	struct straggler *s = arg;

	log_warnx("process %ld has been stopped for %d seconds: killed",
	    (long)s->pid, STRAGGLERS_STOP);
	kill(s->pid, SIGKILL);
	straggler_free(s);
}

/* Without memory for it there is nobody to wait for: at once, then. */
static void
straggler_add(struct stragglers *all, struct deadlines *d, pid_t pid)
{
	struct straggler *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		kill(-pid, SIGKILL);
		return;
	}
	s->all = all;
	s->pid = pid;
	TAILQ_INSERT_TAIL(&all->list, s, entry);
	deadline_set(&s->deadline, d, s);
}

static void
stragglers_forget(struct stragglers *all, pid_t pid)
{
	struct straggler *s;

	TAILQ_FOREACH(s, &all->list, entry) {
		if (s->pid == pid) {
			straggler_free(s);
			return;
		}
	}
}

/* Nobody yet; -1 when memory is out. */
int
stragglers_init(struct stragglers *all, struct event_base *base)
{
	TAILQ_INIT(&all->list);
	return deadlines_init(&all->orphans, base, STRAGGLERS_END,
	    stragglers_orphans_cb) == -1 || deadlines_init(&all->stopped, base,
	    STRAGGLERS_STOP, stragglers_stopped_cb) == -1 ? -1 : 0;
}

/* Waits for nobody any more. */
void
stragglers_clear(struct stragglers *all)
{
	struct straggler *s;

	while ((s = TAILQ_FIRST(&all->list)) != NULL)
		straggler_free(s);
	deadlines_clear(&all->orphans);
	deadlines_clear(&all->stopped);
}

/* A child that leads a group was stopped, goes on, or was reaped. */
void
stragglers_note(struct stragglers *all, const siginfo_t *si)
{
	stragglers_forget(all, si->si_pid);
	if (si->si_code == CLD_STOPPED)
		straggler_add(all, &all->stopped, si->si_pid);
	else if (si->si_code != CLD_CONTINUED && kill(-si->si_pid, 0) == 0)
		straggler_add(all, &all->orphans, si->si_pid);
}
