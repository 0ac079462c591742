/* SPDX-License-Identifier: ISC */
/*
 * path: a long path of packets between two network namespaces.
 *
 *	path [-c fifo] [-d ms] [-l probability] [-O ms] [-o probability]
 *	    [-q bytes] [-r bit/s] [-S seed] [-s name=value] ... [-- command]
 *
 * Makes two networks, near (10.7.0.1) and far (10.7.0.2), and carries packets
 * between their TUN devices.  Each direction by itself has a rate (-r, 0 for
 * none; K, M or G may follow the number), a one-way delay (-d), a queue that
 * drops what does not fit (-q), a probability to lose a packet (-l) and one to
 * deliver it -O ms late, after others (-o).  "up,down" sets the directions
 * apart: -r 20M,100M.  The same seed loses the same packets.  All sizes are of
 * IP packets.  -s sets net.ipv4.name in both networks.
 *
 * A command runs in the near network; in its environment FAR is a command that
 * runs others in the far one, and the report goes to standard error.  Without
 * a command path prints how to enter both networks, "near nsenter ..." and
 * "far nsenter ...", and ends on SIGTERM, or when its input does.
 *
 * Commands, a line each, are read from the FIFO (-c, made here), or from the
 * standard input if there is neither; each is answered by a line, "ok" or "?":
 *
 *	cut [up | down] [seconds]	swallow all packets from now on
 *	reset [up | down] [seconds]	the same, and answer TCP with resets
 *	join [up | down]		no longer
 *	rate, delay, queue, loss, reorder, late	as the options
 *	report
 *	quit
 *
 * The report has a line for each direction: packets and bytes that came in, and
 * how many packets were dropped by the queue (full), by chance (lost), by a cut
 * (swallowed), held back (late), or dropped by path's own fault (own); the
 * deepest queue, in bytes, and by how many us the slowest delivery came behind
 * its time (which tells whether the machine was too busy).
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"
#include "netns.h"
#include "wire.h"

#define SEC		INT64_C(1000000000)
#define SETTINGS_MAX	16

enum { UP, DOWN };

struct path {
	struct netns	 ns;
	struct wire	 wires[2];
	const char	*fifo;
	int		 control;	/* commands come from here, or -1 */
	char		 line[256];	/* of commands, so far */
	size_t		 line_len;
	pid_t		 command;	/* 0: none */
	FILE		*report;
	int		 quit;
};

/* What can be set, of both directions or of one. */
static const struct setting {
	int		 letter;
	const char	*name;
	const char	*preset;
	double		 max;
} settings[] = {
	{ 'r', "rate", "0", 1e11 },
	{ 'd', "delay", "0", 60000 },
	{ 'q', "queue", "500000", 1 << 25 },
	{ 'l', "loss", "0", 1 },
	{ 'o', "reorder", "0", 1 },
	{ 'O', "late", "1", 1000 },
};
#define NSETTINGS	(sizeof(settings) / sizeof(settings[0]))

static volatile sig_atomic_t ended;	/* SIGTERM, SIGINT or SIGHUP came */
static volatile sig_atomic_t child;	/* SIGCHLD came */

static void
on_signal(int sig)
{
	if (sig == SIGCHLD)
		child = 1;
	else
		ended = 1;
}

/* A number with K, M or G after it; -1 if it is none from 0 to max. */
static double
parse_number(const char *s, const char **end, double max)
{
	static const char units[] = "KMG";
	const char *unit;
	char *e;
	double d;

	d = strtod(s, &e);
	if (e == s)
		return -1;
	if (*e != '\0' && (unit = strchr(units, *e)) != NULL) {
		for (; unit >= units; unit--)
			d *= 1000;
		e++;
	}
	*end = e;
	return d >= 0 && d <= max ? d : -1;
}

/* "value" or "up,down"; -1 if it is neither. */
static int
parse_both(const char *s, double max, double *values)
{
	if ((values[UP] = parse_number(s, &s, max)) < 0)
		return -1;
	values[DOWN] = values[UP];
	if (*s == ',' && (values[DOWN] = parse_number(s + 1, &s, max)) < 0)
		return -1;
	return *s == '\0' ? 0 : -1;
}

static void
set_both(struct path *p, const struct setting *s, const double *values)
{
	int64_t now = measure_now();
	int i;

	for (i = 0; i < 2; i++)
		wire_set(&p->wires[i], s->letter, values[i], now);
}

static void
report_one(const struct path *p, const char *name, const struct wire *w,
    pid_t sender)
{
	const struct wire_counts *c = &w->counts;

	fprintf(p->report, "%s packets %llu bytes %llu full %llu lost %llu "
	    "swallowed %llu late %llu own %llu deepest %zu behind %lld\n", name,
	    (unsigned long long)c->packets, (unsigned long long)c->bytes,
	    (unsigned long long)c->full, (unsigned long long)c->lost,
	    (unsigned long long)c->swallowed, (unsigned long long)c->late,
	    (unsigned long long)c->own + netns_dropped(sender), c->deepest,
	    (long long)c->behind / 1000);
}

static void
report(const struct path *p)
{
	struct rusage ru;

	report_one(p, "up", &p->wires[UP], getpid());
	report_one(p, "down", &p->wires[DOWN], p->ns.holder);
	getrusage(RUSAGE_SELF, &ru);
	fprintf(p->report, "cpu %.3f\n",
	    (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
}

/* "[up | down] [seconds]" */
static int
cut(struct path *p, int n, char *words[], int64_t until, int resets)
{
	const char *end = "";
	double seconds;
	int i, only = -1;

	if (n > 0 && (strcmp(*words, "up") == 0 ||
	    strcmp(*words, "down") == 0)) {
		only = strcmp(*words++, "up") == 0 ? UP : DOWN;
		n--;
	}
	if (n > 0 && until == WIRE_NEVER) {
		if ((seconds = parse_number(*words, &end, 1e6)) < 0)
			return -1;
		until = measure_now() + (int64_t)(seconds * SEC);
		n--;
	}
	if (n > 0 || *end != '\0')
		return -1;
	for (i = 0; i < 2; i++)
		if (only == -1 || only == i) {
			p->wires[i].cut_until = until;
			p->wires[i].resets = resets;
		}
	return 0;
}

static int
set(struct path *p, int n, char *words[])
{
	double values[2];
	size_t i;

	for (i = 0; i < NSETTINGS; i++)
		if (strcmp(words[0], settings[i].name) == 0)
			break;
	if (i == NSETTINGS || n != 2 ||
	    parse_both(words[1], settings[i].max, values) == -1)
		return -1;
	set_both(p, &settings[i], values);
	return 0;
}

/* One line of the control; -1 if it is not understood. */
static int
obey(struct path *p, char *line)
{
	char *words[4];
	int n = 0;

	while (n < 4 && (words[n] = strsep(&line, " \t")) != NULL)
		if (*words[n] != '\0')
			n++;
	if (n == 0)
		return -1;
	if (strcmp(words[0], "cut") == 0)
		return cut(p, n - 1, words + 1, WIRE_NEVER, 0);
	if (strcmp(words[0], "reset") == 0)
		return cut(p, n - 1, words + 1, WIRE_NEVER, 1);
	if (strcmp(words[0], "join") == 0)
		return cut(p, n - 1, words + 1, 0, 0);
	if (strcmp(words[0], "report") == 0 && n == 1)
		report(p);
	else if (strcmp(words[0], "quit") == 0 && n == 1)
		p->quit = 1;
	else
		return set(p, n, words);
	return 0;
}

static void
read_control(struct path *p)
{
	char *end;
	ssize_t n;

	n = read(p->control, p->line + p->line_len,
	    sizeof(p->line) - 1 - p->line_len);
	if (n <= 0) {
		p->quit = n == 0 || errno != EINTR;
		return;
	}
	p->line_len += (size_t)n;
	p->line[p->line_len] = '\0';
	while ((end = strchr(p->line, '\n')) != NULL) {
		*end++ = '\0';
		fputs(obey(p, p->line) == 0 ? "ok\n" : "?\n", p->report);
		fflush(p->report);
		p->line_len -= (size_t)(end - p->line);
		memmove(p->line, end, p->line_len + 1);
	}
	if (p->line_len == sizeof(p->line) - 1)
		p->line_len = 0;
}

/* How to enter the network of a process, from outside or from the near one. */
static const char *
entrance(const struct path *p, pid_t pid, int inside)
{
	static char text[96];

	snprintf(text, sizeof(text), "nsenter%s -t %d -n",
	    p->ns.user && !inside ? " --preserve-credentials -U" : "",
	    (int)pid);
	return text;
}

static void
start_command(struct path *p, char *argv[])
{
	sigset_t none;

	if ((p->command = fork()) == -1)
		err(1, "fork");
	if (p->command != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("FAR", entrance(p, p->ns.holder, 1), 1);
	execvp(argv[0], argv);
	err(127, "%s", argv[0]);
}

static void
start_control(struct path *p, int has_command)
{
	p->control = has_command ? -1 : STDIN_FILENO;
	if (p->fifo == NULL)
		return;
	if (mkfifo(p->fifo, 0600) == -1)
		err(1, "%s", p->fifo);
	/* Also for writing, lest it ends when one who wrote has gone. */
	p->control = open(p->fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (p->control == -1)
		err(1, "%s", p->fifo);
}

/* Signals come while we wait, and only then. */
static sigset_t
catch_signals(void)
{
	static const int all[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t block, before;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sigaddset(&block, all[i]);
		sigaction(all[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, &before);
	return before;
}

/* Waits until a packet or a command comes, or it is time to deliver. */
static void
wait_and_take(struct path *p, int64_t next, const sigset_t *mask)
{
	struct pollfd fds[] = {
		{ .fd = p->ns.near, .events = POLLIN },
		{ .fd = p->ns.far, .events = POLLIN },
		{ .fd = p->control, .events = POLLIN },
	};
	struct timespec ts = { 0 };
	int64_t now = measure_now();
	int i;

	if (next > now) {
		ts.tv_sec = (next - now) / SEC;
		ts.tv_nsec = (next - now) % SEC;
	}
	if (ppoll(fds, 3, next == WIRE_NEVER ? NULL : &ts, mask) <= 0)
		return;
	now = measure_now();
	for (i = 0; i < 2; i++)
		if (fds[i].revents != 0 && wire_take(&p->wires[i], now) == -1)
			err(1, "TUN");
	if (fds[2].revents != 0)
		read_control(p);
}

/* Returns the exit status of the command. */
static int
carry(struct path *p, const sigset_t *mask)
{
	int64_t next, now;
	int i, status;
	pid_t pid;

	while (!p->quit) {
		now = measure_now();
		next = WIRE_NEVER;
		for (i = 0; i < 2; i++) {
			int64_t t = wire_deliver(&p->wires[i], now);

			if (t < next)
				next = t;
		}
		wait_and_take(p, next, mask);
		if (ended && p->command == 0)
			return 0;
		if (ended)
			kill(p->command, SIGTERM);
		ended = 0;
		if (!child)
			continue;
		child = 0;
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == p->ns.holder)
				errx(1, "the far network has gone");
			if (pid == p->command)
				return WIFEXITED(status) ?
				    WEXITSTATUS(status) :
				    128 + WTERMSIG(status);
		}
	}
	return 0;
}

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: path [-c fifo] [-d ms] [-l probability] "
	    "[-O ms] [-o probability]\n\t[-q bytes] [-r bit/s] [-S seed] "
	    "[-s name=value] ... [-- command]\n");
	exit(1);
}

/* A real path does not wait for the programs at its ends. */
static void
be_prompt(void)
{
	const struct sched_param sp = { .sched_priority = 1 };

	prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
	if (sched_setscheduler(0, SCHED_RR, &sp) == -1)
		setpriority(PRIO_PROCESS, 0, -10);
}

struct options {
	const char		*values[NSETTINGS];
	struct netns_setting	 sysctls[SETTINGS_MAX];
	size_t			 nsysctls;
	uint64_t		 seed;
};

static void
add_sysctl(struct options *o, char *arg)
{
	struct netns_setting *s = &o->sysctls[o->nsysctls];

	if (o->nsysctls++ == SETTINGS_MAX)
		errx(1, "too many settings");
	s->name = strsep(&arg, "=");
	if ((s->value = arg) == NULL || strchr(s->name, '/') != NULL)
		errx(1, "%s: not name=value", s->name);
}

static void
parse_options(struct path *p, struct options *o, int argc, char *argv[])
{
	size_t i;
	int ch;

	while ((ch = getopt(argc, argv, "+c:d:l:O:o:q:r:S:s:")) != -1) {
		for (i = 0; i < NSETTINGS; i++)
			if (settings[i].letter == ch)
				o->values[i] = optarg;
		if (ch == 'c')
			p->fifo = optarg;
		else if (ch == 'S')
			o->seed = strtoull(optarg, NULL, 0);
		else if (ch == 's')
			add_sysctl(o, optarg);
		else if (ch == '?')
			usage();
	}
}

static void
make_wires(struct path *p, const struct options *o)
{
	double values[2];
	size_t i;

	wire_init(&p->wires[UP], p->ns.near, p->ns.far, o->seed);
	wire_init(&p->wires[DOWN], p->ns.far, p->ns.near,
	    o->seed ^ UINT64_C(0x5555555555555555));
	for (i = 0; i < NSETTINGS; i++) {
		if (parse_both(o->values[i], settings[i].max, values) == -1)
			errx(1, "%s: not a %s", o->values[i],
			    settings[i].name);
		set_both(p, &settings[i], values);
	}
}

int
main(int argc, char *argv[])
{
	struct path p = { .report = stdout };
	struct options o = { .seed = 1 };
	sigset_t mask;
	size_t i;
	int status;

	for (i = 0; i < NSETTINGS; i++)
		o.values[i] = settings[i].preset;
	parse_options(&p, &o, argc, argv);
	mask = catch_signals();
	netns_make(&p.ns, o.sysctls, o.nsysctls);
	make_wires(&p, &o);
	start_control(&p, optind < argc);
	if (optind < argc) {
		p.report = stderr;
		start_command(&p, argv + optind);
	} else {
		printf("near %s\n", entrance(&p, getpid(), 0));
		printf("far %s\n", entrance(&p, p.ns.holder, 0));
		fflush(stdout);
	}
	be_prompt();
	status = carry(&p, &mask);
	report(&p);
	wire_clear(&p.wires[UP]);
	wire_clear(&p.wires[DOWN]);
	if (p.fifo != NULL)
		unlink(p.fifo);
	return status;
}
