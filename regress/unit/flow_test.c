/* SPDX-License-Identifier: ISC */
/*
 * The flow engine between a real socket and a stream that the test plays,
 * which stands for an SSH channel.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "flow.h"
#include "starve.h"
#include "streamtest.h"

struct fixture {
	struct event_base *base;
	struct fake	 fake;
	struct flow	*flow;
	int		 peer;		/* the far end of stream a */
	int		 done;
	struct flow_summary sum;
};

static void
done_cb(const struct flow_summary *sum, void *arg)
{
	struct fixture *x = arg;

	x->done++;
	x->sum = *sum;
}

/* A connected TCP pair, so that resets can be told from ends. */
static void
tcp_pair(int fds[2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int l;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(l, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&sin, &len), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&sin, len), 0);
	fds[1] = accept(l, NULL, NULL);
	assert_true(fds[1] != -1);
	close(l);
}

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	struct stream *sock;
	int fds[2];

	x->base = event_base_new();
	tcp_pair(fds);
	x->peer = fds[0];
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	fcntl(x->peer, F_SETFL, O_NONBLOCK);
	sock = sockstream_new(x->base, fds[1]);
	x->fake.stream.ops = &fake_ops;
	x->flow = flow_new(x->base, sock, &x->fake.stream, done_cb, x);
	*state = x;
	return x->flow == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	if (!x->done)
		flow_abort(x->flow);
	close(x->peer);
	event_base_free(x->base);
	free(x);
	return 0;
}

/* Runs the loop for what is ready, a few rounds for what follows. */
static void
turn(struct fixture *x)
{
	int i;

	for (i = 0; i < 5; i++) {
		usleep(2000);
		event_base_loop(x->base, EVLOOP_NONBLOCK);
	}
}

/* The event, and what else there is to tell. */
static void
tell(struct fixture *x, enum stream_event ev)
{
	struct fake *f = &x->fake;

	f->stream.cb(&f->stream, ev, f->stream.arg);
	while (!f->closed && (f->want & STREAM_WANT_READ) &&
	    (f->in_len > 0 || f->in_end == 1)) {
		f->in_end *= f->in_len > 0 ? 1 : 2;
		f->stream.cb(&f->stream, STREAM_READABLE, f->stream.arg);
	}
}

static void
test_relay(void **state)
{
	struct fixture *x = *state;
	char buf[16];

	x->fake.space = 100;
	flow_start(x->flow);
	assert_int_equal(write(x->peer, "hello", 5), 5);
	turn(x);
	assert_int_equal(x->fake.out_len, 5);
	assert_memory_equal(x->fake.out, "hello", 5);
	memcpy(x->fake.in, "world", 5);
	x->fake.in_len = 5;
	tell(x, STREAM_READABLE);
	turn(x);
	assert_int_equal(read(x->peer, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "world", 5);
	assert_int_equal(x->done, 0);
}

/* No more is read from the socket than the channel has room for. */
static void
test_backpressure(void **state)
{
	struct fixture *x = *state;
	u_char data[4096];

	memset(data, 'x', sizeof(data));
	flow_start(x->flow);
	assert_int_equal(write(x->peer, data, sizeof(data)), 4096);
	turn(x);
	assert_int_equal(x->fake.out_len, 0);
	assert_true(x->fake.want & STREAM_WANT_WRITE);
	x->fake.space = 1000;
	tell(x, STREAM_WRITABLE);
	assert_int_equal(x->fake.out_len, 1000);
	assert_true(x->fake.want & STREAM_WANT_WRITE);
	x->fake.space = 10000;
	tell(x, STREAM_WRITABLE);
	assert_int_equal(x->fake.out_len, 4096);
	assert_false(x->fake.want & STREAM_WANT_WRITE);
}

static void
test_prefix(void **state)
{
	struct fixture *x = *state;
	char buf[16];

	x->fake.space = 100;
	assert_int_equal(flow_prefix_to_a(x->flow, "reply", 5), 0);
	assert_int_equal(flow_prefix_to_b(x->flow, "early", 5), 0);
	assert_int_equal(write(x->peer, "late", 4), 4);
	flow_start(x->flow);
	turn(x);
	assert_memory_equal(x->fake.out, "earlylate", 9);
	assert_int_equal(read(x->peer, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "reply", 5);
}

static void
test_half_close_from_socket(void **state)
{
	struct fixture *x = *state;
	char buf[16];

	x->fake.space = 100;
	flow_start(x->flow);
	assert_int_equal(write(x->peer, "bye", 3), 3);
	shutdown(x->peer, SHUT_WR);
	turn(x);
	turn(x);
	assert_int_equal(x->fake.out_len, 3);
	assert_int_equal(x->fake.ended, 1);
	assert_int_equal(x->done, 0);
	memcpy(x->fake.in, "answer", 6);
	x->fake.in_len = 6;
	x->fake.in_end = 1;
	tell(x, STREAM_READABLE);
	assert_int_equal(x->done, 1);
	assert_int_equal(x->sum.ending, STREAM_CLOSE);
	assert_int_equal(x->sum.a_to_b, 3);
	assert_int_equal(x->sum.b_to_a, 6);
	assert_int_equal(x->fake.closed, 1);
	turn(x);
	assert_int_equal(read(x->peer, buf, sizeof(buf)), 6);
	assert_int_equal(read(x->peer, buf, sizeof(buf)), 0);
}

static void
test_half_close_from_channel(void **state)
{
	struct fixture *x = *state;
	char c;

	x->fake.space = 100;
	x->fake.in_end = 1;
	flow_start(x->flow);
	turn(x);
	assert_int_equal(read(x->peer, &c, 1), 0);
	assert_int_equal(x->done, 0);
	assert_int_equal(write(x->peer, "on", 2), 2);
	turn(x);
	assert_int_equal(x->fake.out_len, 2);
	shutdown(x->peer, SHUT_WR);
	turn(x);
	assert_int_equal(x->done, 1);
}

static void
test_reset_from_socket(void **state)
{
	struct fixture *x = *state;
	struct linger reset = { 1, 0 };

	x->fake.space = 100;
	flow_start(x->flow);
	setsockopt(x->peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(x->peer);
	x->peer = -1;
	turn(x);
	assert_int_equal(x->done, 1);
	assert_int_equal(x->sum.ending, STREAM_ABORT);
	assert_int_equal(x->fake.ending, STREAM_ABORT);
}

static void
test_reset_from_channel(void **state)
{
	struct fixture *x = *state;
	char c;

	flow_start(x->flow);
	tell(x, STREAM_RESET);
	assert_int_equal(x->done, 1);
	turn(x);
	assert_int_equal(read(x->peer, &c, 1), -1);
	assert_int_equal(errno, ECONNRESET);
}

/* The channel was closed: what it gave before still arrives, then the end. */
static void
test_hangup(void **state)
{
	struct fixture *x = *state;
	char buf[16];

	x->fake.space = 100;
	flow_start(x->flow);
	memcpy(x->fake.in, "last", 4);
	x->fake.in_len = 4;
	x->fake.in_end = 1;
	tell(x, STREAM_HANGUP);
	assert_int_equal(x->done, 1);
	assert_int_equal(x->sum.ending, STREAM_CLOSE);
	turn(x);
	assert_int_equal(read(x->peer, buf, sizeof(buf)), 4);
	assert_int_equal(read(x->peer, buf, sizeof(buf)), 0);
}

/* A reader that stops: the offer is declined, nothing is lost in the end. */
static void
test_slow_reader(void **state)
{
	struct fixture *x = *state;
	static u_char data[32768], got[1 << 22];
	size_t offered = 0, taken, total = 0;
	ssize_t n;
	int i;

	memset(data, 'y', sizeof(data));
	flow_start(x->flow);
	for (i = 0; i < 1000; i++) {
		taken = x->fake.stream.offer(&x->fake.stream, data,
		    sizeof(data), x->fake.stream.arg);
		offered += taken;
		if (taken < sizeof(data))
			break;
	}
	assert_true(i < 1000);
	memcpy(x->fake.in, data + taken, sizeof(data) - taken);
	x->fake.in_len = sizeof(data) - taken;
	offered += x->fake.in_len;
	tell(x, STREAM_READABLE);
	assert_false(x->fake.want & STREAM_WANT_READ);
	assert_int_equal(x->fake.stream.offer(&x->fake.stream, data, 10,
	    x->fake.stream.arg), 0);
	for (i = 0; i < 400 && total < offered; i++) {
		turn(x);
		while ((n = read(x->peer, got, sizeof(got))) > 0)
			total += (size_t)n;
	}
	assert_int_equal(total, offered);
	assert_true(x->fake.want & STREAM_WANT_READ);
}

static void
test_farewell(void **state)
{
	struct fixture *x = *state;
	struct stream *sock;
	char buf[16];
	int fds[2];

	tcp_pair(fds);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	sock = sockstream_new(x->base, fds[1]);
	flow_start(x->flow);
	/* Bytes that nobody reads must not turn the last words to a reset. */
	assert_int_equal(write(fds[0], "unread", 6), 6);
	flow_start(flow_farewell(x->base, sock, "no", 2, done_cb, x));
	turn(x);
	assert_int_equal(read(fds[0], buf, sizeof(buf)), 2);
	assert_int_equal(read(fds[0], buf, sizeof(buf)), 0);
	assert_int_equal(x->done, 0);
	close(fds[0]);
	turn(x);
	assert_int_equal(x->done, 1);
	x->done = 0;
}

/* A peer that never closes is waited for, but not for ever. */
static void
test_farewell_ends(void **state)
{
	struct fixture *x = *state;
	struct stream *sock;
	char buf[16];
	int fds[2];

	tcp_pair(fds);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	sock = sockstream_new(x->base, fds[1]);
	flow_start(x->flow);
	flow_start(flow_farewell(x->base, sock, "no", 2, done_cb, x));
	clock_move(4 * CLOCK_SECOND);
	turn(x);
	assert_int_equal(x->done, 0);
	clock_move(1 * CLOCK_SECOND);
	turn(x);
	assert_int_equal(x->done, 1);
	assert_int_equal(x->sum.ending, STREAM_CLOSE);
	assert_int_equal(x->sum.b_to_a, 2);
	assert_int_equal(read(fds[0], buf, sizeof(buf)), 2);
	close(fds[0]);
	x->done = 0;
}

/* A peer that is refused without memory is still there, to be closed. */
static void
test_farewell_starved(void **state)
{
	struct fixture *x = *state;
	static struct fake f;
	struct flow *farewell;
	int n;

	flow_start(x->flow);
	f.stream.ops = &fake_ops;
	f.space = SPACE_ALL;
	for (n = 1; n == 1 || starved(); n++) {
		starve(n);
		farewell = flow_farewell(x->base, &f.stream, "no", 2, NULL,
		    NULL);
		starve(0);
		assert_int_equal(farewell == NULL, starved());
		assert_int_equal(f.closed, 0);
	}
	assert_int_equal(n, 5);
	flow_start(farewell);
	f.in_end = 1;
	f.stream.cb(&f.stream, STREAM_READABLE, f.stream.arg);
	assert_int_equal(f.out_len, 2);
	assert_int_equal(f.closed, 1);
}

/* What a slow peer did not take must be held; without memory it is a reset. */
static void
test_starved(void **state)
{
	struct fixture *x = *state;
	char c;

	x->fake.space = 2;
	flow_start(x->flow);
	starve(1);
	assert_int_equal(write(x->peer, "hello", 5), 5);
	x->fake.in_len = 5;
	turn(x);
	starve(0);
	if (!x->done) {
		x->fake.space = SPACE_ALL;
		tell(x, STREAM_WRITABLE);
		assert_memory_equal(x->fake.out, "hello", 5);
	} else {
		assert_int_equal(x->sum.ending, STREAM_ABORT);
		assert_int_equal(read(x->peer, &c, 1), -1);
		assert_int_equal(errno, ECONNRESET);
	}
}

/* A stream that fails when it is written to resets the other. */
static void
test_write_fails(void **state)
{
	struct fixture *x = *state;
	char c;

	x->fake.space = SPACE_ALL;
	flow_start(x->flow);
	x->fake.error = EPIPE;
	assert_int_equal(write(x->peer, "hello", 5), 5);
	turn(x);
	assert_int_equal(x->done, 1);
	assert_int_equal(x->sum.ending, STREAM_ABORT);
	assert_int_equal(read(x->peer, &c, 1), -1);
	assert_int_equal(errno, ECONNRESET);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_relay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backpressure, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_prefix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_close_from_socket,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_close_from_channel,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset_from_socket, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_reset_from_channel,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_reader, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_farewell, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_farewell_ends, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_farewell_starved, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_starved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_fails, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
