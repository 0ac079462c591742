/* SPDX-License-Identifier: ISC */
/* Commands built from ProxyJump, and one that is run. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <unistd.h>

#include <cmocka.h>

#include "cliconf.h"
#include "proxy.h"
#include "log.h"

#define TEXT(s)	((char[]){ s })	/* fields of cliconf are not const */

static struct cliconf
make_conf(const char *jump)
{
	static char	host[] = "target", user[] = "bob", text[128];
	struct cliconf	conf;

	memset(&conf, 0, sizeof(conf));
	strlcpy(text, jump, sizeof(text));
	conf.hostname = host;
	conf.user = user;
	conf.port = 22;
	conf.proxy_jump = text;
	return conf;
}

static void
check_jump(const char *jump, const char *want)
{
	struct cliconf	 conf = make_conf(jump);
	char		*command, errstr[128] = "";

	assert_int_equal(proxy_command(&conf, &command, errstr,
	    sizeof(errstr)), want == NULL ? -1 : 1);
	if (want != NULL)
		assert_string_equal(command, want);
	else
		assert_string_not_equal(errstr, "");
	free(command);
}

static void
test_jump(void **state)
{
	check_jump("j", "ssh -W '[target]:22' j");
	check_jump("al@j:2222", "ssh -l 'al' -p 2222 -W '[target]:22' j");
	check_jump("a@x:1,y,b@z", "ssh -l 'b' -J 'a@x:1,y' "
	    "-W '[target]:22' z");
	check_jump("ssh://al@j:2222/",
	    "ssh -l 'al' -p 2222 -W '[target]:22' j");
	check_jump("[::1]:2222", "ssh -p 2222 -W '[target]:22' ::1");
	check_jump("2001:db8::1", "ssh -W '[target]:22' 2001:db8::1");
}

static void
test_jump_bad(void **state)
{
	check_jump("", NULL);
	check_jump("-x", NULL);
	check_jump("a@-x", NULL);
	check_jump("-l@x", NULL);
	check_jump("$(id),j", NULL);
	check_jump("j,`id`", NULL);
	check_jump("a'b@x,j", NULL);
	check_jump("x,", NULL);
	check_jump(",x", NULL);
	check_jump("x:0", NULL);
	check_jump("x:65536", NULL);
	check_jump("x:a", NULL);
	check_jump("[::1", NULL);
	check_jump("[::1]x", NULL);
	check_jump("@x", NULL);
}

static void
test_choice(void **state)
{
	struct cliconf	 conf = make_conf("j");
	char		*command, errstr[128];

	log_set_level(LOG_LEVEL_DEBUG);
	assert_int_equal(proxy_command(&conf, &command, errstr,
	    sizeof(errstr)), 1);
	log_set_level(LOG_LEVEL_INFO);
	assert_string_equal(command, "ssh -vv -W '[target]:22' j");
	free(command);
	conf.hostname = TEXT("a;b");
	assert_int_equal(proxy_command(&conf, &command, errstr,
	    sizeof(errstr)), -1);
	assert_string_equal(errstr, "hostname contains invalid characters");
	conf = make_conf("none");
	assert_int_equal(proxy_command(&conf, &command, errstr,
	    sizeof(errstr)), 0);
	conf = make_conf("j");
	conf.proxy_command = TEXT("none");
	assert_int_equal(proxy_command(&conf, &command, errstr,
	    sizeof(errstr)), 0);
	conf.proxy_command = TEXT("nc target 22");
	assert_int_equal(proxy_command(&conf, &command, errstr,
	    sizeof(errstr)), 1);
	assert_string_equal(command, "nc target 22");
	free(command);
}

/* Waits until the descriptor can be read, and reads. */
static ssize_t
read_soon(int fd, char *buf, size_t size)
{
	struct pollfd	pfd = { fd, POLLIN, 0 };

	assert_int_equal(poll(&pfd, 1, 10000), 1);
	return read(fd, buf, size);
}

static void
test_open(void **state)
{
	char	buf[64];
	int	fd;

	assert_int_not_equal(fd = proxy_open("cat"), -1);
	assert_int_equal(write(fd, "hello", 5), 5);
	assert_int_equal(read_soon(fd, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "hello", 5);
	close(fd);
	assert_int_not_equal(fd = proxy_open("false"), -1);
	assert_int_equal(read_soon(fd, buf, sizeof(buf)), 0);
	close(fd);
}

/* A command that does not notice is ended: its end of a pipe closes. */
static void
test_open_killed(void **state)
{
	char	buf[8], command[64];
	int	fd, p[2];

	assert_int_equal(pipe(p), 0);
	snprintf(command, sizeof(command), "cat /proc/%d/fd/%d", getpid(),
	    p[0]);
	assert_int_not_equal(fd = proxy_open(command), -1);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(read_soon(fd, buf, sizeof(buf)), 1);
	close(p[0]);
	close(fd);
	alarm(30);
	while (write(p[1], "", 0) == 0 && poll(&(struct pollfd){ p[1], 0, 0 },
	    1, 100) == 0)
		;
	alarm(0);
	close(p[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jump),
		cmocka_unit_test(test_jump_bad),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
