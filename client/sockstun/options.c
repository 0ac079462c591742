/* SPDX-License-Identifier: ISC */
/*
 * The command line: letters as ssh(1) has them, the destination, and the
 * command to be run here when the proxy is ready.  Whatever is wrong with it,
 * or with the configuration that it leads to, is said here and ends the
 * process.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "congestion.h"
#include "destination.h"
#include "expand.h"
#include "log.h"
#include "options.h"
#include "sshloop.h"
#include "version.h"
#include "xmalloc.h"

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr,
"usage: sockstun [-46fGgqVv] [-b bind_address] [-c cipher]\n"
"                [-D [bind_address:]port | -D /path] [-E log_file]\n"
"                [-F configfile] [-i identity] [-J destination] [-l login]\n"
"                [-m mac] [-O ctl_cmd] [-o option] [-p port] [-P tag]\n"
"                [-S ctl_path]\n"
"                [user@]host[,...] [-- command [argument ...]]\n");
	exit(EXIT_OWN);
}

/* Arguments that are often mistyped, as ssh(1) calls them. */
static const struct {
	const char	*keyword;
	const char	*name;
} arguments[] = {
	{ "DynamicForward", "dynamic forwarding specification" },
	{ "Port", "port" },
};

static void
set_option(struct options *o, const char *keyword, const char *value)
{
	char why[CONF_ERR_MAX];
	const char *reason;
	size_t i;

	if (cliconf_set(&o->conf, keyword, value, why, sizeof(why)) == 0)
		return;
	reason = strstr(why, "\": ");
	for (i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
		if (strcmp(arguments[i].keyword, keyword) == 0)
			errx(EXIT_OWN, "Bad %s '%s'%s", arguments[i].name,
			    value, reason != NULL ? reason + 1 : "");
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
	    sshloop_library());
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
	{ 'C', "Compression", "yes" },
	{ 'D', "DynamicForward", NULL },
	{ 'I', "PKCS11Provider", NULL },
	{ 'J', "ProxyJump", NULL },
	{ 'P', "Tag", NULL },
	{ 'S', "ControlPath", NULL },
	{ 'b', "BindAddress", NULL },
	{ 'c', "Ciphers", NULL },
	{ 'f', "ForkAfterAuthentication", "yes" },
	{ 'g', "GatewayPorts", "yes" },
	{ 'l', "User", NULL },
	{ 'm', "MACs", NULL },
	{ 'p', "Port", NULL },
};

/* Letters of ssh(1) for what is not done here, and what to do instead. */
static const struct {
	int		 letter;
	const char	*advice;
} refused[] = {
	{ 'B', "interfaces cannot be chosen; use -b bind_address" },
	{ 'L', "only SOCKS is forwarded; use ssh -L" },
	{ 'Q', "algorithms are not listed; use ssh -Q" },
	{ 'R', "only SOCKS is forwarded; use ssh -R" },
	{ 'W', "only SOCKS is forwarded; use ssh -W" },
	{ 's', "no subsystem is opened; use ssh -s" },
	{ 'w', "only SOCKS is forwarded; use ssh -w" },
};

/*
 * Letters of ssh(1) that mean nothing to a client without a shell on the far
 * end, a terminal there, or a shared connection: they are passed over, so that
 * command lines for "ssh -N" can be kept.
 */
#define WITHOUT_EFFECT	"2AKMNTXYaekntx"

#define LETTERS		"+46B:CD:E:F:GI:J:L:O:P:Q:R:S:VW:b:c:e:fgi:l:m:o:p:" \
			"qsvw:2AKMNTXYakntx"

/* Says at once that there is no such file and goes on, like ssh(1). */
static void
check_identity(const char *arg)
{
	char why[CONF_ERR_MAX], *path, *public;

	if ((path = expand_text(NULL, arg, EXPAND_TILDE, why,
	    sizeof(why))) == NULL)
		errx(EXIT_OWN, "-i %s: %s", arg, why);
	xasprintf(&public, "%s.pub", path);
	if (strcasecmp(arg, "none") != 0 && strpbrk(arg, "%$") == NULL &&
	    access(public, F_OK) == -1 && access(path, F_OK) == -1)
		warn("Warning: Identity file %s not accessible", path);
	free(public);
	free(path);
}

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
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].letter == letter)
			errx(EXIT_OWN, "-%c: %s", letter, refused[i].advice);
	return strchr(WITHOUT_EFFECT, letter) != NULL;
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
	case 'O':
		o->ctl_cmd = optarg;
		break;
	case 'V':
		print_version();
	case 'i':
		if (o->instead == NULL)
			check_identity(optarg);
		set_option(o, "IdentityFile", optarg);
		break;
	case 'o':
		set_option_line(o, optarg);
		break;
	case 'q':
		o->quiet = 1;
		break;
	case 'v':
		o->verbose++;
		break;
	case '?':
		usage();
	default:
		if (!set_letter(o, ch, optarg))
			usage();
	}
}

/* The first, second (1) ... of a list with commas; NULL, or to be freed. */
static char *
nth_destination(const char *list, size_t n)
{
	while (n-- > 0) {
		list += strcspn(list, ",");
		if (*list++ == '\0')
			return NULL;
	}
	return xstrndup(list, strcspn(list, ","));
}

/* With several a port may follow the host's name. */
static void
set_destination(struct options *o, const char *arg)
{
	struct destination d;
	char port[8], *first;
	int flags = o->instead != NULL || strchr(arg, ',') != NULL ?
	    DESTINATION_PORT : 0;

	o->destinations = arg;
	first = nth_destination(o->instead != NULL ? o->instead : arg, 0);
	if (destination_parse(&d, first, flags) == -1)
		usage();
	free(first);
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

	/* getopt(3) puts it before what it says. */
	argv[0] = program_invocation_short_name;
	for (;;) {
		while ((ch = getopt(argc, argv, LETTERS)) != -1)
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
			errx(EXIT_OWN, "%s: no command is run on the far end; "
			    "a local command goes after \"--\"", argv[last]);
		set_destination(o, argv[last]);
		optind = last + 1;
	}
	if (o->host == NULL)
		usage();
}

/* -1 with a reason. */
static int
read_configuration(struct options *o, char *why, size_t len)
{
	if (cliconf_read_files(&o->conf, o->host, o->config_file, why,
	    len) == -1 || cliconf_finish(&o->conf, o->host, why, len) == -1)
		return -1;
	if (o->conf.refuse_connection == NULL || o->dump)
		return 0;
	snprintf(why, len, "The configuration refuses connections to %s: %s",
	    o->host, o->conf.refuse_connection);
	return -1;
}

/*
 * A further far end: the command line is read once more, with another
 * destination in the place of the first, and the files for that host.
 */
static int
add_other(struct options *o, int argc, char **argv, const char *destination,
    char *why, size_t len)
{
	struct options other;
	int ret;

	memset(&other, 0, sizeof(other));
	other.instead = destination;
	cliconf_init(&other.conf);
	optind = 0;
	parse_arguments(&other, argc, argv);
	ret = read_configuration(&other, why, len);
	free(other.host);
	o->others = xrecallocarray(o->others, o->nothers, o->nothers + 1,
	    sizeof(*o->others));
	o->others[o->nothers++] = other.conf;
	return ret;
}

/* Those after a comma, then those of FarEnd.  -1 with a reason. */
static int
add_others(struct options *o, int argc, char **argv, char *why, size_t len)
{
	const struct conf_list *more = &o->conf.far_ends;
	char *text;
	size_t i;
	int ret = 0;

	for (i = 1; ret == 0 &&
	    (text = nth_destination(o->destinations, i)) != NULL; i++) {
		ret = add_other(o, argc, argv, text, why, len);
		free(text);
	}
	for (i = 0; ret == 0 && i < more->n; i++)
		ret = add_other(o, argc, argv, more->word[i], why, len);
	return ret;
}

/* The level that -q and -v ask for, or else that of the configuration. */
static enum log_level
level_asked(const struct options *o, enum log_level level)
{
	if (o->quiet)
		return LOG_LEVEL_QUIET;
	switch (o->verbose) {
	case 0:
		return level;
	case 1:
		return LOG_LEVEL_VERBOSE;
	case 2:
		return LOG_LEVEL_DEBUG;
	default:
		return LOG_LEVEL_DEBUG2;
	}
}

/*
 * Reads the command line, begins to log as it says, and reads the
 * configuration files; what is wrong with any of it, and -V, ends the process.
 * The strings of argv must outlive o.
 */
void
options_parse(struct options *o, int argc, char **argv)
{
	char why[CONF_ERR_MAX];

	memset(o, 0, sizeof(*o));
	cliconf_init(&o->conf);
	parse_arguments(o, argc, argv);
	log_init("sockstun", level_asked(o, LOG_LEVEL_INFO), 1);
	log_name_lines();
	if (o->log_file != NULL && log_open_file(o->log_file) == -1)
		err(EXIT_OWN, "Couldn't open logfile %s", o->log_file);
	if (read_configuration(o, why, sizeof(why)) == -1 ||
	    add_others(o, argc, argv, why, sizeof(why)) == -1)
		errx(EXIT_OWN, "%s", why);
	log_set_level(level_asked(o, (enum log_level)o->conf.log_level));
	if (!o->dump && o->ctl_cmd == NULL)
		cliconf_tell(&o->conf);
}

/*
 * Reads the same command line, which was right the first time, and the files
 * as they are now, and begins to log as they say.  Returns 0, or -1 with a
 * reason: then nothing has changed, and o is empty.
 */
int
options_reload(struct options *o, int argc, char **argv, char *why, size_t len)
{
	memset(o, 0, sizeof(*o));
	cliconf_init(&o->conf);
	optind = 0;
	parse_arguments(o, argc, argv);
	if (read_configuration(o, why, len) == -1 ||
	    add_others(o, argc, argv, why, len) == -1) {
		options_clear(o);
		return -1;
	}
	log_set_level(level_asked(o, (enum log_level)o->conf.log_level));
	return 0;
}

/* Frees what the options own. */
void
options_clear(struct options *o)
{
	size_t i;

	for (i = 0; i < o->nothers; i++)
		cliconf_clear(&o->others[i]);
	free(o->others);
	cliconf_clear(&o->conf);
	free(o->host);
	memset(o, 0, sizeof(*o));
}

/* Prints the configuration, for -G. */
void
options_dump(const struct options *o)
{
	char *text = cliconf_dump(&o->conf);

	fputs(text, stdout);
	free(text);
	congestion_print_granted(&o->conf.congestion);
}
