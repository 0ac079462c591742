/* SPDX-License-Identifier: ISC */
/*
 * sockstun: the life of the process.  Its listeners are opened, a session is
 * set up, and clients are served until the process is told to end or the
 * session has ended for good.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/event.h>

#include "answers.h"
#include "clients.h"
#include "command.h"
#include "commands.h"
#include "control.h"
#include "eventloop.h"
#include "farend.h"
#include "fdlimit.h"
#include "glibctune.h"
#include "listeners.h"
#include "log.h"
#include "notify.h"
#include "options.h"
#include "passed.h"
#include "progress.h"
#include "query.h"
#include "session.h"
#include "sockstalk.h"
#include "stdfds.h"
#include "watchdog.h"

struct sockstun {
	int			 argc;
	char			**argv;
	struct options		 opt;
	struct options		 retired;	/* may be pointed at still */
	struct event_base	*base;
	struct passed		 passed;
	struct listeners	 listeners;
	pid_t			 pid;		/* whose they are */
	struct session		*session;
	struct clients		 clients;
	struct answers		 answers;
	struct control		*control;	/* NULL: none */
	struct progress		*progress;	/* NULL: not shown */
	struct event		*sigterm, *sigint, *sighup, *sigchld;
	pid_t			 command;
	int			 is_open;	/* listens */
	int			 stopping;	/* does so no more */
	int			 status;
};

static const struct sockstun *sockstun;		/* for remove_sockets() */

static void
stop(struct sockstun *s, int status)
{
	s->status = status;
	event_base_loopbreak(s->base);
}

static void
announce(struct sockstun *s)
{
	const struct listening *l = s->listeners.list;
	struct session_description d;
	size_t i;
	int told;

	session_describe(s->session, &d);
	for (i = 0; i < s->listeners.n; i++, l++) {
		told = !s->opt.quiet && isatty(STDERR_FILENO);
		if (l->free_port && !(told && isatty(STDOUT_FILENO)))
			printf("Listening on %s\n", l->name);
		if (told)
			fprintf(stderr, "sockstun: SOCKS on %s through %s@%s "
			    "(%s, %s)\n", l->name, d.conf->user,
			    d.conf->hostname, d.native ? "sockstund" :
			    "SSH server", d.cipher);
		log_verbose("SOCKS on %s through %s@%s%s%s", l->name,
		    d.conf->user, d.conf->hostname, *d.congestion != '\0' ?
		    ", congestion control " : "", d.congestion);
	}
	fflush(stdout);
}

static void
go_to_background(struct sockstun *s)
{
	int fd;

	if (daemon(1, 1) == -1)
		fatal("daemon");
	s->pid = getpid();
	if (event_reinit(s->base) == -1)
		fatalx("event_reinit failed");
	if ((fd = open("/dev/null", O_RDWR)) != -1) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		if (log_get_level() < LOG_LEVEL_DEBUG)
			dup2(fd, STDERR_FILENO);
		if (fd > STDERR_FILENO)
			close(fd);
	}
}

static void
start_command(struct sockstun *s)
{
	const struct listening *first = s->listeners.list;

	/* From now on the terminal is the command's. */
	progress_stop(s->progress);
	s->progress = NULL;
	s->command = command_start(s->opt.command, first->name,
	    first->name[0] == '/');
	if (s->command == -1)
		stop(s, EXIT_OWN);
}

/* The session is up for the first time: clients are let in. */
static void
open_for_clients(struct sockstun *s)
{
	announce(s);
	if (s->opt.conf.fork_after_auth)
		go_to_background(s);
	if (watchdog_start(s->base, WATCHDOG_SECONDS, log_in_signal,
	    NULL) == -1)
		fatalx("out of memory");
	listeners_start(&s->listeners, s->base, clients_accept_cb, &s->clients);
	if (s->opt.command != NULL)
		start_command(s);
	s->is_open = 1;
	notify_ready();
}

/* Tells the service manager, in words. */
static void
tell_manager(struct session *session)
{
	struct session_description d;

	session_describe(session, &d);
	switch (d.state) {
	case SESSION_UP:
		notify_status("Connected to %s", d.conf->hostname);
		break;
	case SESSION_WAITING:
		notify_status("%s is not reached: next attempt in %d.%d s",
		    d.conf->hostname, d.due / 1000, d.due % 1000 / 100);
		break;
	case SESSION_LOST:
		notify_status("Connection to %s lost: %s", d.conf->hostname,
		    d.reason);
		break;
	default:
		notify_status("%s: %s", d.conf->hostname,
		    session_state_name(d.state));
	}
}

static void
session_changed_cb(struct session *session, enum session_state state,
    void *arg)
{
	struct sockstun *s = arg;

	progress_update(s->progress);
	if (state == SESSION_UP && !s->is_open)
		open_for_clients(s);
	if (state == SESSION_CONNECTING)
		options_clear(&s->retired);
	if (state == SESSION_STOPPED)
		stop(s, EXIT_OWN);
	tell_manager(session);
	clients_set_farend(&s->clients, session_farend(session),
	    session_may_come(session));
}

static void
want_session_cb(void *arg)
{
	struct sockstun *s = arg;

	session_nudge(s->session, SESSION_WANTED);
}

/* Nobody is served any more: was that asked for? */
static void
idle_cb(void *arg)
{
	struct sockstun *s = arg;

	if (s->stopping)
		stop(s, 0);
}

/* Ends when the one who asked for it has been answered. */
static void
stop_soon(struct sockstun *s)
{
	static const struct timeval soon = { 0, 100000 };

	s->status = 0;
	event_base_loopexit(s->base, &soon);
}

/* No more clients; those that are there may finish. */
static void
order_stop(void *arg)
{
	struct sockstun *s = arg;

	listeners_close(&s->listeners);
	s->stopping = 1;
	if (TAILQ_EMPTY(&s->clients.conns))
		stop_soon(s);
}

static void
order_exit(void *arg)
{
	stop_soon(arg);
}

/* From now on it can be asked how it is. */
static void
open_control(struct sockstun *s)
{
	const char *path = s->opt.conf.control_path;
	int fd = passed_next(&s->passed, PASSED_CONTROL);

	if (fd == -1 && (path == NULL || strcasecmp(path, "none") == 0))
		return;
	s->answers.session = s->session;
	s->answers.clients = &s->clients;
	s->answers.listeners = &s->listeners;
	s->answers.stop = order_stop;
	s->answers.exit = order_exit;
	s->answers.arg = s;
	s->control = control_open(s->base, path, fd, answers_commands,
	    &s->answers);
}

static void
signal_cb(evutil_socket_t sig, short what, void *arg)
{
	struct sockstun *s = arg;

	log_verbose("Killed by signal %d.", (int)sig);
	stop(s, s->opt.command != NULL ? 128 + (int)sig : 0);
}

/* Holds from the next attempt on; listeners stay as they are. */
static void
reload(struct sockstun *s)
{
	struct options fresh, last = s->opt;
	char why[CONF_ERR_MAX];

	notify_reloading();
	if (options_reload(&fresh, s->argc, s->argv, why, sizeof(why)) == 0) {
		log_info("Configuration read again.");
		s->opt = fresh;
		session_set_targets(s->session, &s->opt.conf, s->opt.others,
		    s->opt.nothers);
		/* The session that is up has the one it was made with. */
		if (s->retired.host == NULL && session_farend(s->session) !=
		    NULL)
			s->retired = last;
		else
			options_clear(&last);
	} else
		log_warnx("Configuration not changed: %s", why);
	notify_ready();
}

/* Has this process a terminal, which may hang up? */
static int
has_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (fd == -1)
		return 0;
	close(fd);
	return 1;
}

static void
sighup_cb(evutil_socket_t sig, short what, void *arg)
{
	struct sockstun *s = arg;

	if (has_terminal())
		signal_cb(sig, what, arg);
	else
		reload(s);
}

static void
sigchld_cb(evutil_socket_t sig, short what, void *arg)
{
	struct sockstun *s = arg;
	int status;

	if (s->command <= 0 ||
	    waitpid(s->command, &status, WNOHANG) != s->command)
		return;
	s->command = 0;
	stop(s, command_status(status));
}

static struct event *
watch_signal(struct sockstun *s, int sig, event_callback_fn cb)
{
	struct event *ev = evsignal_new(s->base, sig, cb, s);

	if (ev == NULL || eventloop_watch(ev, NULL) == -1)
		fatalx("out of memory");
	return ev;
}

static void
run(struct sockstun *s)
{
	signal(SIGPIPE, SIG_IGN);
	if ((s->base = event_base_new()) == NULL || (s->session = session_new(
	    s->base, &s->opt.conf, s->opt.others, s->opt.nothers,
	    session_changed_cb, s)) == NULL)
		fatalx("out of memory");
	if (clients_init(&s->clients, s->base, &s->opt.conf, commands,
	    &sockstalk) == -1)
		fatalx("out of memory");
	s->clients.want = want_session_cb;
	s->clients.idle = idle_cb;
	s->clients.arg = s;
	open_control(s);
	if (notify_start(s->base) == -1)
		fatalx("out of memory");
	s->sigterm = watch_signal(s, SIGTERM, signal_cb);
	s->sigint = watch_signal(s, SIGINT, signal_cb);
	s->sighup = watch_signal(s, SIGHUP, sighup_cb);
	s->sigchld = watch_signal(s, SIGCHLD, sigchld_cb);
	session_start(s->session);
	if (log_get_level() == LOG_LEVEL_INFO && (s->progress =
	    progress_start(s->base, s->session)) == NULL)
		fatalx("out of memory");
	event_base_dispatch(s->base);
}

static void
clean_up(struct sockstun *s)
{
	if (s->command > 0)
		kill(s->command, SIGTERM);
	notify_stop();
	progress_stop(s->progress);
	control_close(s->control);
	clients_clear(&s->clients);
	session_free(s->session);
	listeners_close(&s->listeners);
	event_free(s->sigterm);
	event_free(s->sigint);
	event_free(s->sighup);
	event_free(s->sigchld);
	watchdog_stop();
	event_base_free(s->base);
}

/* However this process ends, but not when a child of it does. */
static void
remove_sockets(void)
{
	if (getpid() == sockstun->pid)
		listeners_unlink(&sockstun->listeners);
}

int
main(int argc, char **argv)
{
	static struct sockstun s;

	if (stdfds_open() == -1)
		return EXIT_OWN;
	glibctune_reexec(argv);
	s.argc = argc;
	s.argv = argv;
	options_parse(&s.opt, argc, argv);
	if (s.opt.dump)
		options_dump(&s.opt);
	else if (s.opt.ctl_cmd != NULL)
		s.status = query_run(s.opt.conf.control_path, s.opt.ctl_cmd);
	else {
		if (passed_take(&s.passed) == -1)
			exit(EXIT_OWN);
		if (s.opt.conf.dynamic_forwards.n == 0 && s.passed.n == 0)
			errx(EXIT_OWN, "nothing to do: no -D was given");
		fdlimit_raise();
		s.pid = getpid();
		sockstun = &s;
		if (atexit(remove_sockets) != 0)
			errx(EXIT_OWN, "out of memory");
		if (listeners_open(&s.listeners, &s.opt.conf,
		    &s.passed) == 0) {
			run(&s);
			clean_up(&s);
		} else {
			s.status = EXIT_OWN;
			listeners_close(&s.listeners);
		}
	}
	options_clear(&s.retired);
	options_clear(&s.opt);
	return s.status;
}
