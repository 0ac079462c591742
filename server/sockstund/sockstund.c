/* SPDX-License-Identifier: ISC */
/*
 * sockstund: the command line, and the way from it to the role that this
 * process has.  Each role is a process of its own, executed again from this
 * program, and a folder:
 *
 *	listener   root        listener/   accepts; starts a monitor for each
 *	logger     no rights   logger/     writes what dialers log
 *	monitor    root        monitor/    starts the two programs below,
 *	                                   decides who may log in; becomes the
 *	                                   dialer
 *	dialer     the user    dialer/     connects, binds, resolves (services/)
 *
 * sockstund-net (net/), which speaks SSH, and sockstund-signer (signer/), which
 * has the host keys, are programs of their own, confined and without rights.
 * Only the listener and the monitors run as root.  Started by an ordinary user,
 * all of them run as that user.  No file of this program knows libssh.
 */
#include <sys/types.h>
#include <sys/prctl.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "confined.h"
#include "congestion.h"
#include "context.h"
#include "daemon.h"
#include "dialer.h"
#include "hostkeys.h"
#include "inetd.h"
#include "log.h"
#include "logger.h"
#include "logto.h"
#include "logproc.h"
#include "monitor.h"
#include "nowhere.h"
#include "pathnames.h"
#include "report.h"
#include "rexec.h"
#include "selftest.h"
#include "servargs.h"
#include "servconf.h"
#include "stdfds.h"
#include "xmalloc.h"

#define SOCKSTUND_ERR_MAX	1024

struct sockstund {
	struct servargs	 args;
	struct servconf	 conf;
	struct rexec	 self;
	enum logto	 log;
	struct report	 report;	/* of a dialer */
	char		**argv;
	char		 cwd[PATH_MAX];		/* where it was started */
};

/* Nobody else of this uid can look into it, before it holds anything. */
static void
sockstund_hide(void)
{
#ifndef __SANITIZE_ADDRESS__
	/* A leak check traces the process from a task of its own. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* Ends the process before it serves, with a line that -q does not silence. */
static void __attribute__((noreturn))
sockstund_fail(const char *text)
{
	log_line(LOG_LEVEL_QUIET, text);
	exit(1);
}

/* The default file need not be there; one that -f names must. */
static void
sockstund_load_conf(struct sockstund *s)
{
	const char *path = s->args.conf_file;
	char err[SOCKSTUND_ERR_MAX], *text;

	if (path == NULL)
		path = PATH_SERVER_CONFIG;
	if (servconf_read_file(&s->conf, path, err, sizeof(err)) == -1 &&
	    (s->args.conf_file != NULL || errno != ENOENT))
		sockstund_fail(err);
	servconf_finish(&s->conf);
	if ((text = servconf_dump(&s->conf)) == NULL)
		sockstund_fail("a value of the configuration is too long");
	free(text);
	s->conf.log_level = servargs_get_level(&s->args);
	log_set_level(s->conf.log_level);
}

static void
sockstund_set_log(struct sockstund *s)
{
	s->log = servargs_get_log(&s->args);
	s->self.option = logto_option(s->log);
}

/* What every role inherits: the configuration, in a descriptor. */
static void
sockstund_inherit(struct sockstund *s, int fd)
{
	char err[SOCKSTUND_ERR_MAX], *text;
	size_t len;

	/* Executed as /proc/self/exe it would be called "exe". */
	prctl(PR_SET_NAME, "sockstund");
	if ((text = (char *)rexec_read_memfd(fd, &len)) == NULL)
		fatal("inherited configuration");
	if (servconf_read_text(&s->conf, text, "inherited configuration", err,
	    sizeof(err)) == -1)
		fatalx("%s", err);
	servconf_finish(&s->conf);
	free(text);
	log_set_level(s->conf.log_level);
}

/* The same for those that have the daemon's log. */
static void
sockstund_inherit_log(struct sockstund *s, int fd)
{
	sockstund_inherit(s, fd);
	sockstund_set_log(s);
	logto_use(s->log, s->conf.log_facility);
}

static int
sockstund_monitor(struct sockstund *s)
{
	struct nowhere nowhere;

	nowhere_inherit(&nowhere, REXEC_MONITOR_NOWHERE);
	setproctitle("[monitor]");
	sockstund_inherit_log(s, REXEC_MONITOR_CONF);
	return monitor_main(&s->conf, &s->self, &nowhere);
}

static int
sockstund_dialer(struct sockstund *s)
{
	struct context ctx;
	char *text;
	size_t len;
	int ret;

	sockstund_inherit(s, REXEC_DIALER_CONF);
	text = (char *)rexec_read_memfd(REXEC_DIALER_CONTEXT, &len);
	if (text == NULL)
		fatal("inherited context");
	close(REXEC_DIALER_CONF);
	close(REXEC_DIALER_CONTEXT);
	if (context_unpack(&ctx, text, len) == -1)
		fatalx("inherited context is damaged");
	ret = dialer_main(&s->conf, REXEC_DIALER_PEER, &s->report, &ctx);
	conf_list_clear(&ctx.permit_open);
	free(text);
	servconf_clear(&s->conf);
	return ret;
}

static int
sockstund_logger(struct sockstund *s)
{
	setproctitle("[logger]");
	sockstund_inherit_log(s, REXEC_LOGGER_CONF);
	close(REXEC_LOGGER_CONF);
	tzset();
	if (confined_become(&s->conf) == -1)
		return 1;
	sockstund_hide();
	logger_main(REXEC_LOGGER_CONTROL);
	servconf_clear(&s->conf);
	return 0;
}

static int
sockstund_dump(const struct sockstund *s)
{
	char *text;

	if ((text = servconf_dump(&s->conf)) == NULL)
		sockstund_fail("the configuration cannot be written");
	fputs(text, stdout);
	free(text);
	congestion_print_granted(&s->conf.congestion);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Loads the keys and has them tested; ends the process without any. */
static void
sockstund_load_keys(struct sockstund *s, struct hostkeys *keys)
{
	hostkeys_load(keys, &s->conf.host_keys);
	/* -i serves one connection, whose sockstund-net is test enough. */
	if (selftest_keys(&s->conf, keys, !s->args.inetd) == -1) {
		hostkeys_clear(keys);
		exit(1);
	}
	if (keys->n == 0)
		sockstund_fail("no hostkeys available -- exiting.  Give one "
		    "with -h or HostKey.");
}

/* What every monitor will be handed. */
static void
sockstund_make_memfds(struct sockstund *s, struct hostkeys *keys,
    struct daemon_config *cfg)
{
	u_char *data;
	size_t len;
	char *text;

	data = hostkeys_pack(keys, &len);
	hostkeys_clear(keys);
	cfg->keys_fd = rexec_make_memfd("sockstund keys", data, len);
	freezero(data, len);
	if ((text = servconf_dump(&s->conf)) == NULL)
		sockstund_fail("the configuration cannot be written");
	cfg->conf_fd = rexec_make_memfd("sockstund conf", text, strlen(text));
	free(text);
	if (cfg->keys_fd == -1 || cfg->conf_fd == -1)
		fatal("memfd");
}

/* -i: serves the one connection, in this process. */
static void __attribute__((noreturn))
sockstund_serve_inetd(struct sockstund *s, struct daemon_config *cfg, int conn)
{
	if (rexec_null_stdio(s->log != LOGTO_SYSLOG) == -1)
		fatal("standard input");
	if (logproc_start(&cfg->logger, &s->self, cfg->conf_fd) == -1)
		exit(1);
	congestion_ask(conn, &s->conf.congestion);
	daemon_exec_monitor(cfg, conn, -1);
	exit(1);
}

/*
 * Writes PidFile; 0 if it is there to be removed.  An ordinary user often may
 * not write there and does not need it: then only -v shows that it failed.
 */
static int
sockstund_write_pid(const struct sockstund *s)
{
	const char *path = s->conf.pid_file;
	int fd;

	if (s->args.debug || path == NULL || strcasecmp(path, "none") == 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	    0644);
	if (fd == -1 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		if (geteuid() == 0)
			log_warn("Couldn't create pid file \"%s\"", path);
		else
			log_verbose("Couldn't create pid file \"%s\": %s",
			    path, strerror(errno));
	}
	if (fd == -1)
		return -1;
	close(fd);
	return 0;
}

/* SIGHUP: executes the program, as it is now on disk, as it was started. */
static void __attribute__((noreturn))
sockstund_restart(struct sockstund *s)
{
	static char flag[] = "-R", role[] = "listener";
	char **argv;
	size_t n, at = 1;

	for (n = 0; s->argv[n] != NULL; n++)
		;
	argv = xcalloc(n + 3, sizeof(*argv));
	argv[0] = s->argv[0];
	if (s->args.role != ROLE_LISTENER) {
		argv[at++] = flag;
		argv[at++] = role;
	}
	memcpy(argv + at, s->argv + 1, (n - 1) * sizeof(*argv));
	signal(SIGHUP, SIG_IGN);
	if (chdir(s->cwd) == -1)
		log_warn("%s", s->cwd);
	closefrom(STDERR_FILENO + 1);
	execv(s->self.path, argv);
	log_set_sink(NULL, NULL);
	fatal("RESTART FAILED: %s", s->self.path);
}

/* Leaves the terminal, unless it is to stay or was left before. */
static void
sockstund_detach(struct sockstund *s)
{
	if (!s->args.foreground && !s->args.debug &&
	    s->args.role == ROLE_START && daemon(1, 1) == -1)
		fatal("daemon");
	if (rexec_null_stdio(s->log != LOGTO_SYSLOG) == -1)
		fatal("/dev/null");
	if (chdir("/") == -1)
		fatal("/");
	logto_use(s->log, s->conf.log_facility);
}

static int
sockstund_serve(struct sockstund *s, struct daemon_config *cfg)
{
	int have_pid, sig;
	enum daemon_end end;

	if (daemon_bind(cfg) == -1)
		sockstund_fail("Cannot bind any address.");
	sockstund_detach(s);
	if (logproc_start(&cfg->logger, &s->self, cfg->conf_fd) == -1)
		return 1;
	have_pid = sockstund_write_pid(s) == 0;
	end = daemon_run(cfg, &sig);
	close(cfg->conf_fd);
	close(cfg->keys_fd);
	close(cfg->logger.fd);
	if (end == DAEMON_RESTART) {
		log_info("Received SIGHUP; restarting.");
		sockstund_restart(s);
	}
	log_info("Received signal %d; terminating.", sig);
	if (have_pid)
		unlink(s->conf.pid_file);
	servconf_clear(&s->conf);
	return 0;
}

/* From the command line to the listener. */
static int
sockstund_start(struct sockstund *s)
{
	struct daemon_config cfg = {
		.conf = &s->conf, .self = &s->self,
		.single = s->args.debug > 0, .logger = { -1, -1 }
	};
	struct hostkeys keys;
	int conn = -1;

	closefrom(STDERR_FILENO + 1);
	sockstund_set_log(s);
	if (s->args.log_file != NULL) {
		if (logto_open_file(s->args.log_file) == -1) {
			log_warn("Couldn't open logfile %s", s->args.log_file);
			return 1;
		}
		logto_use(s->log, 0);
	} else if (s->args.inetd)
		logto_use(s->log, LOG_AUTH);
	sockstund_load_conf(s);
	if (s->args.mode == MODE_DUMP)
		return sockstund_dump(s);
	/* What it starts to copy bytes shall hold nothing else. */
	if (s->args.inetd && s->args.mode == MODE_SERVE &&
	    (conn = inetd_open()) == -1)
		return 1;
	if (s->args.mode == MODE_SERVE)
		nowhere_make(&cfg.nowhere);
	sockstund_load_keys(s, &keys);
	if (s->args.mode == MODE_TEST) {
		hostkeys_clear(&keys);
		servconf_clear(&s->conf);
		return 0;
	}
	sockstund_make_memfds(s, &keys, &cfg);
	if (s->args.inetd)
		sockstund_serve_inetd(s, &cfg, conn);
	return sockstund_serve(s, &cfg);
}

static int (*const sockstund_roles[])(struct sockstund *) = {
	[ROLE_START] = sockstund_start,
	[ROLE_LISTENER] = sockstund_start,	/* after SIGHUP */
	[ROLE_MONITOR] = sockstund_monitor,
	[ROLE_DIALER] = sockstund_dialer,
	[ROLE_LOGGER] = sockstund_logger
};

int
main(int argc, char **argv)
{
	static struct sockstund s;
	int i;

	sockstund_hide();
	if (stdfds_open() == -1)
		return 1;
	log_init("sockstund", LOG_LEVEL_INFO, 1);
	/* It has no standard error to say on why it could not begin. */
	if (servargs_role(argc, argv) == ROLE_DIALER)
		report_open(&s.report, REXEC_DIALER_LOG);
	/* setproctitle(3) writes over the original. */
	s.argv = xcalloc(argc + 1, sizeof(*s.argv));
	for (i = 0; i < argc; i++)
		s.argv[i] = xstrdup(argv[i]);
	if (rexec_init(&s.self) == -1)
		fatal("/proc/self/exe");
	if (getcwd(s.cwd, sizeof(s.cwd)) == NULL)
		strlcpy(s.cwd, "/", sizeof(s.cwd));
	servconf_init(&s.conf);
	servargs_parse(&s.args, &s.conf, argc, s.argv);
	return sockstund_roles[s.args.role](&s);
}
