/* SPDX-License-Identifier: ISC */
/*
 * One request on a stream, which is a socket in one round and two pipes in
 * the next: what is answered, what follows, and how it ends.
 */
#include "epolltest.h"
#include "servtest.h"

#include <fcntl.h>

#include "socks.h"
#include "socksudp.h"
#include "stream.h"
#include "request.h"

static int pipes, in, out, over;
static enum request_end end;
static struct request *serving;

static void
over_cb(enum request_end e, void *arg)
{
	end = e;
	over++;
}

static void
serve(void)
{
	int up[2], down[2];
	struct stream *st;

	over = 0;
	if (pipes) {
		assert_int_equal(pipe2(up, O_NONBLOCK | O_CLOEXEC), 0);
		assert_int_equal(pipe2(down, O_NONBLOCK | O_CLOEXEC), 0);
		in = up[1];
		out = down[0];
		st = sockstream_new_pair(env.base, up[0], down[1]);
	} else {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM |
		    SOCK_NONBLOCK | SOCK_CLOEXEC, 0, up), 0);
		in = out = up[1];
		down[1] = dup(up[0]);
		st = sockstream_new_pair(env.base, up[0], down[1]);
	}
	serving = request_start(&env, st, over_cb, NULL);
}

static void
hang_up(void)
{
	if (pipes)
		close(in);
	else
		shutdown(in, SHUT_WR);
}

/* The test is over; it must be too. */
static void
leave(void)
{
	if (!over)
		hang_up();
	else if (pipes)
		close(in);
	run_until(&over);
	assert_int_equal(over, 1);
	close(out);
}

static void
send_bytes(const void *p, size_t n)
{
	assert_int_equal(write(in, p, n), n);
}

static void
request(int cmd, const char *host, uint16_t port)
{
	struct addr dst = address(host, port);
	u_char buf[SOCKS5_MESSAGE_MAX];

	send_bytes(buf, socks_encode_request5(buf, sizeof(buf),
	    (enum socks_cmd)cmd, &dst));
}

/* The next reply; an IPv4 one. */
static struct socks_reply
reply(void)
{
	struct socks_reply r;
	u_char buf[10];
	size_t n = 0;
	ssize_t got;
	int i;

	for (i = 0; i < 500 && n < sizeof(buf); i++) {
		got = read(out, buf + n, sizeof(buf) - n);
		if (got > 0)
			n += (size_t)got;
		else
			run_for(10);
	}
	assert_int_equal(n, sizeof(buf));
	assert_int_equal(socks_decode_reply5(&r, buf, n), n);
	return r;
}

static int
setup(void **state)
{
	env_setup();
	env.kinds = kinds_beside_sshd;
	return 0;
}

static int
teardown(void **state)
{
	env_teardown();
	return 0;
}

static void
refused(const void *p, size_t n, int rep)
{
	serve();
	send_bytes(p, n);
	hang_up();
	assert_int_equal(reply().rep, rep);
	run_until(&over);
	assert_int_equal(end, REQUEST_FAILED);
	if (pipes)
		in = -1;
	close(out);
}

static void
test_malformed(void **state)
{
	refused("", 0, SOCKS_REP_GENERAL);
	refused("\5\3\0", 3, SOCKS_REP_GENERAL);
	refused("\4\3\0\1\0\0\0\0\0\0", 10, SOCKS_REP_GENERAL);
	refused("\5\3\0\2\0\0\0\0\0\0", 10, SOCKS_REP_ATYP);
	refused("\5\3\0\3\0\0\0", 7, SOCKS_REP_GENERAL);
	refused("\5\1\0\1\177\0\0\1\0\11", 10, SOCKS_REP_COMMAND);
	refused("\5\11\0\1\177\0\0\1\0\11", 10, SOCKS_REP_COMMAND);
}

static void
test_resolve(void **state)
{
	struct addr localhost = address("127.0.0.1", 0);
	struct socks_reply r;

	serve();
	request(SOCKS_CMD_RESOLVE, "name.example", 4);
	r = reply();
	assert_int_equal(r.rep, SOCKS_REP_OK);
	assert_true(addr_equal(&r.bnd, &localhost));
	leave();
	assert_int_equal(end, REQUEST_SERVED);
	/* The end right behind the request is no reason to be silent. */
	serve();
	request(SOCKS_CMD_RESOLVE, "fail", 4);
	hang_up();
	assert_int_equal(reply().rep, SOCKS_REP_HOST);
	run_until(&over);
	assert_int_equal(end, REQUEST_SERVED);
	close(out);
}

static void
test_udp(void **state)
{
	struct addr to;
	struct socks_reply r;
	u_char frame[64];
	char buf[8];
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port);
	size_t n;

	to = address("127.0.0.1", port);
	n = socksudp_encode_header(frame, sizeof(frame), 4, &to);
	memcpy(frame + n, "data", 4);
	serve();
	request(SOCKS_CMD_UDP, "0.0.0.0", 0);
	send_bytes(frame, n + 4);
	r = reply();
	assert_int_equal(r.rep, SOCKS_REP_OK);
	assert_int_not_equal(r.bnd.port, 0);
	send_bytes(frame, n + 4);
	hang_up();
	run_until(&over);
	assert_int_equal(end, REQUEST_SERVED);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 4);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 4);
	close(fd);
	close(out);
	serve();
	request(SOCKS_CMD_UDP, "0.0.0.0", 0);
	assert_int_equal(reply().rep, SOCKS_REP_OK);
	send_bytes("\0\1\1\1", 4);
	run_until(&over);
	assert_int_equal(end, REQUEST_FAILED);
	if (pipes)
		close(in);
	close(out);
}

/* A BIND whose peer is there; the peer. */
static int
bind_peer(void)
{
	struct socks_reply r;
	int peer;

	serve();
	request(SOCKS_CMD_BIND, "127.0.0.1", 0);
	r = reply();
	assert_int_equal(r.rep, SOCKS_REP_OK);
	send_bytes("early", 5);
	run_for(20);
	peer = connect_from("127.0.0.1", &r.bnd);
	assert_int_not_equal(peer, -1);
	assert_int_equal(reply().rep, SOCKS_REP_OK);
	return peer;
}

static void
test_bind(void **state)
{
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	char buf[16];
	int peer;

	peer = bind_peer();
	run_for(20);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 5);
	assert_int_equal(send(peer, "back", 4, 0), 4);
	shutdown(peer, SHUT_WR);
	run_for(20);
	assert_int_equal(read(out, buf, sizeof(buf)), 4);
	assert_int_equal(read(out, buf, sizeof(buf)), 0);
	assert_int_equal(over, 0);
	send_bytes("on", 2);
	hang_up();
	run_until(&over);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 2);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 0);
	assert_int_equal(end, REQUEST_SERVED);
	close(peer);
	close(out);

	peer = bind_peer();
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(peer);
	run_until(&over);
	assert_int_equal(end, REQUEST_RESET);
	if (pipes)
		close(in);
	close(out);
}

/* What the client sends ends, and nobody reads what it is sent: killed? */
static void
desert(void)
{
	close(out);
	if (pipes)
		close(in);
	run_until(&over);
}

static void
test_deserted(void **state)
{
	char buf[16];
	int peer;

	peer = bind_peer();
	run_for(20);
	desert();
	assert_int_equal(end, REQUEST_RESET);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), 5);
	assert_int_equal(recv(peer, buf, sizeof(buf), 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(peer);

	serve();
	request(SOCKS_CMD_UDP, "0.0.0.0", 0);
	reply();
	desert();
	assert_int_equal(end, REQUEST_SERVED);
}

static void
test_bind_given_up(void **state)
{
	struct socks_reply r;

	serve();
	request(SOCKS_CMD_BIND, "127.0.0.1", 0);
	r = reply();
	hang_up();
	run_until(&over);
	assert_int_equal(end, REQUEST_SERVED);
	assert_int_equal(connect_from("127.0.0.1", &r.bnd), -1);
	close(out);
}

/* A helper whose input cannot be watched would outlive its sshd. */
static void
test_no_watch(void **state)
{
	epoll_failures = 1;
	serve();
	run_for(20);
	assert_int_equal(over, 1);
	assert_int_equal(end, REQUEST_FAILED);
	leave();
	serve();
	request(SOCKS_CMD_UDP, "0.0.0.0", 0);
	epoll_failures = 3;
	run_for(100);
	assert_int_equal(over, 1);
	assert_int_equal(end, REQUEST_FAILED);
	epoll_failures = 0;
	leave();
}

/* Ended by its owner, in every state. */
static void
test_stop(void **state)
{
	int peer;
	char c;

	serve();
	request_stop(serving);
	assert_int_equal(over, 1);
	leave();
	serve();
	request(SOCKS_CMD_UDP, "0.0.0.0", 0);
	reply();
	request_stop(serving);
	assert_int_equal(end, REQUEST_SERVED);
	leave();
	serve();
	request(SOCKS_CMD_RESOLVE, "hang", 0);
	run_for(20);
	request_stop(serving);
	leave();
	peer = bind_peer();
	run_for(20);
	request_stop(serving);
	assert_int_equal(end, REQUEST_RESET);
	assert_int_equal(recv(peer, &c, 1, 0), 1);
	while (recv(peer, &c, 1, 0) == 1)
		;
	assert_int_equal(errno, ECONNRESET);
	close(peer);
	leave();
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_malformed), T(test_resolve), T(test_udp),
		T(test_bind), T(test_deserted), T(test_bind_given_up),
		T(test_no_watch), T(test_stop)
	};
	int failed = 0;

	for (pipes = 0; pipes < 2; pipes++)
		failed += cmocka_run_group_tests(tests, NULL, NULL);
	return failed;
}
