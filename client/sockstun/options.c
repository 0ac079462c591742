/* SPDX-License-Identifier: ISC */
/*
 * The command line: letters as ssh(1) has them, the destination, and the
 * command to be run here when the proxy is ready.  Whatever is wrong with it,
 * or with the configuration that it leads to, is said here and ends the
 * process.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh/libssh.h>

#include "destination.h"
#include "log.h"
#include "options.h"
#include "version.h"
#include "xmalloc.h"

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr,
"usage: sockstun [-46fgNnqTvV] [-c cipher] [-D [bind_address:]port | -D /path]\n"
"                [-E log_file] [-F configfile] [-G] [-i identity]\n"
"                [-J destination] [-l login] [-m mac] [-o option] [-p port]\n"
"                [user@]host [-- command [argument ...]]\n");
	exit(EXIT_OWN);
}

static void
set_option(struct options *o, const char *keyword, const char *value)
{
	char why[CONF_ERR_MAX];

	if (cliconf_set(&o->conf, keyword, value, why, sizeof(why)) == -1)
		errx(EXIT_OWN, "%s", why);
}

static void
set_option_line(struct options *o, const char *line)
{
	char why[CONF_ERR_MAX];

	if (cliconf_set_option(&o->conf, line, why, sizeof(why)) == -1)
		errx(EXIT_OWN, "%s", why);
}

static void __attribute__((noreturn))
print_version(void)
{
	fprintf(stderr, "sockstun_%s, libssh %s\n", SOCKSTUN_VERSION,
	    ssh_version(0));
	exit(0);
}

/* The letters that stand for keywords of the configuration. */
static const struct {
	int		 letter;
	const char	*keyword;
	const char	*value;		/* NULL: the letter's argument */
} letters[] = {
	{ '4', "AddressFamily", "inet" },
	{ '6', "AddressFamily", "inet6" },
	{ 'D', "DynamicForward", NULL },
	{ 'J', "ProxyJump", NULL },
	{ 'c', "Ciphers", NULL },
	{ 'f', "ForkAfterAuthentication", "yes" },
	{ 'g', "GatewayPorts", "yes" },
	{ 'i', "IdentityFile", NULL },
	{ 'l', "User", NULL },
	{ 'm', "MACs", NULL },
	{ 'p', "Port", NULL },
};

static int
set_letter(struct options *o, int letter, const char *arg)
{
	size_t i;

	for (i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].letter == letter) {
			set_option(o, letters[i].keyword,
			    letters[i].value != NULL ? letters[i].value : arg);
			return 1;
		}
	return 0;
}

static void
parse_letter(struct options *o, int ch)
{
	switch (ch) {
	case 'E':
		o->log_file = optarg;
		break;
	case 'F':
		o->config_file = optarg;
		break;
	case 'G':
		o->dump = 1;
		break;
	case 'N':
	case 'T':
	case 'n':
		break;		/* what they ask of ssh(1) is always so here */
	case 'V':
		print_version();
	case 'o':
		set_option_line(o, optarg);
		break;
	case 'q':
		o->quiet = 1;
		break;
	case 'v':
		o->verbose++;
		break;
	default:
		if (!set_letter(o, ch, optarg))
			usage();
	}
}

static void
set_destination(struct options *o, const char *arg)
{
	struct destination d;
	char port[8];

	if (destination_parse(&d, arg, 0) == -1)
		usage();
	if (d.user != NULL)
		set_option(o, "User", d.user);
	if (d.port != 0) {
		snprintf(port, sizeof(port), "%d", d.port);
		set_option(o, "Port", port);
	}
	o->host = xstrdup(d.host);
	destination_clear(&d);
}

/* Options may also follow the host, as in ssh(1); "--" begins the command. */
static void
parse_arguments(struct options *o, int argc, char **argv)
{
	int ch, last;

	for (;;) {
		while ((ch = getopt(argc, argv,
		    "+46D:E:F:GJ:NTVc:fgi:l:m:no:p:qv")) != -1)
			parse_letter(o, ch);
		last = optind;
		if (last >= argc)
			break;
		if (last > 0 && strcmp(argv[last - 1], "--") == 0 &&
		    o->host != NULL) {
			o->command = argv + last;
			break;
		}
		if (o->host != NULL)
			usage();
		set_destination(o, argv[last]);
		optind = last + 1;
	}
	if (o->host == NULL)
		usage();
}

static void
read_configuration(struct options *o)
{
	char why[CONF_ERR_MAX];

	if (cliconf_read_files(&o->conf, o->host, o->config_file, why,
	    sizeof(why)) == -1 ||
	    cliconf_finish(&o->conf, o->host, why, sizeof(why)) == -1)
		errx(EXIT_OWN, "%s", why);
}

/*
 * Reads the command line and then the configuration files; what is wrong with
 * either, and -V, ends the process.  The strings of argv must outlive o.
 */
void
options_parse(struct options *o, int argc, char **argv)
{
	memset(o, 0, sizeof(*o));
	cliconf_init(&o->conf);
	parse_arguments(o, argc, argv);
	read_configuration(o);
}

/* Frees what the options own. */
void
options_clear(struct options *o)
{
	cliconf_clear(&o->conf);
	free(o->host);
}

/* Prints the configuration, for -G. */
void
options_dump(const struct options *o)
{
	char *text = cliconf_dump(&o->conf);

	fputs(text, stdout);
	free(text);
}

/* Begins to log as -q, -v, -E and LogLevel say. */
void
options_set_log(const struct options *o)
{
	enum log_level level = (enum log_level)o->conf.log_level;

	if (o->quiet)
		level = LOG_LEVEL_QUIET;
	else if (o->verbose > 0)
		level = o->verbose == 1 ? LOG_LEVEL_VERBOSE :
		    o->verbose == 2 ? LOG_LEVEL_DEBUG : LOG_LEVEL_DEBUG2;
	log_init("sockstun", level, 1);
	if (o->log_file != NULL && log_open_file(o->log_file) == -1)
		err(EXIT_OWN, "Couldn't open logfile %s", o->log_file);
}
