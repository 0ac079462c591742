/* SPDX-License-Identifier: ISC */
/*
 * Owns CanonicalizeHostname: a short name becomes a full one by the domains of
 * CanonicalDomains, and that one another by CanonicalizePermittedCNAMEs, as
 * ssh(1) does it.  The defaults of these keywords are not set yet when they
 * are needed here.  What is to be done with the name is decided in clifiles.c.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "canonical.h"
#include "cliconf.h"
#include "conf.h"
#include "log.h"
#include "match.h"
#include "xmalloc.h"

#define CANONICAL_MAX_DOTS	1	/* without CanonicalizeMaxDots */

static int
canonical_is_none(const char *command)
{
	return command == NULL || strcasecmp(command, "none") == 0;
}

/* Is the name of the host to be a full one? */
int
canonical_is_asked(const struct cliconf *conf)
{
	return conf->canonicalize == CANONICALIZE_YES ||
	    conf->canonicalize == CANONICALIZE_ALWAYS;
}

/* Is it left to a proxy to know the host by its name? */
static int
canonical_is_left(const struct cliconf *conf)
{
	return conf->canonicalize != CANONICALIZE_ALWAYS &&
	    !(canonical_is_none(conf->proxy_command) &&
	    canonical_is_none(conf->proxy_jump));
}

static int
canonical_is_address(const char *host)
{
	struct in6_addr addr;

	return strchr(host, '%') != NULL ||
	    inet_pton(AF_INET, host, &addr) == 1 ||
	    inet_pton(AF_INET6, host, &addr) == 1;
}

static char *
canonical_resolve(const struct cliconf *conf, const char *name)
{
	struct addrinfo hints, *ai;
	char *real;

	memset(&hints, 0, sizeof(hints));
	hints.ai_flags = AI_CANONNAME;
	hints.ai_socktype = SOCK_STREAM;
	if (conf->address_family != CONF_UNSET)
		hints.ai_family = conf->address_family;
	if (getaddrinfo(name, NULL, &hints, &ai) != 0)
		return xstrdup("");
	real = xstrdup(ai->ai_canonname != NULL ? ai->ai_canonname : name);
	freeaddrinfo(ai);
	return real;
}

/*
 * The name that the resolver has for this one, or "" if it does not know it.
 * Answers are kept: when the files are read again, nothing may wait.
 */
static const char *
canonical_look_up(const struct cliconf *conf, const char *name)
{
	static struct conf_list known;
	char *real;
	size_t i;

	for (i = 0; i < known.n; i += 2)
		if (strcmp(known.word[i], name) == 0)
			return known.word[i + 1];
	real = canonical_resolve(conf, name);
	conf_list_add(&known, name);
	conf_list_add(&known, real);
	free(real);
	return known.word[known.n - 1];
}

/* Removes the dot that ends a name with all its domains. */
static char *
canonical_without_dot(const char *name)
{
	size_t len = strlen(name);

	return xstrndup(name, len > 0 && name[len - 1] == '.' ? len - 1 : len);
}

/* Does a rule, "names:names", let the first name stand for the other? */
static int
canonical_permits(const char *rule, const char *name, const char *real)
{
	char *from = xstrdup(rule), *to = strchr(from, ':');
	int ret = 0;

	if (to != NULL) {
		*to++ = '\0';
		ret = match_hostname(name, from) == 1 &&
		    match_hostname(real, to) == 1;
	}
	free(from);
	return ret;
}

/* The name, which may be freed, or the other for which it is an alias. */
static char *
canonical_follow(const struct cliconf *conf, char *name, const char *alias_of)
{
	const struct conf_list *rules = &conf->canonical_cnames;
	char *real = canonical_without_dot(alias_of);
	size_t i;

	for (i = 0; *real != '\0' && i < rules->n; i++) {
		if (!canonical_permits(rules->word[i], name, real))
			continue;
		log_debug("Canonicalized DNS aliased hostname \"%s\" => "
		    "\"%s\"", name, real);
		free(name);
		return real;
	}
	free(real);
	return name;
}

/* The name in the first of the domains that has it; NULL: none has. */
static char *
canonical_search(const struct cliconf *conf, const char *host)
{
	const struct conf_list *domains = &conf->canonical_domains;
	const char *real;
	char *full;
	size_t i;

	for (i = 0; i < domains->n &&
	    strcasecmp(domains->word[i], "none") != 0; i++) {
		/* The dot at the end keeps other domains away from it. */
		xasprintf(&full, "%s.%s.", host, domains->word[i]);
		if (*(real = canonical_look_up(conf, full)) != '\0') {
			full[strlen(full) - 1] = '\0';
			return canonical_follow(conf, full, real);
		}
		free(full);
	}
	return NULL;
}

static int
canonical_has_few_dots(const struct cliconf *conf, const char *host)
{
	int dots = 0;

	for (; *host != '\0'; host++)
		dots += *host == '.';
	return dots <= (conf->canonical_max_dots == CONF_UNSET ?
	    CANONICAL_MAX_DOTS : conf->canonical_max_dots);
}

/*
 * The full name of a host, for which canonical_is_asked(), or the name itself
 * if it has no other.  May wait for a name server.  To be freed; NULL with a
 * reason if there must be one.
 */
char *
canonical_name(const struct cliconf *conf, const char *host, char *err,
    size_t errlen)
{
	char *name = xstrdup(host), *full, *p;

	for (p = name; *p != '\0'; p++)
		*p = tolower((u_char)*p);
	if (canonical_is_left(conf) || canonical_is_address(name))
		return name;
	if (canonical_has_few_dots(conf, name)) {
		if ((full = canonical_search(conf, name)) != NULL) {
			free(name);
			return full;
		}
		if (conf->canonical_fallback == 0) {
			snprintf(err, errlen, "Could not resolve host "
			    "\"%.200s\" in a domain of CanonicalDomains",
			    name);
			free(name);
			return NULL;
		}
	}
	if (conf->canonical_cnames.n == 0)
		return name;
	return canonical_follow(conf, name, canonical_look_up(conf, name));
}
