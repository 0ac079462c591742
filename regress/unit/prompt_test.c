/* SPDX-License-Identifier: ISC */
/* What a server's text becomes on a terminal, and the askpass program. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "prompt.h"

static void
check_safe(const char *text, const char *want)
{
	char	*safe;

	safe = prompt_safe(text);
	assert_string_equal(safe, want);
	free(safe);
}

static void
test_safe(void **state)
{
	check_safe("", "");
	check_safe("Password: ", "Password: ");
	check_safe("a\tb\r\nc", "a\tb\nc");
	check_safe("\033[2J", "\\033[2J");
	check_safe("\a\177", "\\007\\177");
	check_safe("Gr\303\274\303\237e", "Gr\303\274\303\237e");
	check_safe("\342\202\254 \360\237\230\200",
	    "\342\202\254 \360\237\230\200");
}

/* C1 controls, overlong forms, surrogates, cut sequences, reordering. */
static void
test_safe_bad_utf8(void **state)
{
	check_safe("\302\233", "\\302\\233");
	check_safe("\300\257", "\\300\\257");
	check_safe("\340\200\257", "\\340\\200\\257");
	check_safe("\355\240\200", "\\355\\240\\200");
	check_safe("\364\220\200\200", "\\364\\220\\200\\200");
	check_safe("\342\202", "\\342\\202");
	check_safe("\303", "\\303");
	check_safe("\303x", "\\303x");
	check_safe("\377", "\\377");
	check_safe("\342\200\256", "\\342\\200\\256");
	check_safe("\342\200\217", "\\342\\200\\217");
	check_safe("\342\201\247", "\\342\\201\\247");
	check_safe("\342\201\252", "\342\201\252");
}

/* What is shown of a text, of which so many bytes are left, in a buffer. */
static char *
show(const char *text, size_t *left, int times)
{
	static char	 buf[65536];
	FILE		*f;
	int		 saved, n;

	assert_non_null(f = tmpfile());
	fflush(stderr);
	assert_int_not_equal(saved = dup(STDERR_FILENO), -1);
	assert_int_not_equal(dup2(fileno(f), STDERR_FILENO), -1);
	while (times-- > 0)
		prompt_show("u@h", text, left);
	fflush(stderr);
	assert_int_not_equal(dup2(saved, STDERR_FILENO), -1);
	close(saved);
	rewind(f);
	n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = '\0';
	fclose(f);
	return buf;
}

static void
test_show(void **state)
{
	size_t	left = 1000;

	assert_string_equal(show("Hello\tthere\n\nbye \033[2J", &left, 1),
	    "(u@h) Hello there\n(u@h) \n(u@h) bye \\033[2J\n");
	assert_string_equal(show("", &left, 1), "");
}

/* No line without the mark, also where a long one would have wrapped. */
static void
test_show_marked(void **state)
{
	char	 text[500], *line, *next;
	size_t	 left = 10000;

	memset(text, ' ', sizeof(text));
	strlcpy(text + 400, "\rEnter passphrase for key:", 100);
	memcpy(text + 59, "\303\274", 2);
	next = show(text, &left, 1);
	while ((line = strsep(&next, "\n")) != NULL && next != NULL) {
		assert_memory_equal(line, "(u@h) ", 6);
		assert_true(strlen(line) < 80);
		assert_int_not_equal((u_char)line[6] & 0xc0, 0x80);
	}
}

/* Whatever a server sends, and however often, it ends. */
static void
test_show_bounded(void **state)
{
	size_t	left = 2000;
	char	*shown;

	shown = show("\n", &left, 100000);
	assert_true(strlen(shown) < 4000);
	assert_non_null(strstr(shown, "more than is shown"));
	assert_string_equal(show("again", &left, 1), "");
}

/* An askpass program with this body; its name is to be freed. */
static char *
make_program(const char *body)
{
	char	*path;
	int	 fd;

	path = strdup("/tmp/prompt_test.XXXXXX");
	assert_int_not_equal(fd = mkstemp(path), -1);
	assert_int_equal(dprintf(fd, "#!/bin/sh\n%s\n", body) > 0, 1);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	return path;
}

static char *
ask_program(const char *body)
{
	char	*path, *answer;

	path = make_program(body);
	setenv("SSH_ASKPASS", path, 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	answer = prompt_read("the question", 0);
	unlink(path);
	free(path);
	return answer;
}

static void
test_askpass(void **state)
{
	char	*answer;

	answer = ask_program("echo \"got $1\"; echo more");
	assert_non_null(answer);
	assert_string_equal(answer, "got the question");
	prompt_free(answer);
	answer = ask_program("printf ''");
	assert_non_null(answer);
	assert_string_equal(answer, "");
	prompt_free(answer);
	assert_null(ask_program("echo secret; exit 1"));
	assert_null(ask_program("kill -9 $$"));
	answer = ask_program("head -c 100000 /dev/zero | tr '\\0' x");
	if (answer != NULL)
		assert_true(strlen(answer) < 2000);
	prompt_free(answer);
}

static void
test_askpass_missing(void **state)
{
	setenv("SSH_ASKPASS", "/nonexistent/askpass", 1);
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	assert_null(prompt_read("q", 0));
	prompt_free(NULL);
}

enum asked { NOBODY, PROGRAM, USER };

/* Asks in a process whose terminal is this pseudoterminal, or none. */
static void
ask_alone(const char *pty)
{
	char	*answer;

	setsid();
	if (pty != NULL && open(pty, O_RDWR) == -1)
		_exit(99);
	answer = prompt_read("question?", 0);
	exit(answer == NULL ? NOBODY : strcmp(answer, "typed") == 0 ? USER :
	    strcmp(answer, "said") == 0 ? PROGRAM : 98);
}

/* Who is asked; the user types the answer. */
static enum asked
who_is_asked(int with_terminal)
{
	char	 buf[256];
	int	 master, status;
	ssize_t	 n;
	pid_t	 pid;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_not_equal(master, -1);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	fflush(NULL);
	if ((pid = fork()) == 0)
		ask_alone(with_terminal ? ptsname(master) : NULL);
	while (with_terminal && (n = read(master, buf, sizeof(buf))) > 0)
		if (memchr(buf, '?', (size_t)n) != NULL)
			assert_int_equal(write(master, "typed\n", 6), 6);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(master);
	assert_true(WIFEXITED(status));
	return (enum asked)WEXITSTATUS(status);
}

static void
set_or_not(const char *name, const char *value)
{
	if (value != NULL)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

/* Who is asked when there is a terminal, or a display, or both, or none. */
static void
test_whom_to_ask(void **state)
{
	static const struct {
		const char	*require, *display, *wayland;
		enum asked	 with, without;
	} table[] = {
		{ NULL, NULL, NULL, USER, NOBODY },
		{ NULL, "", "", USER, NOBODY },
		{ NULL, ":0", NULL, USER, PROGRAM },
		{ NULL, NULL, "wayland-0", USER, PROGRAM },
		{ "never", ":0", NULL, USER, NOBODY },
		{ "prefer", NULL, NULL, USER, NOBODY },
		{ "prefer", ":0", NULL, PROGRAM, PROGRAM },
		{ "force", NULL, NULL, PROGRAM, PROGRAM },
		{ "other", ":0", NULL, USER, PROGRAM },
	};
	char	*path = make_program("echo said");
	size_t	 i;

	setenv("SSH_ASKPASS", path, 1);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		set_or_not("SSH_ASKPASS_REQUIRE", table[i].require);
		set_or_not("DISPLAY", table[i].display);
		set_or_not("WAYLAND_DISPLAY", table[i].wayland);
		assert_int_equal(who_is_asked(1), table[i].with);
		assert_int_equal(who_is_asked(0), table[i].without);
	}
	unlink(path);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_safe),
		cmocka_unit_test(test_safe_bad_utf8),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_show_marked),
		cmocka_unit_test(test_show_bounded),
		cmocka_unit_test(test_askpass),
		cmocka_unit_test(test_askpass_missing),
		cmocka_unit_test(test_whom_to_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
