/* SPDX-License-Identifier: ISC */
/*
 * Owns the forms [user@]host, [user@]host:port and ssh://[user@]host[:port].
 * Whether the names are fit for a shell is the caller's question to
 * expand_safe_host() and expand_safe_user().
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "destination.h"
#include "xmalloc.h"

/* Frees what it holds, and makes it empty. */
void
destination_clear(struct destination *d)
{
	free(d->user);
	free(d->host);
	memset(d, 0, sizeof(*d));
}

/* The host and, if with_port, the port after it; cuts the text. */
static int
destination_parse_host(struct destination *d, char *s, int with_port)
{
	uint16_t number;
	char *host = s, *port = NULL;

	if ((with_port || *s == '[') &&
	    (host = addr_split_hostport(s, &port)) == NULL)
		return -1;
	if (port != NULL) {
		if (!with_port || addr_parse_port(&number, port) == -1 ||
		    number == 0)
			return -1;
		d->port = number;
	}
	d->host = xstrdup(host);
	return 0;
}

/*
 * Takes a text apart; a path after ssh://host is an error.  Returns 0 with
 * what is to be cleared, or -1 with an empty destination.
 */
int
destination_parse(struct destination *d, const char *text, int flags)
{
	char *copy, *s, *at;
	int is_uri, ret;

	memset(d, 0, sizeof(*d));
	is_uri = strncasecmp(text, "ssh://", 6) == 0;
	s = copy = xstrdup(is_uri ? text + 6 : text);
	if (is_uri && *s != '\0' && s[strlen(s) - 1] == '/')
		s[strlen(s) - 1] = '\0';
	if ((at = strrchr(s, '@')) != NULL) {
		*at = '\0';
		d->user = xstrdup(s);
		s = at + 1;
	}
	ret = is_uri && strchr(s, '/') != NULL ? -1 :
	    destination_parse_host(d, s, is_uri || (flags & DESTINATION_PORT));
	free(copy);
	if (ret == 0 && *d->host != '\0' &&
	    (d->user == NULL || *d->user != '\0'))
		return 0;
	destination_clear(d);
	return -1;
}
