/* SPDX-License-Identifier: ISC */
/*
 * The screen of -O top: some lines on the session, then a line for each
 * connection, as many as there is room for, and at the bottom the keys.
 */
#include <sys/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>
#include <ncurses.h>

#include "rows.h"
#include "table.h"
#include "topview.h"

/* Lines above the connections, and from where on columns are wide. */
#define TOP_HEAD	6
#define TOP_WIDE	132
/* The smallest column of destinations. */
#define TOP_REST	10
#define TOP_LOOPBACK	"127.0.0.1"

/* In their order on the screen; the last has the room that is left. */
static const struct column {
	enum row_key	 key;
	const char	*title;
	int		 letter;	/* that sorts by it */
	int		 narrow, wide;	/* cells */
	int		 is_number;	/* the greatest first, on the right */
} columns[] = {
	{ ROW_PID, "PID", 'i', 7, 7, 1 },
	{ ROW_PROGRAM, "PROGRAM", 'p', 8, 16, 0 },
	{ ROW_CLIENT, "CLIENT", 'c', 11, 21, 0 },
	{ ROW_COMMAND, "CMD", 'm', 4, 13, 0 },
	{ ROW_AGE, "AGE", 'a', 4, 11, 1 },
	{ ROW_SENT, "SENT", 's', 4, 8, 1 },
	{ ROW_RECEIVED, "RECV", 'r', 4, 8, 1 },
	{ ROW_SENT_RATE, "UP/s", 'u', 4, 8, 1 },
	{ ROW_RECEIVED_RATE, "DN/s", 'w', 4, 8, 1 },
	{ ROW_DESTINATION, "DESTINATION", 'd', 0, 0, 0 },
};
#define NCOLUMNS	(sizeof(columns) / sizeof(columns[0]))

/* The letters that sort are capitals. */
static const char keys[] = "q quit  / filter  arrows  sort: pId Prog Client "
    "cMd Age Sent Recv Up doWn Dest";

/* Empty, the busiest on top. */
void
topview_init(struct topview *v)
{
	memset(v, 0, sizeof(*v));
	v->key = ROW_RECEIVED_RATE;
	v->reverse = 1;
	curs_set(0);
}

/* Nothing is known any more. */
void
topview_forget(struct topview *v)
{
	json_decref(v->status);
	v->status = NULL;
	rows_clear(&v->rows);
}

static double
topview_rate(const json_t *now, const json_t *then, const char *bytes,
    double seconds)
{
	double n = table_number(now, bytes) - table_number(then, bytes);

	return n > 0 && seconds > 0 ? n / seconds : 0;
}

/* Takes an answer to "status", which is consumed; -1 if it is none. */
int
topview_set_status(struct topview *v, json_t *status)
{
	const json_t *now = json_object_get(status, "session");
	const json_t *then = json_object_get(v->status, "session");
	const json_t *c = json_object_get(now, "connection");
	const json_t *was = json_object_get(then, "connection");
	double seconds;

	if (!json_is_object(now)) {
		json_decref(status);
		return -1;
	}
	v->sent_rate = v->received_rate = 0;
	if (json_is_object(c) && json_is_object(was) &&
	    table_number(now, "connections") ==
	    table_number(then, "connections")) {
		seconds = table_number(now, "seconds") -
		    table_number(then, "seconds");
		v->sent_rate = topview_rate(c, was, "bytes_out", seconds);
		v->received_rate = topview_rate(c, was, "bytes_in", seconds);
	}
	table_clean(status);
	json_decref(v->status);
	v->status = status;
	return 0;
}

/* Sorts by the column that has this letter; once more: the other way round. */
void
topview_sort(struct topview *v, int letter)
{
	const struct column *c;

	for (c = columns; c < columns + NCOLUMNS; c++)
		if (c->letter == letter) {
			v->reverse = v->key == c->key ? !v->reverse :
			    c->is_number;
			v->key = c->key;
			v->first = 0;
		}
}

/* How many connections there is room for. */
static size_t
topview_room(void)
{
	return LINES > TOP_HEAD + 1 ? (size_t)(LINES - TOP_HEAD - 1) : 0;
}

/* Moves up or down; -1 if the key is for something else. */
int
topview_scroll(struct topview *v, int key)
{
	size_t page = topview_room(), last = v->rows.nshown;

	switch (key) {
	case KEY_UP:
		v->first -= v->first > 0;
		break;
	case KEY_DOWN:
		v->first++;
		break;
	case KEY_PPAGE:
		v->first -= v->first > page ? page : v->first;
		break;
	case KEY_NPAGE:
		v->first += page;
		break;
	case KEY_HOME:
		v->first = 0;
		break;
	case KEY_END:
		v->first = last;
		break;
	default:
		return -1;
	}
	return 0;
}

/* A line, as much of it as there is room for. */
static void __attribute__((format(printf, 2, 3)))
put_line(int y, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (y < LINES)
		mvaddnstr(y, 0, text, COLS);
}

/* "1.4M", in four cells. */
static char *
short_count(double n, char *buf, size_t size)
{
	static const char units[] = " kMGTPE";
	size_t i = 0;

	while (n >= 999.5 && i + 2 < sizeof(units)) {
		n /= 1000;
		i++;
	}
	if (i == 0)
		snprintf(buf, size, "%.0f", n);
	else
		snprintf(buf, size, n < 9.95 ? "%.1f%c" : "%.0f%c", n,
		    units[i]);
	return buf;
}

/* "12m", in four cells. */
static char *
short_age(double seconds, char *buf, size_t size)
{
	long s = (long)seconds;

	if (s < 60)
		snprintf(buf, size, "%lds", s);
	else if (s < 3600)
		snprintf(buf, size, "%ldm", s / 60);
	else if (s < 86400)
		snprintf(buf, size, "%ldh", s / 3600);
	else
		snprintf(buf, size, "%ldd", s / 86400);
	return buf;
}

/* Of an address too long the port is the better half. */
static const char *
short_client(const char *client, int width)
{
	size_t n = strlen(client);

	if (n <= (size_t)width)
		return client;
	if (strncmp(client, TOP_LOOPBACK ":", sizeof(TOP_LOOPBACK)) == 0)
		return client + strlen(TOP_LOOPBACK);
	return client + n - width;
}

/* Whether it has reached its destination is to be seen there, too. */
static const char *
destination(const struct row *r, char *buf, size_t size)
{
	const char *state = table_text(r->flow, "state");

	if (strcmp(state, "flowing") == 0)
		return r->destination;
	snprintf(buf, size, "(%s) %s", state, r->destination);
	return buf;
}

/* What stands in a cell; in the buffer, or the row's. */
static const char *
cell_text(const struct row *r, enum row_key key, int width, char *buf,
    size_t size)
{
	int wide = COLS >= TOP_WIDE;

	switch (key) {
	case ROW_PID:
		snprintf(buf, size, r->pid > 0 ? "%ld" : "-", r->pid);
		return buf;
	case ROW_PROGRAM:
		return r->program;
	case ROW_CLIENT:
		return short_client(r->client, width);
	case ROW_COMMAND:
		return r->command;
	case ROW_DESTINATION:
		return destination(r, buf, size);
	case ROW_AGE:
		return wide ? table_age(r->number[key], buf, size) :
		    short_age(r->number[key], buf, size);
	default:
		return wide ? table_bytes(r->number[key], buf, size) :
		    short_count(r->number[key], buf, size);
	}
}

/* A line of cells; the names of the columns if there is no row. */
static void
draw_row(int y, const struct row *r, enum row_key sorted)
{
	const struct column *c;
	const char *text;
	char buf[512];
	int n, width, x = 0;

	for (c = columns; c < columns + NCOLUMNS; c++) {
		width = COLS >= TOP_WIDE ? c->wide : c->narrow;
		if (width == 0)
			width = COLS - x > TOP_REST ? COLS - x : TOP_REST;
		text = r == NULL ? c->title :
		    cell_text(r, c->key, width, buf, sizeof(buf));
		n = (int)strnlen(text, (size_t)width);
		if (r == NULL && c->key == sorted)
			attron(A_BOLD | A_UNDERLINE);
		if (x < COLS)
			mvaddnstr(y, c->is_number ? x + width - n : x, text,
			    n < COLS - x ? n : COLS - x);
		attroff(A_BOLD | A_UNDERLINE);
		x += width + 1;
	}
}

static void
draw_connection(const struct topview *v, const json_t *c)
{
	char sent[32], received[32], up[32], down[32];

	put_line(1, "%s, %s; round trip %.1f ms, %.1f ms of it in a queue",
	    strcmp(table_text(c, "kind"), "sockstund") == 0 ? "sockstund" :
	    "SSH server", table_text(c, "cipher"),
	    table_number(c, "round_trip_ms"), table_number(c, "queue_ms"));
	put_line(2, "Sent %s, %s/s; received %s, %s/s",
	    table_bytes(table_number(c, "bytes_out"), sent, sizeof(sent)),
	    table_bytes(v->sent_rate, up, sizeof(up)),
	    table_bytes(table_number(c, "bytes_in"), received,
	    sizeof(received)),
	    table_bytes(v->received_rate, down, sizeof(down)));
}

static void
draw_session(const struct topview *v)
{
	const json_t *s = json_object_get(v->status, "session");
	const json_t *server = json_object_get(s, "server");
	const json_t *c = json_object_get(s, "connection");
	time_t since = (time_t)table_number(s, "since");
	const char *reason = table_text(s, "last_reason");
	char age[32], date[32] = "";
	struct tm tm;

	if (localtime_r(&since, &tm) != NULL)
		strftime(date, sizeof(date), "%F %T", &tm);
	put_line(0, "%s@%s port %.0f: %s since %s (%s)",
	    table_text(server, "user"), table_text(server, "host"),
	    table_number(server, "port"), table_text(s, "state"), date,
	    table_age(table_number(s, "seconds"), age, sizeof(age)));
	if (json_is_object(c))
		draw_connection(v, c);
	else if (table_number(s, "next_attempt_seconds") > 0)
		put_line(1, "Next attempt in %.1f s",
		    table_number(s, "next_attempt_seconds"));
	put_line(3, "%.0f flowing, %.0f waiting; connected %.0f times%s%s",
	    table_number(v->status, "flows"),
	    table_number(v->status, "waiting"),
	    table_number(s, "connections"),
	    *reason != '\0' ? "; last lost: " : "", reason);
}

/* What is wrong, or the filter. */
static void
draw_notice(const struct topview *v)
{
	if (v->problem[0] != '\0') {
		attron(A_BOLD);
		put_line(4, "%s; trying again", v->problem);
		attroff(A_BOLD);
	} else if (v->editing || v->filter[0] != '\0')
		put_line(4, "Filter: %s%s  (%zu of %zu)", v->filter,
		    v->editing ? "_" : "", v->rows.nshown, v->rows.n);
}

/* Draws everything anew; only what has changed goes to the terminal. */
void
topview_draw(struct topview *v)
{
	size_t i, room = topview_room();

	rows_arrange(&v->rows, v->key, v->reverse, v->filter);
	if (v->first + room > v->rows.nshown)
		v->first = v->rows.nshown > room ? v->rows.nshown - room : 0;
	erase();
	if (v->status != NULL)
		draw_session(v);
	draw_notice(v);
	attron(A_REVERSE);
	put_line(TOP_HEAD - 1, "%*s", COLS, "");
	draw_row(TOP_HEAD - 1, NULL, v->key);
	attroff(A_REVERSE);
	for (i = 0; i < room && v->first + i < v->rows.nshown; i++)
		draw_row(TOP_HEAD + (int)i, v->rows.shown[v->first + i],
		    ROW_KEYS);
	attron(A_REVERSE);
	put_line(LINES - 1, "%-*s", COLS, keys);
	attroff(A_REVERSE);
	refresh();
}
