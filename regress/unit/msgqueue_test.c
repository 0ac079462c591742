/* SPDX-License-Identifier: ISC */
/*
 * A queue of messages: their order when the pair is full, and what is said of
 * one that cannot be sent.  msg_send() and calloc() are ours (linked with
 * --wrap): they fail as often as is asked.
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

#include "epolltest.h"
#include "log.h"
#include "msg.h"
#include "msgqueue.h"

int	__real_msg_send(int, const struct msg *);
int	__wrap_msg_send(int, const struct msg *);
void	*__real_calloc(size_t, size_t);
void	*__wrap_calloc(size_t, size_t);

static struct event_base *base;
static struct msgqueue queue;
static int pair[2], failures, failure, failed, no_memory;

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
__wrap_calloc(size_t n, size_t size)
{
	if (!no_memory)
		return __real_calloc(n, size);
	errno = ENOMEM;
	return NULL;
}

static void
sink(enum log_level level, const char *text, void *arg)
{
}

static void
failed_cb(int error, void *arg)
{
	assert_ptr_equal(arg, &queue);
	failed = error;
}

static int
setup(void **state)
{
	base = event_base_new();
	failures = failed = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair), 0);
	msgqueue_init(&queue, pair[0], failed_cb, &queue);
	return 0;
}

static int
teardown(void **state)
{
	msgqueue_clear(&queue);
	close(pair[0]);
	close(pair[1]);
	event_base_free(base);
	return 0;
}

static void
send_one(uint32_t id)
{
	struct msg m;

	msg_init(&m, 1, id);
	msg_put_string(&m, "some payload");
	msgqueue_send(&queue, &m);
}

static void
expect_one(uint32_t id)
{
	struct msg m;

	assert_int_equal(msg_recv(pair[1], &m), 1);
	assert_int_equal(m.id, id);
	msg_clear(&m);
}

static void
test_order(void **state)
{
	uint32_t sent, got;

	assert_int_equal(msgqueue_start(&queue, base), 0);
	for (sent = 0; queue.n < 100; sent++)
		send_one(sent);
	for (got = 0; got < sent; got++) {
		expect_one(got);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(queue.n, 0);
	assert_int_equal(failed, 0);
}

/* The kernel is short of room for a while, before and after the start. */
static void
test_retry(void **state)
{
	failure = ENOBUFS;
	failures = 3;
	send_one(1);
	expect_one(1);
	assert_int_equal(msgqueue_start(&queue, base), 0);
	failures = 3;
	send_one(2);
	send_one(3);
	assert_int_equal(queue.n, 2);
	while (queue.n > 0)
		event_base_loop(base, EVLOOP_ONCE);
	expect_one(2);
	expect_one(3);
	assert_int_equal(failed, 0);
}

/* One that cannot be sent is lost alone: too long, or no memory for it. */
static void
test_lost(void **state)
{
	struct msg m;

	assert_int_equal(msgqueue_start(&queue, base), 0);
	msg_init(&m, 1, 1);
	m.bad = EMSGSIZE;
	assert_int_equal(msgqueue_send(&queue, &m), -1);
	assert_int_equal(errno, EMSGSIZE);
	msg_init(&m, 1, 2);
	m.fd = dup(pair[0]);
	failure = EAGAIN;
	failures = 2;
	no_memory = 1;
	assert_int_equal(msgqueue_send(&queue, &m), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(m.fd, -1);
	no_memory = 0;
	assert_int_equal(queue.n, 0);
	failures = 0;
	send_one(3);
	expect_one(3);
	assert_int_equal(failed, 0);
}

/* A pair that is full and cannot be watched is tried again all the same. */
static void
test_no_watch(void **state)
{
	log_set_sink(sink, NULL);
	assert_int_equal(msgqueue_start(&queue, base), 0);
	failure = EAGAIN;
	failures = 4;
	epoll_failures = 1;
	send_one(1);
	assert_int_equal(queue.n, 1);
	while (queue.n > 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(epoll_failures, 0);
	expect_one(1);
	assert_int_equal(failed, 0);
}

static void
test_failure(void **state)
{
	struct msg m;

	assert_int_equal(msgqueue_start(&queue, base), 0);
	/* What waits is given up. */
	failure = EAGAIN;
	failures = 2;
	send_one(3);
	failure = EBADF;
	failures = 1;
	send_one(4);
	while (queue.n > 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(failed, EBADF);
	/* That is told once: who logs it may use the queue himself. */
	failed = 0;
	msg_init(&m, 1, 5);
	assert_int_equal(msgqueue_send(&queue, &m), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(failed, 0);
}

static void
test_closed(void **state)
{
	assert_int_equal(msgqueue_start(&queue, base), 0);
	close(pair[1]);
	pair[1] = -1;
	send_one(5);
	assert_int_equal(failed, EPIPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_retry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_watch, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_closed, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
