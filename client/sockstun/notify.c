/* SPDX-License-Identifier: ISC */
/*
 * The protocol of sd_notify(3): datagrams of lines to the socket that
 * NOTIFY_SOCKET names.  It is so small, and stable by promise, that no library
 * is worth its weight here.  Where there is no such socket nothing is done.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "eventloop.h"
#include "log.h"
#include "monotime.h"
#include "notify.h"

#define NOTIFY_MAX	1024

/* A process has one service manager. */
static struct {
	int			 fd;
	struct sockaddr_un	 to;
	socklen_t		 len;
	struct event		*alive;
	struct timeval		 every;
} manager = { .fd = -1 };

/* Errors are nobody's business: the manager may be gone, and we go on. */
static void
notify_send(const char *text)
{
	if (manager.fd != -1)
		sendto(manager.fd, text, strlen(text), MSG_NOSIGNAL |
		    MSG_DONTWAIT, (struct sockaddr *)&manager.to, manager.len);
}

/* A path, or after "@" a name without one.  -1 if it is neither. */
static int
notify_address(const char *name)
{
	size_t len = strlen(name);

	if ((*name != '/' && *name != '@') ||
	    len >= sizeof(manager.to.sun_path)) {
		log_debug("NOTIFY_SOCKET is no socket's name");
		return -1;
	}
	manager.to.sun_family = AF_UNIX;
	memcpy(manager.to.sun_path, name, len);
	manager.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (*name == '@')
		manager.to.sun_path[0] = '\0';
	else
		manager.len++;
	return 0;
}

static void
notify_alive_cb(evutil_socket_t fd, short what, void *arg)
{
	notify_send("WATCHDOG=1");
	if (eventloop_watch(manager.alive, &manager.every) == -1)
		event_del(manager.alive);
}

/*
 * Half of the time within which the manager wants to hear of this process,
 * in microseconds; 0 if it does not.
 */
static long long
notify_interval(void)
{
	const char *pid = getenv("WATCHDOG_PID"), *text, *errstr;
	long long us;

	if ((text = getenv("WATCHDOG_USEC")) == NULL ||
	    (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	us = strtonum(text, 1, 86400LL * 1000000, &errstr);
	return errstr != NULL ? 0 : us / 2;
}

/*
 * Finds the manager by the environment, which our children do not get.  From
 * now on it hears regularly that the loop turns, if it wants to.  -1 when
 * memory is out.
 */
int
notify_start(struct event_base *base)
{
	const char *name = getenv("NOTIFY_SOCKET");
	long long us = notify_interval();
	int ret = 0;

	if (name != NULL && notify_address(name) == 0)
		manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager.fd != -1 && us > 0) {
		manager.every.tv_sec = us / 1000000;
		manager.every.tv_usec = us % 1000000;
		manager.alive = evtimer_new(base, notify_alive_cb, NULL);
		if (manager.alive == NULL)
			ret = -1;
		else
			notify_alive_cb(-1, 0, NULL);
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_PID");
	unsetenv("WATCHDOG_USEC");
	return ret;
}

/* The service ends. */
void
notify_stop(void)
{
	notify_send("STOPPING=1");
	if (manager.alive != NULL)
		event_free(manager.alive);
	manager.alive = NULL;
	if (manager.fd != -1)
		close(manager.fd);
	manager.fd = -1;
}

/* It serves, or does so again after it was reloaded. */
void
notify_ready(void)
{
	char text[64];

	snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld", (long)getpid());
	notify_send(text);
}

void
notify_reloading(void)
{
	char text[96];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
	    (long long)(monotime_ns() / 1000));
	notify_send(text);
}

/* The state in words: one line. */
void
notify_status(const char *fmt, ...)
{
	char text[NOTIFY_MAX] = "STATUS=", *p;
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	/* A line that follows would be another assignment. */
	for (p = text; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	notify_send(text);
}
