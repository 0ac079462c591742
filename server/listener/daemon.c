/* SPDX-License-Identifier: ISC */
/*
 * The listener of sockstund, which runs as root, or as the user who started
 * it: binds, accepts, and starts a monitor for each connection, within
 * MaxStartups (startups).  It reads no byte of any connection and knows
 * nothing of SSH.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "congestion.h"
#include "daemon.h"
#include "eventloop.h"
#include "fdlimit.h"
#include "listener.h"
#include "log.h"
#include "rexec.h"
#include "servconf.h"
#include "startups.h"
#include "stragglers.h"
#include "watchdog.h"
#include "xmalloc.h"

static const int daemon_signals[] = {
	SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD
};

/* Of a process that has logged why it ends. */
#define DAEMON_EXIT_TOLD	255

#define DAEMON_NSIGNALS	(sizeof(daemon_signals) / sizeof(daemon_signals[0]))

struct daemon {
	const struct daemon_config *cfg;
	struct logproc		*logger;
	struct event_base	*base;
	struct event		*ev_signal[DAEMON_NSIGNALS];
	struct listener		*listeners[DAEMON_SOCKETS_MAX];
	struct startups		*startups;
	struct stragglers	 stragglers;
	int			 limit;		/* fdlimit_for_new() */
	int			 signal;	/* the one that ends the loop */
};

/* The port of a socket as text, "0" if it cannot be told. */
static void
daemon_get_port(int fd, char *text, size_t size)
{
	struct addr a;

	addr_of_socket(&a, fd);
	snprintf(text, size, "%u", a.port);
}

/* That the machine has no IPv6, say, is no error: only -v shows it. */
static void
daemon_log_bind(const char *host, const char *port, const char *reason)
{
	if (strcmp(reason, strerror(EAFNOSUPPORT)) == 0)
		log_verbose("Bind to port %s on %s failed: %s.", port, host,
		    reason);
	else
		log_warnx("Bind to port %s on %s failed: %s.", port, host,
		    reason);
}

/* Listens on one "host:port"; a port 0 becomes the one found before. */
static void
daemon_bind_address(struct daemon_config *cfg, const char *word,
    char *free_port, size_t size)
{
	char *copy = xstrdup(word), *host, *port;
	const char *reason;
	int n, *fds = cfg->sockets + cfg->nsockets;

	host = addr_split_hostport(copy, &port);
	if (strcmp(port, "0") == 0)
		port = free_port;
	n = listener_bind_tcp(host, port, cfg->conf->address_family, fds,
	    DAEMON_SOCKETS_MAX - cfg->nsockets, &reason);
	if (n == -1)
		daemon_log_bind(host, port, reason);
	else if (n > 0) {
		cfg->nsockets += n;
		if (port == free_port)
			daemon_get_port(fds[0], free_port, size);
	}
	free(copy);
}

/*
 * Listens on every ListenAddress, which servconf_finish() gave its port; each
 * that fails is logged.  Returns 0, or -1 when none is left.
 */
int
daemon_bind(struct daemon_config *cfg)
{
	const struct conf_list *addrs = &cfg->conf->listen_addrs;
	char free_port[sizeof("65535")] = "0";
	size_t i;

	for (i = 0; i < addrs->n; i++)
		daemon_bind_address(cfg, addrs->word[i], free_port,
		    sizeof(free_port));
	/* What they accept inherits it. */
	for (i = 0; i < cfg->nsockets; i++)
		congestion_ask(cfg->sockets[i], &cfg->conf->congestion);
	return cfg->nsockets == 0 ? -1 : 0;
}

/*
 * Has the kernel end the connection when its host is not heard of: probes when
 * it is idle, and no more retransmissions than fit in that time.  What is not
 * TCP (-i) has none of these options.
 */
static void
daemon_set_options(const struct servconf *conf, int conn)
{
	int on = 1, seconds = conf->client_timeout, ms = seconds * 1000;
	int idle = seconds > 1 ? seconds / 2 : 1;
	int again = seconds > 3 ? seconds / 4 : 1;

	setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (conf->tcp_keepalive)
		setsockopt(conn, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (seconds == 0)
		return;
	setsockopt(conn, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(conn, IPPROTO_TCP, TCP_KEEPINTVL, &again, sizeof(again));
	setsockopt(conn, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

/*
 * Executes a monitor in this process's place for a connection, with the
 * startup pipe's end or -1.  Ends the process if it cannot.
 */
void
daemon_exec_monitor(const struct daemon_config *cfg, int conn, int startup)
{
	int fds[REXEC_MONITOR_NOWHERE - REXEC_MONITOR_CONF + NOWHERE_PARTS] = {
		cfg->conf_fd, cfg->keys_fd, conn, startup, cfg->logger.fd
	};

	daemon_set_options(cfg->conf, conn);
	memcpy(fds + REXEC_MONITOR_NOWHERE - REXEC_MONITOR_CONF,
	    cfg->nowhere.fd, sizeof(cfg->nowhere.fd));
	rexec_place_fds(fds, sizeof(fds) / sizeof(fds[0]));
	rexec_run(cfg->self, "monitor", environ);
	fatal("%s", cfg->self->path);
}

/*
 * Starts a monitor, which is counted until it closes its end of a pipe, or this
 * process does, when there is none.
 */
static void
daemon_start_monitor(struct daemon *d, struct listener *l, int conn,
    const struct addr *peer)
{
	int startup[2];
	pid_t pid;

	if (pipe2(startup, O_CLOEXEC) == -1) {
		log_warn("startup pipe");
		return;
	}
	if (startup[1] >= d->limit)
		listener_rest(l);
	if (startups_add(d->startups, startup[0], peer) == -1) {
		log_warn("startup pipe");
		close(startup[0]);
	} else if ((pid = rexec_fork()) == -1)
		log_warn("fork");
	else if (pid > 0)
		log_debug("Forked child %ld.", (long)pid);
	else {
		if (setsid() == -1)
			log_warn("setsid");
		daemon_exec_monitor(d->cfg, conn, startup[1]);
	}
	close(startup[1]);
}

static void
daemon_accept_cb(struct listener *l, int fd, const struct sockaddr *sa,
    socklen_t salen, void *arg)
{
	static const char sorry[] = "Exceeded MaxStartups\r\n";
	struct daemon *d = arg;
	struct addr peer;

	watchdog_note("a connection that came", (unsigned long)fd);
	if (addr_from_sockaddr(&peer, sa) == -1)
		memset(&peer, 0, sizeof(peer));
	addr_unmap(&peer);
	if (d->logger->pid == -1)
		logproc_start(d->logger, d->cfg->self, d->cfg->conf_fd);
	if (d->cfg->single) {
		/* Its timer would go on in the next program. */
		watchdog_stop();
		daemon_exec_monitor(d->cfg, fd, -1);
	}
	if (startups_admit(d->startups, &peer))
		daemon_start_monitor(d, l, fd, &peer);
	else
		(void)!send(fd, sorry, sizeof(sorry) - 1,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* What happened to a child that leads a process group. */
static void
daemon_tell(struct daemon *d, const siginfo_t *si)
{
	if (si->si_code == CLD_KILLED || si->si_code == CLD_DUMPED)
		log_warnx("process %ld killed by signal %d (%s)",
		    (long)si->si_pid, si->si_status, strsignal(si->si_status));
	else if (si->si_code == CLD_EXITED && si->si_status != 0 &&
	    si->si_status != DAEMON_EXIT_TOLD)
		log_warnx("process %ld: exit status %d", (long)si->si_pid,
		    si->si_status);
	if (si->si_pid == d->logger->pid && si->si_code != CLD_STOPPED &&
	    si->si_code != CLD_CONTINUED) {
		log_warnx("the logger ended");
		d->logger->pid = -1;
	}
	stragglers_note(&d->stragglers, si);
}

/*
 * A monitor or a logger leads a group; what it started and left behind comes
 * here only to be reaped.
 */
static void
daemon_reap(struct daemon *d)
{
	static const int how = WEXITED | WSTOPPED | WCONTINUED | WNOHANG;
	siginfo_t si = { .si_pid = 0 };
	pid_t group;

	watchdog_note("the end of a child", 0);
	while (waitid(P_ALL, 0, &si, how | WNOWAIT) == 0 && si.si_pid != 0) {
		group = getpgid(si.si_pid);
		if (waitid(P_PID, (id_t)si.si_pid, &si, how) == 0 &&
		    (group == si.si_pid || group == getpgrp()))
			daemon_tell(d, &si);
		si.si_pid = 0;
	}
}

static void
daemon_signal_cb(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	if (sig == SIGCHLD) {
		daemon_reap(d);
		return;
	}
	d->signal = sig;
	event_base_loopbreak(d->base);
}

static void
daemon_count_cb(int count, void *arg)
{
	struct daemon *d = arg;
	const struct servlimits *l = &d->cfg->conf->limits;

	setproctitle("[listener] %d of %d-%d startups", count,
	    l->startups.begin, l->startups.max);
}

static void
daemon_init(struct daemon *d, struct daemon_config *cfg)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	d->cfg = cfg;
	d->logger = &cfg->logger;
	d->limit = fdlimit_for_new();
	if ((d->base = event_base_new()) == NULL ||
	    watchdog_start(d->base, WATCHDOG_SECONDS, log_in_signal,
	    NULL) == -1 || stragglers_init(&d->stragglers, d->base) == -1)
		fatalx("cannot make an event loop");
	/* What a connection leaves behind shall be this process's to reap. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		log_warn("subreaper");
	for (i = 0; i < DAEMON_NSIGNALS; i++) {
		d->ev_signal[i] = evsignal_new(d->base, daemon_signals[i],
		    daemon_signal_cb, d);
		if (d->ev_signal[i] == NULL ||
		    eventloop_watch(d->ev_signal[i], NULL) == -1)
			fatalx("cannot handle signal %d", daemon_signals[i]);
	}
	signal(SIGPIPE, SIG_IGN);
	d->startups = startups_new(d->base, &cfg->conf->limits,
	    daemon_count_cb, d);
	for (i = 0; i < cfg->nsockets; i++) {
		d->listeners[i] = listener_new(d->base, cfg->sockets[i],
		    daemon_accept_cb, d);
		if (d->listeners[i] == NULL)
			fatal("listener");
	}
	daemon_count_cb(0, d);
}

static void
daemon_clear(struct daemon *d)
{
	size_t i;

	for (i = 0; i < d->cfg->nsockets; i++)
		listener_free(d->listeners[i]);
	startups_free(d->startups);
	stragglers_clear(&d->stragglers);
	for (i = 0; i < DAEMON_NSIGNALS; i++)
		event_free(d->ev_signal[i]);
	watchdog_stop();
	event_base_free(d->base);
}

static void
daemon_log_sockets(const struct daemon_config *cfg)
{
	char host[ADDR_STRLEN];
	struct addr a;
	size_t i;

	for (i = 0; i < cfg->nsockets; i++) {
		if (addr_of_socket(&a, cfg->sockets[i]) == -1)
			continue;
		log_info("Server listening on %s port %u.",
		    addr_format_host(&a, host, sizeof(host)), a.port);
	}
}

/*
 * Accepts connections on the sockets of daemon_bind(), which are closed in
 * the end, until a signal, left in *signalp, says to stop or to restart.
 * Connections live on in their own processes.
 */
enum daemon_end
daemon_run(struct daemon_config *cfg, int *signalp)
{
	struct daemon d;

	daemon_init(&d, cfg);
	daemon_log_sockets(cfg);
	if (event_base_dispatch(d.base) == -1)
		fatalx("event loop failed");
	*signalp = d.signal;
	daemon_clear(&d);
	return *signalp == SIGHUP ? DAEMON_RESTART : DAEMON_STOP;
}
