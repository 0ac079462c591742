/* SPDX-License-Identifier: ISC */
/*
 * Congestion control is asked for in the order of a list.  Reno is in every
 * kernel, and every user may have it; most systems choose another themselves.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "congestion.h"
#include "log.h"

static char unknown[] = "no-such", reno[] = "reno", keep[] = "system";
static char systems[CONGESTION_NAME_SIZE];

static int
setup(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	log_init("congestion_test", LOG_LEVEL_QUIET, 1);
	assert_int_equal(congestion_get(fd, systems), 0);
	return close(fd);
}

/* What a new socket has after it was asked for these. */
static void
assert_gives(char *first, char *second, const char *want)
{
	char *words[] = { first, second }, got[CONGESTION_NAME_SIZE];
	struct conf_list names = { words, second != NULL ? 2 : 1 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	congestion_ask(fd, &names);
	assert_int_equal(congestion_get(fd, got), 0);
	assert_string_equal(got, want);
	close(fd);
}

static void
test_order(void **state)
{
	assert_gives(reno, NULL, reno);
	assert_gives(reno, unknown, reno);
	assert_gives(unknown, reno, reno);
	assert_gives(unknown, NULL, systems);
	assert_gives(keep, reno, systems);
	assert_gives(unknown, keep, systems);
}

/* What is accepted has what the listening socket was asked for. */
static void
test_accepted(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	char *words[] = { unknown, reno }, got[CONGESTION_NAME_SIZE];
	const struct conf_list names = { words, 2 };
	int at = socket(AF_INET, SOCK_STREAM, 0);
	int to = socket(AF_INET, SOCK_STREAM, 0), fd;
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(at, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(at, 1), 0);
	congestion_ask(at, &names);
	assert_int_equal(getsockname(at, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(connect(to, (struct sockaddr *)&sin, len), 0);
	assert_int_not_equal(fd = accept(at, NULL, NULL), -1);
	assert_int_equal(congestion_get(fd, got), 0);
	assert_string_equal(got, reno);
	assert_int_equal(congestion_get(to, got), 0);
	assert_string_equal(got, systems);
	close(at);
	close(to);
	close(fd);
}

static void
test_not_tcp(void **state)
{
	char *words[] = { reno }, got[CONGESTION_NAME_SIZE] = "x";
	const struct conf_list names = { words, 1 };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	congestion_ask(fds[0], &names);
	assert_int_equal(congestion_get(fds[0], got), -1);
	assert_string_equal(got, "");
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_not_tcp),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
