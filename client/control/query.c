/* SPDX-License-Identifier: ISC */
/*
 * The side of the control socket that asks, in a process of its own: one
 * word, one answer, which is shown as a table, or as it is.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <jansson.h>

#include "control.h"
#include "program.h"
#include "query.h"
#include "table.h"
#include "top.h"

#define QUERY_PATIENCE	10000	/* ms */
#define QUERY_FAILED	255
#define QUERY_CHUNK	65536

/* What can be ordered, and how its answer is shown. */
static const struct order {
	const char	*name;
	void		(*show)(const json_t *);
} orders[] = {
	{ "check", table_check },
	{ "status", table_status },
	{ "flows", table_flows },
	{ "reconnect", NULL },
	{ "stop", NULL },
	{ "exit", NULL },
};

/*
 * Asks at the control socket: one word, whose answer is read with
 * query_read().  Returns 0, or -1 with errno; it does not wait.
 */
int
query_open(struct query *q, const char *path, const char *word)
{
	char line[CONTROL_REQUEST_MAX];
	int n;

	memset(q, 0, sizeof(*q));
	if ((q->fd = control_connect(path)) == -1)
		return -1;
	n = snprintf(line, sizeof(line), "%s\n", word);
	if (send(q->fd, line, (size_t)n, MSG_NOSIGNAL) == n)
		return 0;
	query_close(q);
	return -1;
}

/* Gives a question up, if there is one. */
void
query_close(struct query *q)
{
	if (q->fd != -1)
		close(q->fd);
	q->fd = -1;
	free(q->text);
	q->text = NULL;
}

/*
 * Takes what has come.  Returns 0 if that is not all; 1 with the answer, to be
 * released with json_decref(); or -1 with the reason, static text.  The
 * question is closed by the last two.
 */
int
query_read(struct query *q, json_t **answer, const char **why)
{
	json_error_t error;
	char *text;
	ssize_t n;

	if (q->size - q->len < QUERY_CHUNK) {
		q->size = 2 * q->size + QUERY_CHUNK;
		if ((text = realloc(q->text, q->size)) == NULL) {
			*why = "out of memory";
			query_close(q);
			return -1;
		}
		q->text = text;
	}
	n = recv(q->fd, q->text + q->len, q->size - q->len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		q->len += (size_t)n;
		return 0;
	}
	*answer = n == 0 ? json_loadb(q->text, q->len, 0, &error) : NULL;
	query_close(q);
	*why = "no answer of a sockstun";
	if (*answer == NULL)
		return -1;
	return 1;
}

/* Waits for an answer; NULL after the reason was written. */
static json_t *
query_ask(const char *path, const char *word)
{
	struct query q;
	struct pollfd pfd;
	json_t *answer = NULL;
	const char *why;
	int ret = 0;

	if (query_open(&q, path, word) == -1) {
		warn("Control socket connect(%s)", path);
		return NULL;
	}
	pfd.fd = q.fd;
	pfd.events = POLLIN;
	while (ret == 0) {
		if (poll(&pfd, 1, QUERY_PATIENCE) == 1)
			ret = query_read(&q, &answer, &why);
		else {
			query_close(&q);
			why = "no answer";
			ret = -1;
		}
	}
	if (ret == -1)
		warnx("%s: %s", path, why);
	return answer;
}

static const struct order *
query_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (strcmp(orders[i].name, name) == 0)
			return &orders[i];
	return NULL;
}

static int
query_show(const struct order *o, json_t *answer, int raw)
{
	const char *why = json_string_value(json_object_get(answer, "error"));

	if (why != NULL) {
		warnx("%s: %s", o->name, why);
		return QUERY_FAILED;
	}
	if (strcmp(o->name, "flows") == 0)
		program_find(answer, "/proc");
	if (raw) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		putchar('\n');
	} else if (o->show != NULL) {
		table_clean(answer);
		o->show(answer);
	}
	return fflush(stdout) == 0 ? 0 : QUERY_FAILED;
}

/*
 * Does what -O says: "command", or "command=json".  Returns the exit status of
 * the process.
 */
int
query_run(const char *path, const char *text)
{
	const struct order *o;
	json_t *answer;
	char name[CONTROL_REQUEST_MAX], *form;
	int status, top = strcmp(text, "top") == 0;

	strlcpy(name, text, sizeof(name));
	if ((form = strchr(name, '=')) != NULL)
		*form++ = '\0';
	o = query_find(name);
	if (!top && (o == NULL ||
	    (form != NULL && strcmp(form, "json") != 0))) {
		warnx("Invalid multiplex command: %s", text);
		return QUERY_FAILED;
	}
	if (path == NULL || strcasecmp(path, "none") == 0) {
		warnx("No ControlPath specified for \"-O\" command");
		return QUERY_FAILED;
	}
	if (top)
		return top_run(path) == 0 ? 0 : QUERY_FAILED;
	if ((answer = query_ask(path, o->name)) == NULL)
		return QUERY_FAILED;
	status = query_show(o, answer, form != NULL);
	json_decref(answer);
	return status;
}
