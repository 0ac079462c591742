/* SPDX-License-Identifier: ISC */
/*
 * Owns the line of standard error that tells how it stands and is rewritten in
 * place.  Whoever else writes to the terminal clears it first: the log, and
 * questions.  What it says is not known here.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "statusline.h"

#define STATUSLINE_MAX		512
#define STATUSLINE_WIDTH	80	/* where the terminal tells none */
#define STATUSLINE_ERASE	"\r\033[K"

static int statusline_is_shown;

/* A terminal that is ours alone now and can erase a line? */
static int
statusline_is_possible(void)
{
	const char *term = getenv("TERM");

	return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0 &&
	    isatty(STDERR_FILENO) && tcgetpgrp(STDERR_FILENO) == getpgrp();
}

static size_t
statusline_width(void)
{
	struct winsize ws;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) == -1 || ws.ws_col == 0)
		return STATUSLINE_WIDTH;
	return ws.ws_col;
}

/* A terminal that was stopped is not waited for. */
static void
statusline_write(const char *text, size_t len)
{
	struct pollfd pfd = { STDERR_FILENO, POLLOUT, 0 };

	if (poll(&pfd, 1, 0) != 1)
		return;
	while (write(STDERR_FILENO, text, len) == -1 && errno == EINTR)
		;
}

/*
 * Shows a text in the place of the one before, cut to the width of the
 * terminal; nothing if standard error is no terminal, or another's now.
 */
void
statusline_show(const char *fmt, ...)
{
	char text[STATUSLINE_MAX], line[STATUSLINE_MAX];
	size_t len = strlen(STATUSLINE_ERASE), width;
	va_list ap;

	if (!statusline_is_possible())
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A terminal may wrap when its last column is written to. */
	width = len + statusline_width();
	strlcpy(line, STATUSLINE_ERASE, sizeof(line));
	log_safe(text, strlen(text), line + len, width < sizeof(line) ?
	    width - len : sizeof(line) - len);
	statusline_write(line, strlen(line));
	statusline_is_shown = 1;
}

/* Erases it, if it is there.  May be called from a signal's handler. */
void
statusline_clear(void)
{
	int saved = errno;

	if (!statusline_is_shown)
		return;
	statusline_is_shown = 0;
	if (tcgetpgrp(STDERR_FILENO) == getpgrp())
		statusline_write(STATUSLINE_ERASE, strlen(STATUSLINE_ERASE));
	errno = saved;
}
