/* SPDX-License-Identifier: ISC */
/*
 * The watchdog is a timer of the kernel's, in real time, which the loop sets
 * anew again and again:
 *
 *	turning --- no turn ---> doubtful --- still none ---> the line, the end
 *	   ^                         |
 *	   '--------- a turn --------'
 *
 * A process that was stopped for a while finds the first alarm waiting for it
 * when it goes on.  It has until the second one to turn, and so lives on.
 */
#include <sys/types.h>
#include <sys/time.h>

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "eventloop.h"
#include "watchdog.h"

#define WATCHDOG_LAST	2	/* seconds between the two alarms */
#define WATCHDOG_TEXT	192	/* bytes of the line */
#define WATCHDOG_EXIT	255

/* A signal's handler has no argument by which to pass this. */
static struct {
	const char	*volatile where;
	volatile unsigned long number;
	volatile sig_atomic_t doubtful;
	int		 seconds;
	watchdog_say	*say;
	void		*arg;
	struct event	*ev_turn;
} dog;

static void
watchdog_set(int seconds)
{
	struct itimerval limit = { .it_value = { .tv_sec = seconds } };

	setitimer(ITIMER_REAL, &limit, NULL);
}

static void
watchdog_add(char *text, const char *more)
{
	strlcat(text, more, WATCHDOG_TEXT);
}

/* By hand, since printf(3) is not for a signal's handler. */
static void
watchdog_add_number(char *text, unsigned long n)
{
	char digits[24], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + n % 10);
	} while ((n /= 10) > 0);
	watchdog_add(text, p);
}

static void
watchdog_say_it(void)
{
	char text[WATCHDOG_TEXT] = "stuck for ";

	watchdog_add_number(text, (unsigned long)dog.seconds);
	watchdog_add(text, " seconds in ");
	watchdog_add(text, dog.where);
	if (dog.number != 0) {
		watchdog_add(text, " ");
		watchdog_add_number(text, dog.number);
	}
	dog.say(text, dog.arg);
}

static void
watchdog_alarm(int sig)
{
	if (!dog.doubtful) {
		dog.doubtful = 1;
		watchdog_set(WATCHDOG_LAST);
		return;
	}
	/* If the line cannot be written either, the third alarm is the end. */
	signal(SIGALRM, SIG_DFL);
	watchdog_set(WATCHDOG_LAST);
	watchdog_say_it();
	_exit(WATCHDOG_EXIT);
}

static void
watchdog_turn_cb(evutil_socket_t fd, short what, void *arg)
{
	dog.doubtful = 0;
	watchdog_set(dog.seconds - WATCHDOG_LAST);
}

/*
 * From now on the process ends, with status 255, when its loop has not turned
 * for so many seconds; "say" gets a line that tells where it was.  There is
 * one watchdog in a process, and it does not outlive a fork.  -1 when memory
 * is out.
 */
int
watchdog_start(struct event_base *base, int seconds, watchdog_say *say,
    void *arg)
{
	/* Not deferred: the last alarm comes while the second is handled. */
	struct sigaction sa = {
		.sa_handler = watchdog_alarm,
		.sa_flags = SA_RESTART | SA_NODEFER
	};
	long us = (seconds - WATCHDOG_LAST) * 1000000L / 4;
	struct timeval every = { us / 1000000, us % 1000000 };

	dog.where = "its loop";
	dog.number = 0;
	dog.seconds = seconds;
	dog.say = say;
	dog.arg = arg;
	dog.ev_turn = event_new(base, -1, EV_PERSIST, watchdog_turn_cb, NULL);
	if (dog.ev_turn == NULL || eventloop_watch(dog.ev_turn, &every) == -1) {
		watchdog_stop();
		return -1;
	}
	sigaction(SIGALRM, &sa, NULL);
	watchdog_turn_cb(-1, 0, NULL);
	return 0;
}

/*
 * What the process does from now on: a text that stays, "a round of the SSH
 * session", and which one, or 0.
 */
void
watchdog_note(const char *where, unsigned long number)
{
	dog.where = where;
	dog.number = number;
}

/* Ends the watch, if there is one, before the loop is freed. */
void
watchdog_stop(void)
{
	if (dog.ev_turn == NULL)
		return;
	watchdog_set(0);
	event_free(dog.ev_turn);
	dog.ev_turn = NULL;
}
