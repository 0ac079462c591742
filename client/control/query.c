/* SPDX-License-Identifier: ISC */
/*
 * The side of the control socket that asks, in a process of its own: one
 * word, one answer, which is shown as a table, or as it is.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <jansson.h>

#include "control.h"
#include "query.h"
#include "table.h"

#define QUERY_PATIENCE	10	/* seconds */
#define QUERY_FAILED	255

/* What can be ordered, and how its answer is shown. */
static const struct query {
	const char	*name;
	void		(*show)(const json_t *);
} queries[] = {
	{ "check", table_check },
	{ "status", table_status },
	{ "flows", table_flows },
	{ "reconnect", NULL },
	{ "stop", NULL },
	{ "exit", NULL },
};

static int
query_send(int fd, const char *word)
{
	char line[CONTROL_REQUEST_MAX];
	int n;

	n = snprintf(line, sizeof(line), "%s\n", word);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		errno = E2BIG;
		return -1;
	}
	return send(fd, line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -1;
}

/*
 * Asks at the control socket.  Returns the answer, to be released with
 * json_decref(), or NULL after the reason was written to standard error.
 */
json_t *
query_ask(const char *path, const char *word)
{
	static const struct timeval patience = { QUERY_PATIENCE, 0 };
	json_error_t error;
	json_t *answer;
	int fd;

	if ((fd = control_connect(path)) == -1) {
		warn("Control socket connect(%s)", path);
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (query_send(fd, word) == -1) {
		warn("%s", path);
		close(fd);
		return NULL;
	}
	answer = json_loadfd(fd, JSON_DISABLE_EOF_CHECK, &error);
	close(fd);
	if (answer == NULL)
		warnx("%s: no answer of a sockstun: %s", path, error.text);
	return answer;
}

static const struct query *
query_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
		if (strcmp(queries[i].name, name) == 0)
			return &queries[i];
	return NULL;
}

static int
query_show(const struct query *q, const json_t *answer, int raw)
{
	const char *why = json_string_value(json_object_get(answer, "error"));

	if (why != NULL) {
		warnx("%s: %s", q->name, why);
		return QUERY_FAILED;
	}
	if (raw) {
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (q->show != NULL)
		q->show(answer);
	return fflush(stdout) == 0 ? 0 : QUERY_FAILED;
}

/*
 * Does what -O says: "command", or "command=json".  Returns the exit status of
 * the process.
 */
int
query_run(const char *path, const char *order)
{
	const struct query *q;
	json_t *answer;
	char name[CONTROL_REQUEST_MAX], *form;
	int status;

	strlcpy(name, order, sizeof(name));
	if ((form = strchr(name, '=')) != NULL)
		*form++ = '\0';
	if ((q = query_find(name)) == NULL ||
	    (form != NULL && strcmp(form, "json") != 0)) {
		warnx("Invalid multiplex command: %s", order);
		return QUERY_FAILED;
	}
	if (path == NULL || strcasecmp(path, "none") == 0) {
		warnx("No ControlPath specified for \"-O\" command");
		return QUERY_FAILED;
	}
	if ((answer = query_ask(path, q->name)) == NULL)
		return QUERY_FAILED;
	status = query_show(q, answer, form != NULL);
	json_decref(answer);
	return status;
}
