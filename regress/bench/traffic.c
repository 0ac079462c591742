/* SPDX-License-Identifier: ISC */
/*
 * traffic: one measurement through a SOCKS5 proxy of 127.0.0.1, to a target
 * that it starts itself.
 *
 *	traffic [-x] [-b bytes] [-c pid,...] [-j at-once] [-m file] [-n count]
 *	    [-s seconds] [-t target-port | -T target-port] [-w warm-up]
 *	    -P proxy-port what
 *	traffic -m file target
 *
 *	bulk down|up	one flow at full speed, for -s seconds or -b bytes
 *	load down|up	echoes alone, then beside such a flow
 *	flows		echoes without a proxy, alone and beside -n idle flows;
 *			with -s, a bulk flow beside those
 *	rate		connect, one byte there and back, close; -j at once;
 *			then without a proxy
 *	once		one byte there and back, as soon as that can be
 *	first		-n times, each after the other: the first byte back
 *	udp		echoes of datagrams and over TCP, -j at once and alone
 *	start -- cmd	the command's time until it accepts and is of use
 *	target		nothing: it is a target and prints its port, for others
 *			that are told so by -T and the same -m, from wherever
 *			its 127.0.0.1 can be reached through the proxy
 *
 * Prints lines of a name and a figure; processes named by -c are watched: CPU
 * seconds of the measured time (bulk, rate), memory (flows).  -x: what listens
 * at the proxy's port is no proxy.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "measure.h"
#include "target.h"
#include "udp.h"

#define BLOCK		(256 << 10)
#define LIMIT_S		120		/* for all of a measurement */
#define FLOWS_MAX	60000
#define ECHO_S		1.0

struct run {
	struct dial_to	 to;
	struct target	 target;
	struct usage	 usage;
	double		 seconds, warmup, bytes;
	long		 count;
	int		 at_once;
	uint16_t	 target_port;
	const char	*count_file;
	int		 join;		/* the target is there */
};

/* A flow at full speed, in a thread of its own. */
struct bulk {
	struct run	*run;
	int		 up;
	int		 fd;
	pthread_t	 thread;
	_Atomic uint64_t received;	/* down: by the thread */
	_Atomic int	 stop;
};

static void *
bulk_thread(void *arg)
{
	struct bulk *b = arg;
	char *block;
	ssize_t n;

	if ((block = calloc(1, BLOCK)) == NULL)
		err(1, NULL);
	do {
		if (b->up)
			n = send(b->fd, block, BLOCK, MSG_NOSIGNAL);
		else if ((n = read(b->fd, block, BLOCK)) > 0)
			atomic_fetch_add(&b->received, (uint64_t)n);
	} while (n > 0);
	if (!b->stop)
		errx(1, "the bulk flow broke: %s",
		    n == 0 ? "end of file" : strerror(errno));
	free(block);
	return NULL;
}

static void
bulk_start(struct bulk *b, struct run *r, int up)
{
	const char first[2] = { up ? TARGET_SINK : TARGET_SOURCE };

	memset(b, 0, sizeof(*b));
	b->run = r;
	b->up = up;
	if ((b->fd = dial_one(&r->to, first, 0)) == -1)
		errx(1, "no bulk flow through the proxy");
	if (pthread_create(&b->thread, NULL, bulk_thread, b) != 0)
		errx(1, "no thread");
}

static void
bulk_stop(struct bulk *b)
{
	b->stop = 1;
	shutdown(b->fd, SHUT_RDWR);
	pthread_join(b->thread, NULL);
	close(b->fd);
}

/* Bytes that have arrived, at whichever end. */
static uint64_t
bulk_arrived(struct bulk *b)
{
	return b->up ? atomic_load(b->run->target.sunk) :
	    atomic_load(&b->received);
}

/* Measures while it runs; prints the rate, and the CPU time it cost. */
static void
bulk_measure(struct bulk *b, struct usage *u, double seconds)
{
	uint64_t before, bytes;
	int64_t start;
	double took;

	usage_mark(u);
	before = bulk_arrived(b);
	start = measure_now();
	measure_sleep(seconds);
	bytes = bulk_arrived(b) - before;
	took = measure_since(start);
	printf("mbps %.2f\nbytes %llu\n", (double)bytes / took / 1e6,
	    (unsigned long long)bytes);
	usage_print_cpu(u);
}

/* Measures from the dial until so many bytes have arrived. */
static void
bulk_measure_bytes(struct run *r, int up)
{
	struct bulk b;
	int64_t start;
	double took;

	usage_mark(&r->usage);
	start = measure_now();
	bulk_start(&b, r, up);
	while ((double)bulk_arrived(&b) < r->bytes)
		measure_sleep(0.001);
	took = measure_since(start);
	printf("mbps %.2f\nseconds %.3f\n", r->bytes / took / 1e6, took);
	usage_print_cpu(&r->usage);
	bulk_stop(&b);
}

static int
is_up(const char *arg)
{
	if (arg != NULL && strcmp(arg, "up") == 0)
		return 1;
	if (arg == NULL || strcmp(arg, "down") != 0)
		errx(1, "down or up?");
	return 0;
}

static void
run_bulk(struct run *r, char *argv[])
{
	struct bulk b;
	int up = is_up(argv[0]);

	if (r->bytes > 0) {
		bulk_measure_bytes(r, up);
		return;
	}
	usage_print_rss(&r->usage, "rss0");
	bulk_start(&b, r, up);
	measure_sleep(r->warmup);
	bulk_measure(&b, &r->usage, r->seconds);
	usage_print_rss(&r->usage, "rss");
	bulk_stop(&b);
}

/* One byte after the other on one flow; prints PREFIX_p50 and PREFIX_p99. */
static void
echo_measure(int fd, double seconds, const char *prefix)
{
	struct samples s = { 0 };
	int64_t start, begin;

	begin = measure_now();
	do {
		start = measure_now();
		dial_exchange(fd, (char)('a' + s.n % 26));
		samples_add(&s, measure_since(start) * 1e3);
	} while (measure_since(begin) < seconds);
	printf("%s_p50 %.4f\n%s_p99 %.4f\n%s_count %zu\n", prefix,
	    samples_percentile(&s, 0.5), prefix, samples_percentile(&s, 0.99),
	    prefix, s.n);
	samples_clear(&s);
}

static int
echo_open(const struct run *r)
{
	int fd;

	if ((fd = dial_one(&r->to, "Ex", 1)) == -1)
		errx(1, "no echo through the proxy");
	return fd;
}

static void
run_load(struct run *r, char *argv[])
{
	struct bulk b;
	uint64_t before;
	int64_t start;
	int fd, up = is_up(argv[0]);

	fd = echo_open(r);
	echo_measure(fd, ECHO_S, "idle");
	bulk_start(&b, r, up);
	measure_sleep(r->warmup);
	before = bulk_arrived(&b);
	start = measure_now();
	echo_measure(fd, r->seconds, "load");
	printf("mbps %.2f\n",
	    (double)(bulk_arrived(&b) - before) / measure_since(start) / 1e6);
	bulk_stop(&b);
	close(fd);
}

struct flows {
	int	*fds;
	long	 n;
};

static int
flows_add(int fd, void *arg)
{
	struct flows *f = arg;

	if (f->n == FLOWS_MAX)
		errx(1, "too many flows");
	f->fds[f->n++] = fd;
	return 0;
}

/* One echo on each flow in turn; returns how many answer. */
static long
flows_echo(const struct flows *f)
{
	char c = 'z';
	long i, good = 0;

	for (i = 0; i < f->n; i++)
		(void)send(f->fds[i], &c, 1, MSG_NOSIGNAL);
	for (i = 0; i < f->n; i++) {
		ssize_t n;

		while ((n = read(f->fds[i], &c, 1)) == -1 && errno == EAGAIN)
			measure_sleep(0.001);
		good += n == 1 && c == 'z';
	}
	return good;
}

/* The way to the target that needs no proxy. */
static struct dial_to
without_proxy(const struct run *r)
{
	struct dial_to to = {
		.proxy = r->target.port, .target = r->target.port, .direct = 1
	};

	return to;
}

/* The same echo without a proxy, and through it with no other flow. */
static void
echo_floor(const struct run *r, int fd)
{
	struct dial_to to = without_proxy(r);
	int direct;

	if ((direct = dial_one(&to, "Ex", 1)) == -1)
		errx(1, "no echo of the target");
	echo_measure(direct, ECHO_S / 2, "direct");
	close(direct);
	echo_measure(fd, ECHO_S / 2, "alone");
}

static void
run_flows(struct run *r, char *argv[])
{
	struct flows f = { 0 };
	struct bulk b;
	int64_t start;
	int fd, failed;

	if ((f.fds = calloc(FLOWS_MAX, sizeof(*f.fds))) == NULL)
		err(1, NULL);
	fd = echo_open(r);
	echo_floor(r, fd);
	usage_print_rss(&r->usage, "rss0");
	start = measure_now();
	failed = dial_many(&r->to, r->at_once, r->count, 0, flows_add, &f);
	printf("open %ld\nopen_seconds %.3f\nfailed %d\n", f.n,
	    measure_since(start), failed);
	usage_print_rss(&r->usage, "rss");
	echo_measure(fd, ECHO_S, "echo");
	if (r->seconds > 0) {
		bulk_start(&b, r, 0);
		measure_sleep(r->warmup);
		bulk_measure(&b, &r->usage, r->seconds);
		bulk_stop(&b);
	}
	start = measure_now();
	printf("answered %ld\n", flows_echo(&f));
	printf("answered_seconds %.3f\n", measure_since(start));
	free(f.fds);
}

static int
count_it(int fd, void *arg)
{
	long *count = arg;

	++*count;
	return -1;
}

/* Returns how many failed. */
static int
rate_measure(const struct run *r, const struct dial_to *to, double seconds,
    const char *name)
{
	long count = 0;
	int64_t start = measure_now();
	int failed;

	failed = dial_many(to, r->at_once, 0, seconds, count_it, &count);
	printf("%s %.0f\n%s_count %ld\n", name,
	    (double)count / measure_since(start), name, count);
	return failed;
}

static void
run_rate(struct run *r, char *argv[])
{
	struct dial_to to = without_proxy(r);
	int failed;

	usage_mark(&r->usage);
	failed = rate_measure(r, &r->to, r->seconds, "rate");
	usage_print_cpu(&r->usage);
	failed += rate_measure(r, &to, r->seconds / 3, "direct");
	printf("failed %d\n", failed);
}

static void
run_first(struct run *r, char *argv[])
{
	struct samples s = { 0 };
	int64_t start;
	long i;

	close(echo_open(r));
	for (i = 0; i < r->count; i++) {
		measure_sleep(r->warmup);
		start = measure_now();
		close(echo_open(r));
		samples_add(&s, measure_since(start) * 1e3);
	}
	printf("first_p50 %.3f\nfirst_max %.3f\n", samples_percentile(&s, 0.5),
	    samples_percentile(&s, 1));
	samples_clear(&s);
}

static void
run_once(struct run *r, char *argv[])
{
	int64_t start = measure_now();

	close(echo_open(r));
	printf("once %.3f\n", measure_since(start) * 1e3);
}

/* Each for -s seconds: so many at once, and one after the other. */
static void
run_udp(struct run *r, char *argv[])
{
	udp_measure(&r->to, r->at_once, r->seconds, "udp");
	udp_measure_tcp(&r->to, r->at_once, r->seconds, "tcp");
	udp_measure(&r->to, 1, r->seconds, "udp1");
	udp_measure_tcp(&r->to, 1, r->seconds, "tcp1");
}

static pid_t
spawn(char *argv[])
{
	pid_t pid;

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	return pid;
}

static void
run_start(struct run *r, char *argv[])
{
	int64_t start;
	pid_t pid;
	int fd, status;

	if (argv[0] == NULL)
		errx(1, "which command?");
	start = measure_now();
	pid = spawn(argv);
	while ((fd = dial_socket(&r->to)) == -1) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			errx(1, "%s ended by itself", argv[0]);
		measure_sleep(0.0005);
	}
	printf("accepts %.2f\n", measure_since(start) * 1e3);
	close(fd);
	close(echo_open(r));
	printf("useful %.2f\n", measure_since(start) * 1e3);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
}

static void
run_target(struct run *r, char *argv[])
{
	alarm(0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	printf("%u\n", r->target.port);
	pause();
}

static const struct {
	const char	*name;
	void		(*run)(struct run *, char *[]);
} commands[] = {
	{ "bulk", run_bulk },
	{ "load", run_load },
	{ "flows", run_flows },
	{ "rate", run_rate },
	{ "first", run_first },
	{ "once", run_once },
	{ "start", run_start },
	{ "udp", run_udp },
	{ "target", run_target },
};

static double
number(const char *s, double max)
{
	char *end;
	double d;

	d = strtod(s, &end);
	if (end == s || *end != '\0' || !(d >= 0 && d <= max))
		errx(1, "%s: not a number from 0 to %g", s, max);
	return d;
}

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: traffic [-x] [-b bytes] [-c pid,...] "
	    "[-j at-once] [-m file] [-n count]\n\t[-s seconds] "
	    "[-t target-port | -T target-port] [-w warm-up]\n"
	    "\t-P proxy-port what [down | up]\n");
	exit(1);
}

static void
parse_options(struct run *r, int argc, char *argv[])
{
	int ch;

	while ((ch = getopt(argc, argv, "P:T:b:c:j:m:n:s:t:w:x")) != -1)
		switch (ch) {
		case 'P':
			r->to.proxy = (uint16_t)number(optarg, 65535);
			break;
		case 'b':
			r->bytes = number(optarg, 1e15);
			break;
		case 'c':
			usage_parse(&r->usage, optarg);
			break;
		case 'j':
			r->at_once = (int)number(optarg, 10000);
			break;
		case 'm':
			r->count_file = optarg;
			break;
		case 'n':
			r->count = (long)number(optarg, FLOWS_MAX);
			break;
		case 's':
			r->seconds = number(optarg, LIMIT_S);
			break;
		case 'T':
			r->join = 1;
			/* FALLTHROUGH */
		case 't':
			r->target_port = (uint16_t)number(optarg, 65535);
			break;
		case 'w':
			r->warmup = number(optarg, LIMIT_S);
			break;
		case 'x':
			r->to.direct = 1;
			break;
		default:
			usage();
		}
}

/* The number of the command named, or -1. */
static int
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void
raise_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "getrlimit");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "setrlimit");
}

int
main(int argc, char *argv[])
{
	struct run r = { .count = 1, .at_once = 64 };
	int which;

	parse_options(&r, argc, argv);
	if (r.at_once == 0 || optind == argc ||
	    (which = find_command(argv[optind])) == -1 ||
	    (r.to.proxy == 0 && commands[which].run != run_target))
		usage();
	setvbuf(stdout, NULL, _IOLBF, 0);
	raise_limit();
	alarm(LIMIT_S);
	if (r.join)
		target_join(&r.target, r.target_port, r.count_file);
	else
		target_start(&r.target, r.target_port, r.count_file);
	r.to.target = r.target.port;
	commands[which].run(&r, argv + optind + 1);
	target_stop(&r.target);
	return 0;
}
