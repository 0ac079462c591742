/* SPDX-License-Identifier: ISC */
/* The list of an agent's keys, and the agent that libssh is shown. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <libssh/libssh.h>

#include "agent.h"
#include "cliconf.h"
#include "conf.h"

#define TEXT(s)	((char[]){ s })	/* fields of cliconf are not const */

/* Two ed25519 keys and, between them, one of a type nobody knows. */
#define BLOB(c)	"\0\0\0\013ssh-ed25519\0\0\0\040" c c c c c c c c
#define FOUR	"\1\2\3\4"
#define ONE	BLOB(FOUR)
#define TWO	BLOB("\5\6\7\10")
#define ODD	"\0\0\0\4nope"
#define LIST	"\14\0\0\0\3" "\0\0\0\063" ONE "\0\0\0\1a" \
		"\0\0\0\010" ODD "\0\0\0\0" "\0\0\0\063" TWO "\0\0\0\1b"

static void
check_base64(const char *bytes, const char *want)
{
	char	*s;

	s = agent_base64((const u_char *)bytes, strlen(bytes));
	assert_string_equal(s, want);
	free(s);
}

static void
test_base64(void **state)
{
	check_base64("", "");
	check_base64("f", "Zg==");
	check_base64("fo", "Zm8=");
	check_base64("foo", "Zm9v");
	check_base64("foob", "Zm9vYg==");
	check_base64("\377\376\375", "//79");
}

static int
parse(const void *body, size_t len, size_t *n)
{
	struct agent_key	*keys;
	u_char			*copy;
	int			 ret;

	copy = malloc(len + 1);
	memcpy(copy, body, len);
	copy = realloc(copy, len == 0 ? 1 : len);
	ret = agent_parse_keys(copy, len, &keys, n);
	agent_free_keys(keys, *n);
	free(copy);
	return ret;
}

static void
test_parse(void **state)
{
	size_t	i, n;

	assert_int_equal(parse(LIST, sizeof(LIST) - 1, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(parse("\14\0\0\0\0", 5, &n), 0);
	assert_int_equal(n, 0);
	for (i = 0; i < sizeof(LIST) - 1; i++)
		assert_int_equal(parse(LIST, i, &n), -1);
	assert_int_equal(parse("\5", 1, &n), -1);
	assert_int_equal(parse("\13\0\0\0\0", 5, &n), -1);
	assert_int_equal(parse("\14\377\377\377\377", 5, &n), -1);
	assert_int_equal(parse("\14\0\0\0\1\377\377\377\377", 9, &n), -1);
	assert_int_equal(parse("\14\0\0\0\1\0\0\0\0\0\0\0\5x", 14, &n), -1);
}

static void
write_msg(int fd, const void *body, size_t len)
{
	u_char	head[4] = { 0, 0, len >> 8, len };

	if (write(fd, head, 4) != 4 || write(fd, body, len) != (ssize_t)len)
		_exit(1);
}

static ssize_t
read_msg(int fd, u_char *body, size_t size)
{
	u_char	head[4];
	size_t	len;

	if (recv(fd, head, 4, MSG_WAITALL) != 4)
		return -1;
	len = head[2] << 8 | head[3];
	if (len > size)
		return -1;
	return recv(fd, body, len, MSG_WAITALL);
}

/*
 * An agent for one client: lists the keys, then answers with 14 and more, if
 * asked for a key only after a while.
 */
static pid_t
start_agent(const char *path, const void *list, size_t len)
{
	struct sockaddr_un	sun = { .sun_family = AF_UNIX };
	u_char			body[256];
	int			fd, s;
	pid_t			pid;

	strlcpy(sun.sun_path, path, sizeof(sun.sun_path));
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(s, 1), 0);
	if ((pid = fork()) == 0) {
		fd = accept(s, NULL, NULL);
		while (read_msg(fd, body, sizeof(body)) > 0)
			if (body[0] == 11)
				write_msg(fd, list, len);
			else {
				if (body[1] == 0)
					usleep(800000);
				write_msg(fd, "\16signed", 7);
			}
		_exit(0);
	}
	close(s);
	return pid;
}

static struct agent *
open_agent(const char *list, size_t len, const char *wanted, int only)
{
	struct cliconf	 conf;
	struct conf_list keys = { NULL, 0 };
	struct agent	*agent;
	char		 path[32] = "/tmp/agent_test.XXXXXX";

	memset(&conf, 0, sizeof(conf));
	close(mkstemp(path));
	unlink(path);
	conf.identity_agent = path;
	conf.identities_only = only;
	if (wanted != NULL)
		conf_list_add(&keys, wanted);
	start_agent(path, list, len);
	agent = agent_open(&conf, &keys);
	conf_list_clear(&keys);
	unlink(path);
	return agent;
}

/* libssh's end sees the usable keys, those that are wanted first. */
static void
test_relay(void **state)
{
	struct agent	*agent;
	u_char		 body[256];
	char		*two;
	ssize_t		 n;
	int		 fd;

	two = agent_base64((const u_char *)TWO, sizeof(TWO) - 1);
	agent = open_agent(LIST, sizeof(LIST) - 1, two, 0);
	assert_non_null(agent);
	assert_true(agent_holds(agent, two));
	assert_false(agent_holds(agent, "x"));
	fd = agent_take_fd(agent);
	write_msg(fd, "\13", 1);
	n = read_msg(fd, body, sizeof(body));
	assert_int_equal(n, 5 + 2 * (4 + 0x33 + 5));
	assert_memory_equal(body, "\14\0\0\0\2\0\0\0\063" TWO "\0\0\0\1b",
	    5 + 4 + 0x33 + 5);
	write_msg(fd, "\15sign", 5);
	n = read_msg(fd, body, sizeof(body));
	assert_int_equal(n, 7);
	assert_memory_equal(body, "\16signed", 7);
	agent_close(agent);
	assert_int_equal(read_msg(fd, body, sizeof(body)), -1);
	close(fd);
	free(two);
	wait(NULL);
}

/* What libssh says, and what it is answered. */
static void
check_answer(int fd, const void *say, size_t len, const void *want,
    size_t want_len)
{
	u_char	body[256];

	write_msg(fd, say, len);
	assert_int_equal(read_msg(fd, body, sizeof(body)), want_len);
	assert_memory_equal(body, want, want_len);
}

/*
 * A signature that takes its time fails, and there is something to wait for;
 * then libssh sees that key only, and gets the signature.
 */
static void
test_late(void **state)
{
	static const char	 sign[] = "\15\0\0\0\063" ONE "data";
	static const char	 all[] = "\14\0\0\0\2"
	    "\0\0\0\063" ONE "\0\0\0\1a" "\0\0\0\063" TWO "\0\0\0\1b";
	static const char	 one[] = "\14\0\0\0\1"
	    "\0\0\0\063" ONE "\0\0\0\0";
	struct agent		*agent;
	struct pollfd		 pfd = { .events = POLLIN };
	int			 fd;

	agent = open_agent(LIST, sizeof(LIST) - 1, NULL, 0);
	assert_non_null(agent);
	fd = agent_take_fd(agent);
	assert_int_equal(agent_late_fd(agent), -1);
	check_answer(fd, sign, sizeof(sign) - 1, "\5", 1);
	pfd.fd = agent_late_fd(agent);
	assert_int_not_equal(pfd.fd, -1);
	assert_int_equal(agent_late_fd(agent), -1);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	check_answer(fd, "\13", 1, one, sizeof(one) - 1);
	check_answer(fd, sign, sizeof(sign) - 1, "\16signed", 7);
	check_answer(fd, "\13", 1, all, sizeof(all) - 1);
	/* The next one that is late is told of, too; it is given up. */
	check_answer(fd, sign, sizeof(sign) - 1, "\5", 1);
	assert_int_not_equal(agent_late_fd(agent), -1);
	agent_close(agent);
	close(fd);
	wait(NULL);
}

static void
test_only(void **state)
{
	struct agent	*agent;
	char		*one;

	one = agent_base64((const u_char *)ONE, sizeof(ONE) - 1);
	agent = open_agent(LIST, sizeof(LIST) - 1, one, 1);
	assert_non_null(agent);
	assert_true(agent_holds(agent, one));
	agent_close(agent);
	wait(NULL);
	assert_null(open_agent(LIST, sizeof(LIST) - 1, NULL, 1));
	wait(NULL);
	free(one);
}

static void
test_bad_agent(void **state)
{
	struct cliconf	 conf;
	struct conf_list keys = { NULL, 0 };

	memset(&conf, 0, sizeof(conf));
	assert_null(open_agent("\5", 1, NULL, 0));
	wait(NULL);
	assert_null(open_agent("\14\0\0\0\0", 5, NULL, 0));
	wait(NULL);
	assert_null(open_agent("\14\0\0\0\1\377\377\377\377", 9, NULL, 0));
	wait(NULL);
	conf.identity_agent = TEXT("none");
	assert_null(agent_open(&conf, &keys));
	conf.identity_agent = TEXT("/nonexistent");
	assert_null(agent_open(&conf, &keys));
	conf.identity_agent = TEXT("$NO_SUCH_VARIABLE");
	assert_null(agent_open(&conf, &keys));
	agent_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_relay),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_only),
		cmocka_unit_test(test_bad_agent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
