/* SPDX-License-Identifier: ISC */
/*
 * What another process answers at the control socket.  The input is answers,
 * with a form feed between them: they are shown as tables, and compared one
 * after the other as -O top does.
 */
#include <sys/socket.h>
#include <err.h>
#include <stdio.h>

#include <jansson.h>

#include "fuzz.h"
#include "query.h"
#include "table.h"
#include "topview.h"

/* The answer that these bytes are, as far as a socket takes them, or NULL. */
static json_t *
read_answer(const char *data, size_t len)
{
	struct query q = { .fd = -1 };
	json_t *answer = NULL;
	const char *why;
	int fds[2], ret;

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	send(fds[1], data, len, 0);
	close(fds[1]);
	q.fd = fds[0];
	while ((ret = query_read(&q, &answer, &why)) == 0)
		;
	check(q.fd == -1 && q.text == NULL);
	check(ret == 1 ? answer != NULL : *why != '\0');
	return ret == 1 ? answer : NULL;
}

/* No byte of an answer does something to the terminal. */
static void
check_rows(const struct rows *rows)
{
	const struct row *r;
	size_t i;

	check(rows->nshown <= rows->n);
	for (i = 0; i < rows->nshown; i++) {
		r = rows->shown[i];
		fuzz_log_sink(LOG_LEVEL_INFO, r->program, NULL);
		fuzz_log_sink(LOG_LEVEL_INFO, r->client, NULL);
		fuzz_log_sink(LOG_LEVEL_INFO, r->command, NULL);
		fuzz_log_sink(LOG_LEVEL_INFO, r->destination, NULL);
	}
}

static void
take_answer(struct topview *view, json_t *answer, size_t how)
{
	topview_set_status(view, json_incref(answer));
	if (rows_update(&view->rows, json_incref(answer), "/dev/null") == 0) {
		rows_arrange(&view->rows, how % ROW_KEYS, how & 1,
		    how & 2 ? "a" : "");
		check_rows(&view->rows);
	}
	table_clean(answer);
	table_check(answer);
	table_status(answer);
	table_flows(answer);
	json_decref(answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int quiet;
	struct topview view = { .status = NULL };
	json_t *answer;
	const uint8_t *end;
	size_t n;

	if (!quiet && freopen("/dev/null", "w", stdout) == NULL)
		err(1, "/dev/null");
	quiet = 1;
	while (len > 0) {
		end = memchr(data, '\f', len);
		n = end == NULL ? len : (size_t)(end - data);
		if ((answer = read_answer((const char *)data, n)) != NULL)
			take_answer(&view, answer, len);
		n += end != NULL;
		data += n;
		len -= n;
	}
	topview_forget(&view);
	return 0;
}
