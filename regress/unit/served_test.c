/* SPDX-License-Identifier: ISC */
/*
 * A request on a stream that the test plays: how it is read, what waits while
 * it is answered, and in which order the replies go.
 */
#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "served.h"
#include "socks.h"
#include "starve.h"
#include "streamtest.h"

/* CONNECT to 192.0.2.1, port 80. */
static const u_char request[] = { 5, 1, 0, 1, 192, 0, 2, 1, 0, 80 };

static struct fake client, other;
static struct served served;
static struct addr bnd;
static int done;

static int
setup(void **state)
{
	memset(&client, 0, sizeof(client));
	memset(&other, 0, sizeof(other));
	client.stream.ops = other.stream.ops = &fake_ops;
	client.space = other.space = SPACE_ALL;
	done = 0;
	addr_parse_host(&bnd, "192.0.2.9", 9);
	served_init(&served, NULL);
	served.stream = &client.stream;
	return 0;
}

static int
teardown(void **state)
{
	served_clear(&served);
	return 0;
}

static void
give(const void *data, size_t len)
{
	memcpy(client.in + client.in_len, data, len);
	client.in_len += len;
}

static void
done_cb(const struct flow_summary *sum, void *arg)
{
	done++;
}

static void
test_request(void **state)
{
	struct socks_request req;

	assert_int_equal(served_read_request(&served, &req), 0);
	give(request, 4);
	assert_int_equal(served_read_request(&served, &req), 0);
	give(request + 4, sizeof(request) - 4);
	give("early", 5);
	assert_int_equal(served_read_request(&served, &req), 1);
	assert_int_equal(req.cmd, SOCKS_CMD_CONNECT);
	assert_int_equal(req.dst.port, 80);
	assert_int_equal(buf_len(&served.early), 5);
}

static void
test_no_request(void **state)
{
	struct socks_request req;

	client.in_end = 1;
	assert_int_equal(served_read_request(&served, &req), SERVED_EEND);
	give("\4", 1);
	assert_int_equal(served_read_request(&served, &req), SOCKS_EVERSION);
}

/* A CONNECT that waits reads nothing; a BIND does, up to a limit. */
static void
test_wait(void **state)
{
	static u_char data[SERVED_EARLY_MAX + 1];

	served_wait(&served);
	assert_int_equal(client.want, 0);
	assert_int_equal(served_bound(&served, &bnd), 0);
	assert_int_equal(client.want, STREAM_WANT_READ | STREAM_WANT_WRITE);
	client.space = 4;
	assert_int_equal(served_event(&served, STREAM_WRITABLE), 0);
	assert_int_equal(client.out_len, 4);
	assert_int_equal(client.want, STREAM_WANT_READ | STREAM_WANT_WRITE);
	client.space = SPACE_ALL;
	assert_int_equal(served_event(&served, STREAM_WRITABLE), 0);
	assert_int_equal(client.out_len, 10);
	assert_int_equal(client.want, STREAM_WANT_READ);
	give(data, sizeof(data));
	assert_int_equal(served_event(&served, STREAM_READABLE), 0);
	assert_int_equal(client.want, 0);
	assert_int_equal(client.in_len, 1);
}

static void
test_gives_up(void **state)
{
	served.reads = 1;
	client.in_end = 1;
	assert_int_equal(served_event(&served, STREAM_READABLE), -1);
	assert_int_equal(served_event(&served, STREAM_HANGUP), -1);
	assert_int_equal(served_event(&served, STREAM_RESET), -1);
	assert_int_equal(served_bound(&served, &bnd), 0);
	client.error = EPIPE;
	assert_int_equal(served_event(&served, STREAM_WRITABLE), -1);
}

/* First reply, last reply, then bytes; and to the other what came early. */
static void
test_relay(void **state)
{
	assert_int_equal(served_bound(&served, &bnd), 0);
	give("early", 5);
	assert_int_equal(served_event(&served, STREAM_READABLE), 0);
	bnd.port = 10;
	assert_int_equal(served_relay(&served, &other.stream, &bnd, done_cb,
	    NULL), 0);
	assert_null(served.stream);
	assert_int_equal(client.out_len, 20);
	assert_int_equal(client.out[9], 9);
	assert_int_equal(client.out[19], 10);
	assert_int_equal(other.out_len, 5);
	flow_abort(served.flow);
	assert_int_equal(done, 1);
	assert_int_equal(client.closed + other.closed, 2);
}

/* A foreign client gets no reply on its channel. */
static void
test_relay_plain(void **state)
{
	assert_int_equal(served_relay(&served, &other.stream, NULL, done_cb,
	    NULL), 0);
	assert_int_equal(client.out_len, 0);
	flow_abort(served.flow);
}

static void
test_last_reply(void **state)
{
	u_char reply[SERVED_REPLIES_MAX];

	assert_int_equal(served_last_reply(&served, reply, SOCKS_REP_REFUSED,
	    NULL), 10);
	assert_int_equal(reply[1], SOCKS_REP_REFUSED);
	assert_int_equal(served_bound(&served, &bnd), 0);
	assert_int_equal(served_last_reply(&served, reply, SOCKS_REP_TTL,
	    NULL), 20);
	assert_int_equal(reply[1], SOCKS_REP_OK);
	assert_int_equal(reply[11], SOCKS_REP_TTL);
}

/* Without memory the request fails, or both streams are reset. */
static void
test_starved(void **state)
{
	struct socks_request req;
	int n, r;

	for (n = 1; n == 1 || starved(); n++) {
		teardown(NULL);
		setup(NULL);
		give(request, sizeof(request));
		starve(n);
		if ((r = served_read_request(&served, &req)) == 1)
			r = served_bound(&served, &bnd);
		give("early", 5);
		client.space = 4;
		if (r == 0)
			r = served_event(&served, STREAM_READABLE);
		client.space = SPACE_ALL;
		if (r == 0)
			r = served_relay(&served, &other.stream, &bnd,
			    done_cb, NULL);
		starve(0);
		if (r < 0) {
			assert_true(starved());
			assert_int_equal(client.closed + other.closed, 0);
			continue;
		}
		if (!done) {
			assert_false(starved());
			flow_abort(served.flow);
		}
		assert_int_equal(client.ending, STREAM_ABORT);
		assert_int_equal(client.closed + other.closed, 2);
	}
	assert_true(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_request, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gives_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relay_plain, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_last_reply, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_starved, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
