/* SPDX-License-Identifier: ISC */
/*
 * Owns every question put to the user: /dev/tty with echo on or off, or the
 * program that SSH_ASKPASS names, chosen as ssh(1) chooses.  Also makes text
 * that came from a server fit to be shown on a terminal.  Knows nothing of
 * what is asked, or why.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <readpassphrase.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "log.h"
#include "prompt.h"
#include "statusline.h"
#include "xmalloc.h"

#define PROMPT_MAX	1024
#define PROMPT_LINE	60	/* bytes of a server's text on one line */
#define PROMPT_LINE_COST 16	/* so that empty lines cost something too */
#define PATH_ASKPASS	"/usr/bin/ssh-askpass"

enum prompt_askpass {
	ASKPASS_NEVER,
	ASKPASS_WITHOUT_TTY,
	ASKPASS_ALWAYS
};

static int
prompt_env_set(const char *name)
{
	const char	*value;

	value = getenv(name);
	return value != NULL && *value != '\0';
}

/* SSH_ASKPASS_REQUIRE and the display decide, as ssh(1) has it. */
static enum prompt_askpass
prompt_askpass_mode(void)
{
	const char	*require;
	int		 display;

	display = prompt_env_set("DISPLAY") ||
	    prompt_env_set("WAYLAND_DISPLAY");
	require = getenv("SSH_ASKPASS_REQUIRE");
	if (require != NULL && strcasecmp(require, "force") == 0)
		return ASKPASS_ALWAYS;
	if (require != NULL && strcasecmp(require, "never") == 0)
		return ASKPASS_NEVER;
	if (!display)
		return ASKPASS_NEVER;
	if (require != NULL && strcasecmp(require, "prefer") == 0)
		return ASKPASS_ALWAYS;
	return ASKPASS_WITHOUT_TTY;
}

/* Is there a terminal?  If so the cursor goes to the start of its line. */
static int
prompt_have_tty(void)
{
	int	fd;

	if ((fd = open(_PATH_TTY, O_RDWR | O_CLOEXEC)) == -1)
		return 0;
	if (write(fd, "\r", 1) == -1)
		log_debug2("%s: %s", _PATH_TTY, strerror(errno));
	close(fd);
	return 1;
}

static void
prompt_exec_askpass(const char *program, const char *text, int out)
{
	struct sigaction	 sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGCHLD, &sa, NULL);
	if (dup2(out, STDOUT_FILENO) == -1)
		_exit(127);
	closefrom(STDERR_FILENO + 1);
	execlp(program, program, text, (char *)NULL);
	_exit(127);
}

/* Reads up to size - 1 bytes until end of file; the buffer is terminated. */
static void
prompt_read_pipe(int fd, char *buf, size_t size)
{
	size_t	len = 0;
	ssize_t	n;

	while (len < size - 1) {
		n = read(fd, buf + len, size - 1 - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	buf[len] = '\0';
}

static char *
prompt_run_askpass(const char *text)
{
	const char	*program;
	char		 buf[PROMPT_MAX], *answer = NULL;
	int		 p[2], status = -1;
	pid_t		 pid;

	program = prompt_env_set("SSH_ASKPASS") ? getenv("SSH_ASKPASS") :
	    PATH_ASKPASS;
	if (pipe2(p, O_CLOEXEC) == -1) {
		log_warn("pipe");
		return NULL;
	}
	if ((pid = fork()) == -1) {
		log_warn("fork");
		close(p[0]);
		close(p[1]);
		return NULL;
	}
	if (pid == 0)
		prompt_exec_askpass(program, text, p[1]);
	close(p[1]);
	prompt_read_pipe(p[0], buf, sizeof(buf));
	close(p[0]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		buf[strcspn(buf, "\r\n")] = '\0';
		answer = xstrdup(buf);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		log_warnx("%s: cannot be run", program);
	explicit_bzero(buf, sizeof(buf));
	errno = ENOTTY;
	return answer;
}

/*
 * Asks; returns the answer, to be freed with prompt_free(), or NULL when
 * nobody can be asked or the user interrupted (errno is then EINTR).
 */
char *
prompt_read(const char *text, int flags)
{
	enum prompt_askpass	 mode;
	char			 buf[PROMPT_MAX], *answer;
	int			 rpp, saved;

	statusline_clear();
	mode = prompt_askpass_mode();
	if (mode == ASKPASS_ALWAYS)
		return prompt_run_askpass(text);
	if (!prompt_have_tty()) {
		log_debug("no terminal to ask on");
		if (mode == ASKPASS_WITHOUT_TTY)
			return prompt_run_askpass(text);
		errno = ENOTTY;
		return NULL;
	}
	rpp = RPP_REQUIRE_TTY;
	rpp |= (flags & PROMPT_ECHO) ? RPP_ECHO_ON : RPP_ECHO_OFF;
	errno = 0;
	answer = readpassphrase(text, buf, sizeof(buf), rpp);
	saved = errno;
	if (answer != NULL)
		answer = xstrdup(buf);
	explicit_bzero(buf, sizeof(buf));
	errno = saved;
	return answer;
}

/* Wipes and frees an answer; NULL is nothing. */
void
prompt_free(char *answer)
{
	if (answer != NULL)
		freezero(answer, strlen(answer));
}

/* Characters that reorder the text around them on a terminal. */
static int
prompt_is_bidi(unsigned int c)
{
	return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	    c == 0x200e || c == 0x200f;
}

/* Length of the printable UTF-8 character at s, 0 when there is none. */
static size_t
prompt_utf8_len(const u_char *s)
{
	unsigned int	c, min;
	size_t		i, len;

	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		len = 2;
		min = 0xa0;
		c = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		min = 0x800;
		c = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		len = 4;
		min = 0x10000;
		c = s[0] & 0x07;
	} else
		return 0;
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ||
	    prompt_is_bidi(c))
		return 0;
	return len;
}

/*
 * A copy of the text, to be freed, that cannot control a terminal: printable
 * ASCII and UTF-8, newlines and tabs are kept, carriage returns left out, and
 * all other bytes written as \ooo.
 */
char *
prompt_safe(const char *text)
{
	const u_char	*s = (const u_char *)text;
	char		*out, *p;
	size_t		 len;

	p = out = xcalloc(strlen(text) + 1, 4);
	while (*s != '\0') {
		if (*s == '\r') {
			s++;
			continue;
		}
		len = prompt_utf8_len(s);
		if (len == 0 && ((*s >= ' ' && *s <= '~') || *s == '\n' ||
		    *s == '\t'))
			len = 1;
		if (len == 0) {
			*p++ = '\\';
			*p++ = '0' + (*s >> 6);
			*p++ = '0' + (*s >> 3 & 7);
			*p++ = '0' + (*s++ & 7);
			continue;
		}
		memcpy(p, s, len);
		p += len;
		s += len;
	}
	*p = '\0';
	return out;
}

/* The bytes at s that go on one line: whole characters up to a newline. */
static size_t
prompt_piece(const char *s)
{
	size_t	len;

	len = strcspn(s, "\n");
	if (len > PROMPT_LINE) {
		len = PROMPT_LINE;
		while (((u_char)s[len] & 0xc0) == 0x80)
			len--;
	}
	return len;
}

/*
 * Shows a server's text on standard error.  Every line begins with "(who)" and
 * is too short to wrap, so that no line looks like ours.  *left is what the
 * server may still say, in bytes, of which each line costs some more; what
 * goes beyond is not shown.
 */
void
prompt_show(const char *who, const char *text, size_t *left)
{
	char	*safe, *s;
	size_t	 len, cost;

	statusline_clear();
	safe = prompt_safe(text);
	while ((s = strchr(safe, '\t')) != NULL)
		*s = ' ';
	for (s = safe; *s != '\0' && *left > 0; s += len + (s[len] == '\n')) {
		len = prompt_piece(s);
		fprintf(stderr, "(%s) %.*s\n", who, (int)len, s);
		cost = len + PROMPT_LINE_COST;
		*left = *left > cost ? *left - cost : 0;
		if (*left == 0)
			fprintf(stderr, "(%s) The server says more than is "
			    "shown.\n", who);
	}
	free(safe);
}
