/* SPDX-License-Identifier: ISC */
/*
 * The command line of sockstund, with the letters and meanings of sshd(8).
 * What it says of keywords goes straight into the configuration; nothing is
 * opened or started here.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "servargs.h"
#include "servconf.h"
#include "version.h"
#include "xmalloc.h"

#define SERVARGS_ERR_MAX	1024
#define SERVARGS_OPTIONS	"46C:DE:GR:TVdef:h:io:p:qtv"

static void __attribute__((noreturn))
servargs_usage(void)
{
	fprintf(stderr,
	    "usage: sockstund [-46DdeGiqTtVv] [-C connection_spec] "
	    "[-E log_file]\n"
	    "                 [-f config_file] [-h host_key_file] "
	    "[-o option] [-p port]\n");
	exit(1);
}

static void __attribute__((noreturn, format(printf, 1, 2)))
servargs_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void
servargs_set(struct servargs *a, const char *keyword, const char *value)
{
	char err[SERVARGS_ERR_MAX];

	if (servconf_set(a->conf, keyword, value, "command-line", err,
	    sizeof(err)) == -1)
		servargs_fail("%s", err);
}

static void
servargs_set_option(struct servargs *a, const char *option)
{
	char err[SERVARGS_ERR_MAX];

	if (servconf_set_option(a->conf, option, "command-line", err,
	    sizeof(err)) == -1)
		servargs_fail("%s", err);
}

/* One keyword=value of -C; is it what sshd(8) would take? */
static int
servargs_check_spec_word(const char *word)
{
	static const char *const names[] = { "user=", "host=", "rdomain=" };
	struct addr addr;
	uint16_t port;
	size_t i;

	if (strcmp(word, "invalid-user") == 0)
		return 1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(word, names[i], strlen(names[i])) == 0)
			return word[strlen(names[i])] != '\0';
	}
	if (strncmp(word, "lport=", 6) == 0)
		return addr_parse_port(&port, word + 6) == 0;
	if (strncmp(word, "laddr=", 6) == 0)
		word++;
	return strncmp(word, "addr=", 5) == 0 &&
	    addr_parse_host(&addr, word + 5, 0) == 0 &&
	    addr.type != ADDR_NAME;
}

/* No keyword depends on the connection, so -C is checked and has no effect. */
static void
servargs_check_spec(const char *spec)
{
	char *copy, *next, *word;

	next = copy = xstrdup(spec);
	while ((word = strsep(&next, ",")) != NULL) {
		if (!servargs_check_spec_word(word))
			servargs_fail("Invalid test mode specification %s",
			    word);
	}
	free(copy);
}

static enum servargs_role
servargs_parse_role(const char *name)
{
	if (strcmp(name, "listener") == 0)
		return ROLE_LISTENER;
	if (strcmp(name, "monitor") == 0)
		return ROLE_MONITOR;
	if (strcmp(name, "dialer") == 0)
		return ROLE_DIALER;
	if (strcmp(name, "logger") == 0)
		return ROLE_LOGGER;
	servargs_usage();
}

/* The role of a process that rexec_run() has made, before all else is parsed. */
enum servargs_role
servargs_role(int argc, char **argv)
{
	return argc > 2 && strcmp(argv[1], "-R") == 0 ?
	    servargs_parse_role(argv[2]) : ROLE_START;
}

/* The options with an argument. */
static void
servargs_parse_arg(struct servargs *a, int ch, const char *arg)
{
	switch (ch) {
	case 'C':
		servargs_check_spec(arg);
		a->spec = 1;
		break;
	case 'E':
		a->log_file = arg;
		break;
	case 'R':
		a->role = servargs_parse_role(arg);
		break;
	case 'f':
		a->conf_file = arg;
		break;
	case 'h':
		servargs_set(a, "HostKey", arg);
		break;
	case 'o':
		servargs_set_option(a, arg);
		break;
	case 'p':
		servargs_set(a, "Port", arg);
		break;
	default:
		servargs_usage();
	}
}

static void
servargs_parse_flag(struct servargs *a, int ch)
{
	switch (ch) {
	case '4':
		servargs_set(a, "AddressFamily", "inet");
		break;
	case '6':
		servargs_set(a, "AddressFamily", "inet6");
		break;
	case 'D':
		a->foreground = 1;
		break;
	case 'G':
	case 'T':
		a->mode = MODE_DUMP;
		break;
	case 'd':
		a->debug++;
		break;
	case 'e':
		a->to_stderr = 1;
		break;
	case 'i':
		a->inetd = 1;
		break;
	case 'q':
		a->quiet = 1;
		break;
	case 't':
		if (a->mode == MODE_SERVE)
			a->mode = MODE_TEST;
		break;
	case 'v':
		a->verbose++;
		break;
	}
}

/*
 * Reads the command line; keywords go into conf, which is kept.  Ends the
 * process on an error (status 1) and on -V.
 */
void
servargs_parse(struct servargs *a, struct servconf *conf, int argc,
    char **argv)
{
	int ch;

	memset(a, 0, sizeof(*a));
	a->conf = conf;
	while ((ch = getopt(argc, argv, SERVARGS_OPTIONS)) != -1) {
		if (ch == 'V') {
			fprintf(stderr, "%s\n", SOCKSTUN_BANNER);
			exit(0);
		}
		if (strchr("46DGTdeiqtv", ch) != NULL)
			servargs_parse_flag(a, ch);
		else
			servargs_parse_arg(a, ch, optarg);
	}
	if (optind < argc)
		servargs_fail("Extra argument %s.", argv[optind]);
	if (a->spec && a->mode == MODE_SERVE)
		servargs_fail("Config test connection parameter (-C) "
		    "provided without test mode (-T)");
}

/* Where lines go once it serves; before that it is standard error. */
enum logto
servargs_get_log(const struct servargs *a)
{
	if (a->log_file != NULL)
		return LOGTO_FILE;
	if (a->to_stderr || a->debug || (a->foreground && !a->inetd))
		return LOGTO_STDERR;
	return LOGTO_SYSLOG;
}

/* The level of the log, when the configuration says what LogLevel is. */
enum log_level
servargs_get_level(const struct servargs *a)
{
	if (a->quiet)
		return LOG_LEVEL_QUIET;
	if (a->debug > 0)
		return a->debug > 1 ? LOG_LEVEL_DEBUG2 : LOG_LEVEL_DEBUG;
	if (a->verbose > LOG_LEVEL_DEBUG2 - LOG_LEVEL_INFO)
		return LOG_LEVEL_DEBUG2;
	if (a->verbose > 0)
		return LOG_LEVEL_INFO + a->verbose;
	return a->conf->log_level;
}
