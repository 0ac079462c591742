/* SPDX-License-Identifier: ISC */
/*
 * The connections of an answer to "flows", as rows to be shown, sorted and
 * filtered.  Rates are differences to the answer before it.  Knows nothing of
 * the terminal.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "program.h"
#include "rows.h"
#include "table.h"

static int
compare_ids(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void
row_read(struct row *r, json_t *flow)
{
	r->flow = flow;
	r->id = (uint64_t)table_number(flow, "id");
	r->client = table_text(flow, "client");
	r->command = table_text(flow, "command");
	r->destination = table_text(flow, "destination");
	r->number[ROW_AGE] = table_number(flow, "seconds");
	r->number[ROW_SENT] = table_number(flow, "bytes_up");
	r->number[ROW_RECEIVED] = table_number(flow, "bytes_down");
}

/* What is known once program_find() has been asked. */
static void
row_read_program(struct row *r)
{
	r->pid = (long)table_number(r->flow, "pid");
	r->program = table_text(r->flow, "program");
	if (*r->program == '\0')
		r->program = "-";
	r->number[ROW_ID] = (double)r->id;
	r->number[ROW_PID] = (double)r->pid;
}

/* Bytes a second since the answer before, or since it began. */
static void
row_rate(struct row *r, const struct row *old)
{
	static const enum row_key counts[] = { ROW_SENT, ROW_RECEIVED };
	static const enum row_key rates[] = {
		ROW_SENT_RATE, ROW_RECEIVED_RATE
	};
	double bytes, seconds = r->number[ROW_AGE];
	size_t i;

	if (old != NULL)
		seconds -= old->number[ROW_AGE];
	for (i = 0; i < 2; i++) {
		bytes = r->number[counts[i]];
		if (old != NULL)
			bytes -= old->number[counts[i]];
		r->number[rates[i]] = bytes > 0 && seconds > 0 ?
		    bytes / seconds : 0;
	}
}

/* What was found out about its program before is still true. */
static void
row_keep_program(struct row *r, const struct row *old)
{
	json_t *pid = json_object_get(old->flow, "pid");
	json_t *program = json_object_get(old->flow, "program");

	if (pid == NULL || program == NULL)
		return;
	json_object_set(r->flow, "pid", pid);
	json_object_set(r->flow, "program", program);
}

/* Goes through both lists, which are in order. */
static void
rows_compare(struct rows *new, const struct rows *old)
{
	const struct row *before;
	struct row *r;
	size_t i = 0;

	for (r = new->all; r < new->all + new->n; r++) {
		while (i < old->n && old->all[i].id < r->id)
			i++;
		before = i < old->n && old->all[i].id == r->id ?
		    &old->all[i] : NULL;
		if (before != NULL)
			row_keep_program(r, before);
		if (before != NULL || old->answer != NULL)
			row_rate(r, before);
	}
}

/*
 * Takes an answer to "flows", which is consumed, as the one that follows the
 * one before.  Programs are looked for in the /proc at that path.  Returns 0,
 * or -1 without memory, or if it is no such answer: nothing has changed then.
 */
int
rows_update(struct rows *rows, json_t *answer, const char *proc)
{
	json_t *flows = json_object_get(answer, "flows");
	struct rows new = { .answer = answer, .n = json_array_size(flows) };
	size_t i;

	new.all = calloc(new.n + 1, sizeof(*new.all));
	new.shown = calloc(new.n + 1, sizeof(struct row *));
	if (!json_is_array(flows) || new.all == NULL || new.shown == NULL) {
		rows_clear(&new);
		return -1;
	}
	table_clean(answer);
	for (i = 0; i < new.n; i++)
		row_read(&new.all[i], json_array_get(flows, i));
	qsort(new.all, new.n, sizeof(*new.all), compare_ids);
	/* Another process numbers them anew. */
	if (rows->answer != NULL && table_number(rows->answer, "pid") !=
	    table_number(answer, "pid"))
		rows_clear(rows);
	rows_compare(&new, rows);
	program_find(answer, proc);
	for (i = 0; i < new.n; i++)
		row_read_program(&new.all[i]);
	rows_clear(rows);
	*rows = new;
	return 0;
}

static const char *
row_text(const struct row *r, enum row_key key)
{
	switch (key) {
	case ROW_PROGRAM:
		return r->program;
	case ROW_CLIENT:
		return r->client;
	case ROW_COMMAND:
		return r->command;
	case ROW_DESTINATION:
		return r->destination;
	default:
		return NULL;
	}
}

/* How the rows are to be ordered, for qsort_r(3). */
struct order {
	enum row_key	 key;
	int		 reverse;
};

static int
compare_rows(const void *a, const void *b, void *arg)
{
	const struct row *x = *(struct row *const *)a;
	const struct row *y = *(struct row *const *)b;
	const struct order *o = arg;
	int ret;

	if (row_text(x, o->key) != NULL)
		ret = strcmp(row_text(x, o->key), row_text(y, o->key));
	else
		ret = (x->number[o->key] > y->number[o->key]) -
		    (x->number[o->key] < y->number[o->key]);
	if (ret == 0)
		return compare_ids(x, y);
	return o->reverse ? -ret : ret;
}

static int
row_passes(const struct row *r, const char *filter)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%ld", r->pid);
	return *filter == '\0' || strcasestr(r->client, filter) != NULL ||
	    strcasestr(r->program, filter) != NULL ||
	    strcasestr(r->command, filter) != NULL ||
	    strcasestr(r->destination, filter) != NULL ||
	    strcmp(pid, filter) == 0;
}

/*
 * Chooses those in which the filter is found, "" in all, in upper or lower
 * case, and sorts them; those that are equal by their numbers.
 */
void
rows_arrange(struct rows *rows, enum row_key key, int reverse,
    const char *filter)
{
	struct order order = { key, reverse };
	size_t i;

	rows->nshown = 0;
	for (i = 0; i < rows->n; i++)
		if (row_passes(&rows->all[i], filter))
			rows->shown[rows->nshown++] = &rows->all[i];
	if (rows->nshown > 1)
		qsort_r(rows->shown, rows->nshown, sizeof(struct row *),
		    compare_rows, &order);
}

/* Lets go of the answer; there is none after it. */
void
rows_clear(struct rows *rows)
{
	json_decref(rows->answer);
	free(rows->all);
	free(rows->shown);
	memset(rows, 0, sizeof(*rows));
}
