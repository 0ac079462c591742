/* SPDX-License-Identifier: ISC */
/*
 * A connection runs the commands and talks the dialect that it is given, and
 * does without a far end; that is played by the test.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "addr.h"
#include "buf.h"
#include "cliconf.h"
#include "clients.h"
#include "clock.h"
#include "conn.h"
#include "epolltest.h"
#include "farend.h"
#include "socks.h"
#include "sockstalk.h"
#include "stream.h"

static struct event_base *base;
static const struct cliconf conf = { .connect_timeout = 7 };
static struct clients clients;
static struct farend farend;
static struct conn *started;
static int asked, cancelled, granted;
static int client;		/* its end of the connection */
static int server;		/* the other */
static size_t most = SIZE_MAX;	/* bytes that send(2) takes at once */

/* Linked with --wrap. */
ssize_t	__real_send(int, const void *, size_t, int);
ssize_t	__wrap_send(int, const void *, size_t, int);

void
farend_ask(struct farend_ask *a, struct farend *f, enum socks_cmd cmd,
    const struct addr *dst, farend_cb *cb, void *arg)
{
	a->farend = f;
	a->cb = cb;
	a->arg = arg;
	asked++;
}

void
farend_cancel(struct farend_ask *a)
{
	cancelled += a->farend != NULL;
	a->farend = NULL;
}

static void
start(struct conn *c)
{
	started = c;
}

static void
no_answer_cb(struct conn *c, const struct farend_answer *answer)
{
	fail();
}

static void
start_asking(struct conn *c)
{
	conn_ask(c, SOCKS_CMD_CONNECT, &c->dst, no_answer_cb);
}

static void
granted_cb(struct conn *c, const struct farend_answer *answer)
{
	granted++;
}

static void
start_waiting(struct conn *c)
{
	conn_ask(c, SOCKS_CMD_BIND, &c->dst, granted_cb);
}

static const struct command table[] = {
	{ SOCKS_CMD_BIND,	"BIND",	start_waiting },
	{ SOCKS_CMD_CONNECT,	"",	start_asking },
	{ SOCKS_CMD_UDP,	"SING",	start },
	{ 0,			NULL,	NULL },
};

/* A dialect whose requests are a letter, and its replies another. */
static void
letter_read(struct conn *c)
{
	static const struct addr dst = { .type = ADDR_IPV4, .port = 7 };
	int letter = buf_data(&c->in)[0];

	buf_consume(&c->in, 1);
	conn_begin(c, letter - 'a', &dst);
}

static size_t
letter_encode(u_char *buf, size_t size, enum socks_rep rep,
    const struct addr *bnd)
{
	buf[0] = (u_char)('A' + rep);
	return 1;
}

static int
letter_can_tell(const struct addr *bnd)
{
	return bnd->type == ADDR_IPV4;
}

static const struct dialect letters = {
	letter_read, letter_encode, letter_can_tell
};

ssize_t
__wrap_send(int fd, const void *buf, size_t len, int flags)
{
	return __real_send(fd, buf, len < most ? len : most, flags);
}

static void
set_up(const struct dialect *dialect)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	client = fds[0];
	server = fds[1];
	started = NULL;
	asked = cancelled = granted = 0;
	base = event_base_new();
	assert_int_equal(clients_init(&clients, base, &conf, table, dialect),
	    0);
	clients.farend = &farend;
	conn_new(&clients, fds[1], "client");
}

static void
tear_down(void)
{
	clients_clear(&clients);
	event_base_free(base);
	close(client);
}

static void
say(const void *data, size_t len)
{
	assert_int_equal(write(client, data, len), len);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
assert_hears(const void *data, size_t len)
{
	u_char buf[64];

	assert_int_equal(read(client, buf, sizeof(buf)), len);
	assert_memory_equal(buf, data, len);
}

/* What follows the request is kept for the command. */
static void
test_given(void **state)
{
	struct addr a = { .type = ADDR_IPV6 };

	set_up(&letters);
	say("dxyz", 4);
	assert_non_null(started);
	assert_string_equal(started->label, "SING 0.0.0.0:7");
	assert_int_equal(buf_len(&started->in), 3);
	assert_false(conn_can_tell(started, &a));
	conn_fail(started, SOCKS_REP_HOST, "no song");
	assert_hears("E", 1);
	tear_down();
}

static void
test_unknown(void **state)
{
	set_up(&letters);
	say("z", 1);
	assert_null(started);
	assert_hears("H", 1);
	tear_down();
}

/* Who goes gives its question up, and without a far end there is none. */
static void
test_asks(void **state)
{
	set_up(&letters);
	say("b", 1);
	assert_int_equal(asked, 1);
	clients_clear(&clients);
	assert_int_equal(cancelled, 1);
	tear_down();
	set_up(&letters);
	clients.farend = NULL;
	say("b", 1);
	assert_int_equal(asked, 0);
	assert_hears("B", 1);
	tear_down();
}

static void
pass(int seconds)
{
	clock_move(seconds * CLOCK_SECOND);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* Nobody waits longer than ConnectTimeout, or for a peer as long as that. */
static void
test_late(void **state)
{
	static const struct farend_answer bound = { .result = FAREND_BOUND };
	struct conn *c;

	set_up(&letters);
	say("b", 1);
	pass(6);
	assert_int_equal(cancelled, 0);
	pass(2);
	assert_int_equal(cancelled, 1);
	assert_hears("G", 1);
	tear_down();

	set_up(&letters);
	say("c", 1);
	pass(6);
	c = TAILQ_FIRST(&clients.conns);
	c->ask.cb(&bound, c->ask.arg);
	assert_int_equal(granted, 1);
	pass(129);
	assert_int_equal(cancelled, 0);
	pass(2);
	assert_int_equal(cancelled, 1);
	assert_hears("G", 1);
	tear_down();
}

static void
test_socks(void **state)
{
	static const u_char hello[] = { 5, 2, 2, 0 };
	static const u_char sing[] = { 5, 3, 0, 1, 192, 0, 2, 1, 0, 80, '!' };
	static const u_char sing4[] = { 4, 3, 0, 80, 192, 0, 2, 1, 0 };
	size_t i;

	set_up(&sockstalk);
	for (i = 0; i < sizeof(hello); i++)
		say(hello + i, 1);
	assert_hears("\5\0", 2);
	for (i = 0; i < sizeof(sing); i++)
		say(sing + i, 1);
	assert_string_equal(started->label, "SING 192.0.2.1:80");
	assert_int_equal(buf_len(&started->in), 1);
	tear_down();
	set_up(&sockstalk);
	say(sing4, sizeof(sing4));
	assert_null(started);
	assert_hears("\0\133\0\0\0\0\0\0", 8);
	tear_down();
	set_up(&sockstalk);
	say("GET / HTTP/1.0\r\n\r\n", 18);
	assert_null(started);
	assert_hears("", 0);
	tear_down();
}

static void
assert_hears_slowly(const void *data, size_t len)
{
	const u_char *p = data;
	u_char c;

	for (; len > 0; p++, len--) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		assert_int_equal(read(client, &c, 1), 1);
		assert_int_equal(c, *p);
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(read(client, &c, 1), -1);
}

/* Answers wait for a client that takes little, or nothing for a while. */
static void
test_slow_reader(void **state)
{
	static const u_char hello[] = { 5, 1, 0 };
	static const u_char sing[] = { 5, 3, 0, 1, 192, 0, 2, 1, 0, 80 };
	static const u_char told[] = { 5, 0, 0, 1, 192, 0, 2, 7, 0, 9 };
	struct addr bnd;
	char junk[65536];
	ssize_t n;

	addr_parse_host(&bnd, "192.0.2.7", 9);
	memset(junk, 'x', sizeof(junk));
	set_up(&sockstalk);
	most = 1;
	say(hello, sizeof(hello));
	assert_hears_slowly("\5\0", 2);
	say(sing, sizeof(sing));
	assert_int_equal(conn_tell(started, &bnd), 0);
	assert_hears_slowly(told, sizeof(told));
	most = SIZE_MAX;
	tear_down();

	set_up(&sockstalk);
	while (write(server, junk, sizeof(junk)) > 0)
		;
	say(hello, sizeof(hello));
	say(sing, sizeof(sing));
	assert_int_equal(conn_tell(started, &bnd), 0);
	assert_int_equal(buf_len(&started->out), 2 + sizeof(told));
	while ((n = read(client, junk, sizeof(junk))) > 0 && junk[0] == 'x' &&
	    junk[n - 1] == 'x')
		;
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(read(client, junk, sizeof(junk)), 2 + sizeof(told));
	assert_memory_equal(junk, "\5\0", 2);
	assert_memory_equal(junk + 2, told, sizeof(told));
	/* What is still unsent goes before a refusal. */
	most = 1;
	assert_int_equal(conn_tell(started, &bnd), 0);
	conn_refuse(started, SOCKS_REP_TTL);
	most = SIZE_MAX;
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(read(client, junk, sizeof(junk)), 20);
	assert_memory_equal(junk, told, sizeof(told));
	assert_int_equal(junk[11], SOCKS_REP_TTL);
	tear_down();
}

/* What is unsent of the first reply of two goes before the second. */
static void
test_slow_join(void **state)
{
	static const u_char told[] = { 0, 90, 0, 9, 192, 0, 2, 7 };
	struct farend_answer answer = { .result = FAREND_GRANTED };
	u_char buf[64];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    fds), 0);
	set_up(&sockstalk);
	say("\4", 1);
	started = TAILQ_FIRST(&clients.conns);
	addr_parse_host(&answer.bnd, "192.0.2.7", 9);
	answer.stream = sockstream_new(base, fds[0]);
	most = 1;
	assert_int_equal(conn_tell(started, &answer.bnd), 0);
	conn_join(started, &answer);
	most = SIZE_MAX;
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(read(client, buf, sizeof(buf)), 2 * sizeof(told));
	assert_memory_equal(buf, told, sizeof(told));
	assert_memory_equal(buf + sizeof(told), told, sizeof(told));
	tear_down();
	close(fds[1]);
}

/* Whose socket cannot be watched is let go, at any time. */
static void
test_no_watch(void **state)
{
	epoll_failures = 1;
	set_up(&letters);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_true(TAILQ_EMPTY(&clients.conns));
	assert_hears("", 0);
	tear_down();
	set_up(&letters);
	say("b", 1);
	started = TAILQ_FIRST(&clients.conns);
	started->local->ops->want(started->local, STREAM_WANT_READ);
	epoll_failures = 1;
	started->local->ops->want(started->local,
	    STREAM_WANT_READ | STREAM_WANT_WRITE);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_true(TAILQ_EMPTY(&clients.conns));
	assert_int_equal(cancelled, 1);
	tear_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_asks),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_socks),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_slow_join),
		cmocka_unit_test(test_no_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
