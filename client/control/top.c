/* SPDX-License-Identifier: ISC */
/*
 * -O top: asks each second how the session and the connections are, and shows
 * it on the terminal until the user has seen enough.  It waits for keys and
 * answers alike, so that it can be left even if nobody answers.  What is
 * shown is topview.c's affair.
 */
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <ncurses.h>

#include "monotime.h"
#include "query.h"
#include "rows.h"
#include "table.h"
#include "top.h"
#include "topview.h"

#define TOP_INTERVAL	MONOTIME_SECOND
/* Without an answer for so long the user is told. */
#define TOP_PATIENCE	(3 * MONOTIME_SECOND)
#define TOP_ESCAPE	27
#define TOP_ESCAPE_MS	50	/* after it, that no key's sequence follows */

struct top {
	struct topview	 view;
	const char	*path;
	struct query	 status;
	struct query	 flows;
	int64_t		 asked;		/* ns */
	int		 stale;		/* the screen is */
	int		 quit;
};

static void
top_problem(struct top *t, const char *why)
{
	snprintf(t->view.problem, sizeof(t->view.problem),
	    "No answer at %s: %s", t->path, why);
	t->stale = 1;
}

/* Nobody is there to tell of: it has ended, or is not what it seems. */
static void
top_lose(struct top *t, const char *why)
{
	query_close(&t->status);
	query_close(&t->flows);
	topview_forget(&t->view);
	top_problem(t, why);
}

/* Asks anew, unless it is still to answer. */
static void
top_ask(struct top *t, int64_t now)
{
	if (t->status.fd != -1 || t->flows.fd != -1) {
		if (now - t->asked >= TOP_PATIENCE)
			top_problem(t, "it is busy or stopped");
		return;
	}
	t->asked = now;
	if (query_open(&t->status, t->path, "status") == -1 ||
	    query_open(&t->flows, t->path, "flows") == -1)
		top_lose(t, strerror(errno));
}

/* Takes an answer, which is consumed. */
static void
top_take(struct top *t, struct query *q, json_t *answer)
{
	const char *error = table_text(answer, "error");
	char why[256];
	int ret;

	if (*error != '\0') {
		table_clean(answer);
		strlcpy(why, table_text(answer, "error"), sizeof(why));
		json_decref(answer);
		top_lose(t, why);
		return;
	}
	if (q == &t->status)
		ret = topview_set_status(&t->view, answer);
	else
		ret = rows_update(&t->view.rows, answer, "/proc");
	if (ret == -1)
		top_lose(t, "it is no answer of a sockstun");
	else
		t->view.problem[0] = '\0';
	t->stale = 1;
}

static void
top_read(struct top *t, struct query *q)
{
	json_t *answer;
	const char *why;

	switch (query_read(q, &answer, &why)) {
	case 1:
		top_take(t, q, answer);
		break;
	case -1:
		top_lose(t, why);
		break;
	}
}

/* A key while the filter is typed. */
static void
top_edit(struct top *t, int key)
{
	char *filter = t->view.filter;
	size_t n = strlen(filter);

	if (key == '\n' || key == '\r' || key == KEY_ENTER)
		t->view.editing = 0;
	else if (key == TOP_ESCAPE) {
		filter[0] = '\0';
		t->view.editing = 0;
	} else if (key == KEY_BACKSPACE || key == '\b' || key == 127)
		filter[n > 0 ? n - 1 : 0] = '\0';
	else if (key >= ' ' && key < 127 && n + 1 < sizeof(t->view.filter)) {
		filter[n] = (char)key;
		filter[n + 1] = '\0';
	}
}

static void
top_key(struct top *t, int key)
{
	t->stale = 1;
	if (t->view.editing)
		top_edit(t, key);
	else if (key == 'q')
		t->quit = 1;
	else if (key == '/')
		t->view.editing = 1;
	else if (key == TOP_ESCAPE)
		t->view.filter[0] = '\0';
	else if (key == '\f')
		clearok(curscr, TRUE);
	else if (topview_scroll(&t->view, key) == -1)
		topview_sort(&t->view, key);
}

/* Milliseconds until it is time to ask. */
static int
top_due(const struct top *t)
{
	int64_t ns = t->asked + TOP_INTERVAL - monotime_ns();

	return ns <= 0 ? 0 : (int)(ns / MONOTIME_MILLISECOND) + 1;
}

/*
 * Waits for one thing or another; a new size of the terminal interrupts it,
 * and is a key.
 */
static void
top_wait(struct top *t)
{
	struct pollfd pfd[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = t->status.fd, .events = POLLIN },
		{ .fd = t->flows.fd, .events = POLLIN },
	};
	int key, n;

	n = poll(pfd, sizeof(pfd) / sizeof(pfd[0]), top_due(t));
	while ((key = getch()) != ERR)
		top_key(t, key);
	if (n <= 0)
		return;
	if (pfd[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		t->quit = 1;
	if (pfd[1].revents != 0)
		top_read(t, &t->status);
	if (pfd[2].revents != 0 && t->flows.fd != -1)
		top_read(t, &t->flows);
}

static void
top_loop(struct top *t)
{
	while (!t->quit) {
		if (top_due(t) == 0)
			top_ask(t, monotime_ns());
		if (t->stale)
			topview_draw(&t->view);
		t->stale = 0;
		top_wait(t);
	}
}

/*
 * Shows how the sockstun is that listens at this control socket, until the
 * user leaves.  Returns 0, or -1 after the reason was written.
 */
int
top_run(const char *path)
{
	struct top t = {
		.path = path,
		.status.fd = -1,
		.flows.fd = -1,
		.asked = monotime_ns() - TOP_INTERVAL,
		.stale = 1,
	};
	SCREEN *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		warnx("-O top needs a terminal");
		return -1;
	}
	if (getenv("TERM") == NULL ||
	    (screen = newterm(NULL, stdout, stdin)) == NULL) {
		warnx("-O top: this terminal is not known; is TERM set?");
		return -1;
	}
	set_escdelay(TOP_ESCAPE_MS);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	topview_init(&t.view);
	top_loop(&t);
	endwin();
	delscreen(screen);
	query_close(&t.status);
	query_close(&t.flows);
	topview_forget(&t.view);
	return 0;
}
