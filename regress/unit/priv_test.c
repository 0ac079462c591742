/* SPDX-License-Identifier: ISC */
/*
 * net's talk with the dialer when memory is short.  msg_send() and what
 * allocates the payloads of messages are ours (linked with --wrap).
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "addr.h"
#include "log.h"
#include "msg.h"
#include "priv.h"
#include "privsep.h"
#include "socks.h"

int	 __real_msg_send(int, const struct msg *);
int	 __wrap_msg_send(int, const struct msg *);
void	*__real_recallocarray(void *, size_t, size_t, size_t);
void	*__wrap_recallocarray(void *, size_t, size_t, size_t);

static struct event_base *base;
static struct priv priv;
static int dialer, no_memory, failures, failure;
static int bounds, replies, rep, gone;

int
__wrap_msg_send(int fd, const struct msg *m)
{
	if (failures == 0)
		return __real_msg_send(fd, m);
	failures--;
	errno = failure;
	return -1;
}

void *
__wrap_recallocarray(void *p, size_t old, size_t n, size_t size)
{
	return no_memory ? NULL : __real_recallocarray(p, old, n, size);
}

static void
bound(uint32_t id, const struct addr *bnd, void *arg)
{
	bounds++;
}

static void
reply(uint32_t id, const struct privsep_reply *r, int fd, void *arg)
{
	assert_int_equal(id, 9);
	if (fd != -1)
		close(fd);
	replies++;
	rep = (int)r->rep;
}

static void
gone_cb(const char *why, void *arg)
{
	gone++;
}

static const struct priv_ops ops = { bound, reply, gone_cb };

static int
setup(void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    fds), 0);
	base = event_base_new();
	dialer = fds[1];
	priv_init(&priv, fds[0]);
	assert_int_equal(priv_start(&priv, base, &ops, NULL), 0);
	log_set_sink(priv_log, &priv);
	bounds = replies = gone = 0;
	return 0;
}

static int
teardown(void **state)
{
	priv_clear(&priv);
	close(priv.fd);
	close(dialer);
	event_base_free(base);
	return 0;
}

/* One turn of net's loop. */
static void
turn(void)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
expect_line(const char *text)
{
	struct privsep_line line;
	struct msg m;

	assert_int_equal(msg_recv(dialer, &m), 1);
	assert_int_equal(m.type, PS_LOG);
	assert_int_equal(privsep_get_log(&m, &line), 0);
	assert_string_equal(line.text, text);
	msg_clear(&m);
}

/* Without memory one goes that need not wait. */
static void
test_lost_lines(void **state)
{
	no_memory = 1;
	log_info("one");
	failure = ENOBUFS;
	failures = 2;
	log_info("two");
	log_info("three");
	no_memory = 0;
	log_info("four");
	log_info("five");
	expect_line("one");
	expect_line("2 lines were lost");
	expect_line("four");
	expect_line("five");
}

/* A shortage in the kernel delays them, and ends nothing. */
static void
test_shortage(void **state)
{
	failure = ENOBUFS;
	failures = 5;
	log_info("one");
	log_info("two");
	while (failures > 0 || priv.queue.n > 0)
		event_base_loop(base, EVLOOP_ONCE);
	expect_line("one");
	expect_line("two");
	assert_int_equal(gone, 0);
}

static void
test_request(void **state)
{
	struct privsep_request req = { .cmd = SOCKS_CMD_CONNECT, .port = 1 };
	struct msg m;

	no_memory = 1;
	assert_int_equal(priv_request(&priv, 9, &req), -1);
	assert_int_equal(errno, ENOMEM);
	no_memory = 0;
	assert_int_equal(priv_request(&priv, 10, &req), 0);
	assert_int_equal(msg_recv(dialer, &m), 1);
	assert_int_equal(m.id, 10);
	msg_clear(&m);
}

/* What the dialer says and net has no memory for fails that flow. */
static void
test_answers(void **state)
{
	struct privsep_reply ok = { .rep = SOCKS_REP_OK };
	struct addr bnd = { .type = ADDR_IPV4 };
	struct msg m;

	msg_init(&m, PS_REPLY, 9);
	privsep_put_reply(&m, &ok);
	m.fd = dup(dialer);
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
	no_memory = 1;
	turn();
	no_memory = 0;
	assert_int_equal(replies, 1);
	assert_int_equal(rep, SOCKS_REP_GENERAL);
	msg_init(&m, PS_BOUND, 9);
	privsep_put_addr(&m, &bnd);
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
	no_memory = 1;
	turn();
	no_memory = 0;
	assert_int_equal(bounds, 0);
	assert_int_equal(replies, 2);
	assert_int_equal(rep, SOCKS_REP_GENERAL);
	expect_line("flow 9: out of memory");
	/* It waits for its peer no longer. */
	assert_int_equal(msg_recv(dialer, &m), 1);
	assert_int_equal(m.type, PS_CANCEL);
	assert_int_equal(m.id, 9);
	msg_clear(&m);
	assert_int_equal(priv.lost, 0);
	assert_int_equal(gone, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost_lines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_shortage, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
