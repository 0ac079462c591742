/* SPDX-License-Identifier: ISC */
/*
 * A host and a jump string, each a line, both from anywhere.  In the command
 * that is made of them quotes are closed and nothing outside of them means
 * anything to a shell; and what a destination is made of can be one again.
 */
#include <stdio.h>

#include "cliconf.h"
#include "destination.h"
#include "fuzz.h"
#include "proxy.h"

static void
check_command(const char *s)
{
	int quoted = 0;

	for (; *s != '\0'; s++) {
		if (*s == '\'')
			quoted = !quoted;
		else if (!quoted)
			check(strchr(";&|<>()$`\"\\\n", *s) == NULL);
	}
	check(!quoted);
}

static void
check_destination(const char *text, int flags)
{
	struct destination d, again;
	char *s;

	if (destination_parse(&d, text, flags) == -1) {
		check(d.user == NULL && d.host == NULL);
		return;
	}
	check(*d.host != '\0' && d.port >= 0 && d.port <= 65535);
	check(d.user == NULL || *d.user != '\0');
	check(asprintf(&s, "%s%s%s", d.user != NULL ? d.user : "",
	    d.user != NULL ? "@" : "", d.host) != -1);
	/* A host with a colon or a bracket would need others. */
	if (strpbrk(d.host, ":[]/") == NULL &&
	    strncasecmp(s, "ssh://", 6) != 0) {
		check(destination_parse(&again, s, 0) == 0);
		check(strcmp(again.host, d.host) == 0);
		destination_clear(&again);
	}
	free(s);
	destination_clear(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cliconf conf = { .port = 22 };
	char err[CONF_ERR_MAX], *text, *next, *command;

	check((text = strndup((const char *)data, size)) != NULL);
	next = text;
	conf.hostname = strsep(&next, "\n");
	conf.proxy_jump = next;
	check_destination(conf.hostname, 0);
	check_destination(conf.hostname, DESTINATION_PORT);
	switch (proxy_command(&conf, &command, err, sizeof(err))) {
	case 1:
		check_command(command);
		free(command);
		break;
	case 0:
		check(next == NULL || strcasecmp(next, "none") == 0);
		break;
	default:
		check(command == NULL && *err != '\0');
	}
	free(text);
	return 0;
}
