/* SPDX-License-Identifier: ISC */
/* What may wait unsent follows the rate at which a connection drains. */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "sshpace.h"

#define MEGA	1000000

/* What the kernel was told. */
static int
backlog_of(int fd)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT,
	    &value, &len), 0);
	return value;
}

/* Busy for so many rounds of 25 ms, each of which sends so much. */
static uint64_t
drain(struct sshpace *p, uint64_t sent, int rounds, uint64_t each)
{
	sshpace_note(p, sent, 1);
	while (rounds-- > 0) {
		usleep(25000);
		sent += each;
		sshpace_note(p, sent, 1);
	}
	return sent;
}

static int
setup(void **state)
{
	static struct sshpace p;

	sshpace_init(&p, socket(AF_INET, SOCK_STREAM, 0));
	*state = &p;
	return 0;
}

static int
teardown(void **state)
{
	struct sshpace *p = *state;

	close(p->fd);
	return 0;
}

static void
test_start(void **state)
{
	struct sshpace *p = *state;

	assert_int_equal(backlog_of(p->fd), p->backlog);
	assert_true(p->backlog >= 65536);
	assert_true(p->quantum >= 32000);
}

static void
test_slow_link(void **state)
{
	struct sshpace *p = *state;

	/* 1 MB/s at most, however late the machine wakes us. */
	drain(p, 0, 12, 25000);
	assert_true(p->rate > 0 && p->rate < 1.1 * MEGA);
	assert_int_equal(backlog_of(p->fd), p->backlog);
	assert_true(p->backlog < 16384);
	assert_true(p->quantum < 8192);
}

static void
test_fast_link(void **state)
{
	struct sshpace *p = *state;

	drain(p, 0, 12, 100 * MEGA);
	assert_true(p->rate > 100.0 * MEGA);
	assert_true(p->backlog > 131072);
	assert_true(p->backlog <= 1024 * 1024);
	assert_int_equal(p->quantum, 65516);
}

static void
test_recovers(void **state)
{
	struct sshpace *p = *state;
	uint64_t sent;

	sent = drain(p, 0, 8, 10000);
	assert_true(p->backlog < 16384);
	drain(p, sent, 12, 100 * MEGA);
	assert_true(p->backlog > 131072);
}

/* A session with nothing to send says nothing of the link. */
static void
test_idle(void **state)
{
	struct sshpace *p = *state;
	uint64_t sent = 0;
	int i;

	for (i = 0; i < 10; i++) {
		sshpace_note(p, sent, 1);
		sent += 100;
		sshpace_note(p, sent, 0);
		usleep(25000);
	}
	assert_true(p->rate == 0);
	assert_true(p->backlog >= 65536);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_link, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_fast_link, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_recovers, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_idle, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
