/* SPDX-License-Identifier: ISC */
/*
 * sockstun-server: what a stock sshd(8) cannot do for sockstun, on standard
 * input and output.  It runs as the user who logged in, with that user's
 * rights and no rules of its own.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <err.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <event2/event.h>

#include "destrules.h"
#include "eventloop.h"
#include "kinds.h"
#include "log.h"
#include "request.h"
#include "resolver.h"
#include "services.h"
#include "stdfds.h"
#include "stream.h"
#include "udpsock.h"
#include "version.h"
#include "watchdog.h"

#define SERVER_EXIT_FAILED	255
#define SERVER_THREADS		4	/* that resolve names */
#define SERVER_LOOKUP		60	/* seconds for a name */
#define SERVER_LOOK		2	/* seconds between two looks */

struct server {
	struct event_base	*base;
	struct services		 services;
	struct request		*serving;
	enum request_end	 end;
};

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: sockstun-server [-eV] [-l log_level]\n");
	exit(1);
}

static void
server_parse(int argc, char **argv)
{
	enum log_level level = LOG_LEVEL_INFO;
	int ch, to_stderr = 0;

	while ((ch = getopt(argc, argv, "el:V")) != -1) {
		switch (ch) {
		case 'e':
			to_stderr = 1;
			break;
		case 'l':
			if (log_parse_level(optarg, &level) == -1)
				errx(1, "unknown log level \"%s\"", optarg);
			break;
		case 'V':
			fprintf(stderr, "sockstun-server_%s\n",
			    SOCKSTUN_VERSION);
			exit(0);
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	log_init("sockstun-server", level, to_stderr);
	if (!to_stderr)
		log_open_syslog(LOG_AUTH);
}

/* On a terminal it would wait for a request for ever: says what it is for. */
static void
server_check_fd(int fd, const char *name)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		err(1, "standard %s", name);
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode))
		errx(1, "standard %s is neither a pipe nor a socket: this "
		    "program is started by sshd for sockstun", name);
	if (evutil_make_socket_nonblocking(fd) == -1)
		err(1, "standard %s", name);
}

static const char *
server_get_user(void)
{
	struct passwd *pw = getpwuid(getuid());

	return pw != NULL ? strdup(pw->pw_name) : strdup("unknown user");
}

static void
server_done_cb(enum request_end end, void *arg)
{
	struct server *srv = arg;

	srv->serving = NULL;
	srv->end = end;
	event_base_loopbreak(srv->base);
}

static void
server_signal_cb(evutil_socket_t sig, short what, void *arg)
{
	struct server *srv = arg;

	if (srv->serving != NULL)
		request_stop(srv->serving);
}

/*
 * Is there anybody who takes what is written?  A request under way may have
 * nothing to read and nothing to write, and would not learn that its sshd is
 * gone.
 */
static void
server_look_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pollfd pfd = { STDOUT_FILENO, 0, 0 };
	struct server *srv = arg;

	if (poll(&pfd, 1, 0) == 1 && srv->serving != NULL)
		request_stop(srv->serving);
}

static void
server_watch_output(struct server *srv)
{
	static const struct timeval every = { .tv_sec = SERVER_LOOK };
	struct event *ev;

	ev = event_new(srv->base, -1, EV_PERSIST, server_look_cb, srv);
	if (ev == NULL || eventloop_watch(ev, &every) == -1)
		fatalx("out of memory");
}

static void
server_catch(struct server *srv, int sig)
{
	struct event *ev;

	ev = evsignal_new(srv->base, sig, server_signal_cb, srv);
	if (ev == NULL || eventloop_watch(ev, NULL) == -1)
		fatalx("out of memory");
}

static void
server_init(struct server *srv, struct destrules *rules)
{
	struct services *env = &srv->services;

	if ((srv->base = event_base_new()) == NULL)
		fatalx("no event loop");
	destrules_init(rules, 0);
	services_init(env, kinds_beside_sshd);
	env->base = srv->base;
	env->resolver = resolver_new(srv->base, SERVER_THREADS);
	env->udp = udpsock_pool_new(srv->base);
	env->rules = rules;
	env->who = server_get_user();
	if (env->udp == NULL || env->who == NULL)
		fatalx("out of memory");
	env->dial_timeout = SERVER_LOOKUP;
	env->max_udp = 1;
	env->gateway = 1;
	server_watch_output(srv);
	server_catch(srv, SIGTERM);
	server_catch(srv, SIGINT);
	server_catch(srv, SIGHUP);
}

/* Ends by a signal, of which sshd tells the client: so a reset stays one. */
static void __attribute__((noreturn))
server_abort(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	_exit(SERVER_EXIT_FAILED);
}

int
main(int argc, char **argv)
{
	static struct server srv;
	static struct destrules rules;
	struct stream *st;

	if (stdfds_open() == -1)
		return SERVER_EXIT_FAILED;
	server_parse(argc, argv);
	server_check_fd(STDIN_FILENO, "input");
	server_check_fd(STDOUT_FILENO, "output");
	signal(SIGPIPE, SIG_IGN);
	server_init(&srv, &rules);
	st = sockstream_new_pair(srv.base, STDIN_FILENO, STDOUT_FILENO);
	if (st == NULL || watchdog_start(srv.base, WATCHDOG_SECONDS,
	    log_in_signal, NULL) == -1)
		fatalx("out of memory");
	srv.serving = request_start(&srv.services, st, server_done_cb,
	    &srv);
	event_base_dispatch(srv.base);
	watchdog_stop();
	if (srv.end == REQUEST_RESET)
		server_abort();
	return srv.end == REQUEST_SERVED ? 0 : SERVER_EXIT_FAILED;
}
