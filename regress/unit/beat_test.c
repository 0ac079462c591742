/* SPDX-License-Identifier: ISC */
/* Who sends no beats is silent, and who was stopped itself accuses nobody. */
#include <sys/types.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "beat.h"
#include "msg.h"
#include "msgqueue.h"

#define TYPE	12

static struct event_base *base;
static struct msgqueue queue;
static struct beat beat;
static int other, silent, answers, heard;

static void
failed_cb(int error, void *arg)
{
	fail();
}

static void
silent_cb(void *arg)
{
	silent++;
	event_base_loopbreak(base);
}

/* The other side's: reads, and has its beat heard while it answers. */
static void
other_cb(evutil_socket_t fd, short what, void *arg)
{
	struct msg m;

	assert_int_equal(msg_recv(other, &m), 1);
	assert_int_equal(m.type, TYPE);
	assert_int_equal(m.len, 0);
	msg_clear(&m);
	heard++;
	if (answers)
		beat_heard(&beat);
	if (heard == 2 * BEAT_MISSED)
		event_base_loopbreak(base);
}

static void
run(void)
{
	struct event *ev;
	int fd[2];

	silent = heard = 0;
	base = event_base_new();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	other = fd[1];
	msgqueue_init(&queue, fd[0], failed_cb, NULL);
	assert_int_equal(msgqueue_start(&queue, base), 0);
	ev = event_new(base, other, EV_READ | EV_PERSIST, other_cb, NULL);
	event_add(ev, NULL);
	assert_int_equal(beat_start(&beat, base, &queue, TYPE, 1, silent_cb,
	    NULL), 0);
	event_base_dispatch(base);
	beat_stop(&beat);
	beat_stop(&beat);
	msgqueue_clear(&queue);
	event_free(ev);
	event_base_free(base);
	close(fd[0]);
	close(fd[1]);
}

static void
test_silent(void **state)
{
	answers = 0;
	run();
	assert_int_equal(silent, 1);
	assert_int_equal(heard, BEAT_MISSED);
}

static void
test_alive(void **state)
{
	answers = 1;
	run();
	assert_int_equal(silent, 0);
	assert_int_equal(heard, 2 * BEAT_MISSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
