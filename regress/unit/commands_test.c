/* SPDX-License-Identifier: ISC */
/*
 * All commands of SOCKS, between a client and a far end that are both played
 * here: what each answer of the far end is to the client, how long a client
 * is waited for, and what is given up when it goes.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "addr.h"
#include "cliconf.h"
#include "clients.h"
#include "clock.h"
#include "commands.h"
#include "conn.h"
#include "farend.h"
#include "log.h"
#include "socks.h"
#include "sockstalk.h"
#include "starve.h"
#include "streamtest.h"

#define GREETING	"\5\1\0"

static struct event_base *base;
static struct cliconf conf;
static struct clients clients;
static struct farend farend;
static struct fake far;
static int client;		/* its end of the connection */

/* The question that is open. */
static struct farend_ask *ask;
static struct addr asked_for;
static int asked, awaited, cancelled, handed_over;

void
farend_ask(struct farend_ask *a, struct farend *f, enum socks_cmd cmd,
    const struct addr *dst, farend_cb *cb, void *arg)
{
	a->farend = f;
	a->cmd = cmd;
	a->cb = cb;
	a->arg = arg;
	asked_for = *dst;
	ask = a;
	asked++;
}

void
farend_await(struct farend_ask *a)
{
	awaited++;
}

void
farend_cancel(struct farend_ask *a)
{
	cancelled += a->farend != NULL;
	a->farend = NULL;
	if (ask == a)
		ask = NULL;
}

/* The far end answers, with that address. */
static void
answer(enum farend_result result, int rep, const char *host, uint16_t port)
{
	struct farend_ask *a = ask;
	struct farend_answer answer = {
		.result = result,
		.rep = rep,
		.stream = result == FAREND_GRANTED ? &far.stream : NULL,
		.text = "why",
		.hint = "",
	};

	assert_non_null(a);
	handed_over += answer.stream != NULL;
	if (host != NULL)
		assert_int_equal(addr_parse_host(&answer.bnd, host, port), 0);
	if (result != FAREND_BOUND)
		a->farend = NULL;
	a->cb(&answer, a->arg);
}

/* A pair of connected sockets of loopback, or of no address. */
static void
connect_pair(int family, int fds[2])
{
	struct sockaddr_storage ss = { .ss_family = (sa_family_t)family };
	socklen_t len = sizeof(ss);
	int l;

	if (family == AF_UNIX) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM |
		    SOCK_NONBLOCK, 0, fds), 0);
		return;
	}
	if (family == AF_INET6)
		((struct sockaddr_in6 *)&ss)->sin6_addr = in6addr_loopback;
	else
		((struct sockaddr_in *)&ss)->sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK);
	l = socket(family, SOCK_STREAM, 0);
	assert_int_equal(bind(l, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&ss, &len), 0);
	fds[0] = socket(family, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&ss, len), 0);
	fds[1] = accept4(l, NULL, NULL, SOCK_NONBLOCK);
	assert_int_not_equal(fds[1], -1);
	close(l);
}

static void
join(int family)
{
	int fds[2];

	connect_pair(family, fds);
	client = fds[0];
	asked = awaited = cancelled = handed_over = 0;
	ask = NULL;
	far.in_len = far.out_len = 0;
	far.in_end = far.ended = far.closed = far.error = 0;
	far.space = SPACE_ALL;
	far.stream.cb = NULL;
	conn_new(&clients, fds[1], "client");
}

static int
setup(void **state)
{
	log_init("commands_test", LOG_LEVEL_QUIET, 1);
	conf.udp_timeout = 300;
	conf.max_udp_assocs = 2;
	base = event_base_new();
	far.stream.ops = &fake_ops;
	clients_init(&clients, base, &conf, commands, &sockstalk);
	clients.farend = &farend;
	return 0;
}

static int
teardown(void **state)
{
	clients_clear(&clients);
	event_base_free(base);
	return 0;
}

static void
turn(void)
{
	int i;

	for (i = 0; i < 4; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
say(const char *data, size_t len)
{
	assert_int_equal(send(client, data, len, MSG_NOSIGNAL), len);
	turn();
}

/* A request of version 5 for an IPv4 address, after the greeting. */
static void
request(int cmd)
{
	u_char text[] = GREETING "\5\0\0\1\177\0\0\1\0\120";

	text[4] = (u_char)cmd;
	say((char *)text, sizeof(text) - 1);
}

/* A request of version 4 for 192.0.2.1, or for a name. */
static void
request4(int cmd, const char *name)
{
	u_char text[64] = { 4, (u_char)cmd, 0, 80, 192, 0, 2, 1, 'm', 0 };
	size_t len = 10;

	if (name != NULL) {
		memset(text + 4, 0, 3);
		len += strlcpy((char *)text + len, name, 50) + 1;
	}
	say((char *)text, len);
}

/* All that the client was sent, and whether that was all (-1: a reset). */
static int
heard(u_char *buf, size_t size, size_t *len)
{
	ssize_t n;

	turn();
	*len = 0;
	while ((n = recv(client, buf + *len, size - *len,
	    MSG_DONTWAIT)) > 0)
		*len += (size_t)n;
	return n == 0 ? 1 : errno == EAGAIN ? 0 : -1;
}

static void
assert_hears(const void *data, size_t len, int end)
{
	u_char buf[64];
	size_t n;

	assert_int_equal(heard(buf, sizeof(buf), &n), end);
	assert_int_equal(n, len);
	assert_memory_equal(buf, data, len);
}

/* The client goes, and then its target: nothing is left of either. */
static void
leave(void)
{
	close(client);
	turn();
	far.in_end = 1;
	if (far.stream.cb != NULL && !far.closed)
		far.stream.cb(&far.stream, STREAM_READABLE, far.stream.arg);
	assert_true(TAILQ_EMPTY(&clients.conns));
	assert_int_equal(clients.nassocs, 0);
	assert_null(ask);
}

/* Ends with a refusal of version 5. */
static void
assert_refused(int rep)
{
	u_char want[] = "\5\0\5\0\0\1\0\0\0\0\0\0";

	want[3] = (u_char)rep;
	assert_hears(want, 12, 1);
	leave();
}

static void
test_patience(void **state)
{
	join(AF_UNIX);
	say(GREETING, 3);
	clock_move(59 * CLOCK_SECOND);
	turn();
	assert_false(TAILQ_EMPTY(&clients.conns));
	clock_move(2 * CLOCK_SECOND);
	turn();
	assert_hears("\5\0", 2, 1);
	leave();
	/* Who has made its request waits for no longer than this. */
	join(AF_UNIX);
	request(SOCKS_CMD_CONNECT);
	clock_move(119 * CLOCK_SECOND);
	turn();
	assert_non_null(ask);
	clock_move(2 * CLOCK_SECOND);
	turn();
	assert_refused(SOCKS_REP_TTL);
}

static void
test_connect(void **state)
{
	join(AF_UNIX);
	request(SOCKS_CMD_CONNECT);
	say("early", 5);
	answer(FAREND_GRANTED, 0, "192.0.2.9", 99);
	assert_hears("\5\0\5\0\0\1\300\0\2\11\0\143", 12, 0);
	assert_int_equal(far.out_len, 5);
	assert_memory_equal(far.out, "early", 5);
	leave();
	assert_int_equal(far.closed, 1);
	/* Gone before there is an answer; and after half of it. */
	join(AF_INET);
	request(SOCKS_CMD_CONNECT);
	shutdown(client, SHUT_WR);
	turn();
	assert_non_null(ask);
	answer(FAREND_LOST, SOCKS_REP_GENERAL, NULL, 0);
	assert_refused(SOCKS_REP_GENERAL);
}

/* A client that sends more than is kept is not read until there is a flow. */
static void
test_early(void **state)
{
	static char much[40000];

	join(AF_UNIX);
	request(SOCKS_CMD_CONNECT);
	say(much, sizeof(much));
	say("x", 1);
	answer(FAREND_GRANTED, 0, "192.0.2.9", 99);
	turn();
	assert_int_equal(far.out_len, sizeof(much) + 1);
	leave();
}

static void
test_bind(void **state)
{
	join(AF_UNIX);
	request(SOCKS_CMD_BIND);
	answer(FAREND_BOUND, 0, "2001:db8::1", 99);
	assert_int_equal(awaited, 1);
	assert_hears("\5\0\5\0\0\4\40\1\r\270\0\0\0\0\0\0\0\0\0\0\0\1\0\143",
	    24, 0);
	say("early", 5);
	answer(FAREND_GRANTED, 0, "192.0.2.9", 99);
	assert_hears("\5\0\0\1\300\0\2\11\0\143", 10, 0);
	assert_memory_equal(far.out, "early", 5);
	leave();
	/* The client goes while nobody has come. */
	join(AF_UNIX);
	request(SOCKS_CMD_BIND);
	answer(FAREND_BOUND, 0, "192.0.2.9", 99);
	shutdown(client, SHUT_WR);
	turn();
	assert_int_equal(cancelled, 1);
	leave();
	join(AF_INET);
	request(SOCKS_CMD_BIND);
	setsockopt(client, SOL_SOCKET, SO_LINGER,
	    &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(client);
	turn();
	assert_int_equal(cancelled, 1);
	/* It goes at the moment of the first answer. */
	join(AF_UNIX);
	request(SOCKS_CMD_BIND);
	close(client);
	answer(FAREND_BOUND, 0, "192.0.2.9", 99);
	client = -1;
	leave();
}

/* Version 4 has no form for some addresses. */
static void
test_bind4(void **state)
{
	join(AF_UNIX);
	request4(SOCKS_CMD_BIND, NULL);
	answer(FAREND_BOUND, 0, "2001:db8::1", 99);
	assert_hears("\0\133\0\0\0\0\0\0", 8, 1);
	assert_int_equal(awaited, 0);
	leave();
	join(AF_UNIX);
	request4(SOCKS_CMD_BIND, NULL);
	answer(FAREND_BOUND, 0, "192.0.2.9", 99);
	assert_hears("\0\132\0\143\300\0\2\11", 8, 0);
	answer(FAREND_GRANTED, 0, "2001:db8::1", 99);
	assert_hears("\0\132\0\0\0\0\0\0", 8, 0);
	leave();
}

static void
test_resolve(void **state)
{
	join(AF_UNIX);
	request4(SOCKS_CMD_RESOLVE, "a.example");
	/* It wants an address that it can be told. */
	assert_int_equal(asked_for.port, 4);
	answer(FAREND_GRANTED, 0, "192.0.2.9", 7);
	assert_int_equal(far.closed, 1);
	assert_hears("\0\132\0\0\300\0\2\11", 8, 1);
	leave();
	join(AF_UNIX);
	request4(SOCKS_CMD_RESOLVE, "a.example");
	answer(FAREND_GRANTED, 0, "2001:db8::1", 0);
	assert_hears("\0\133\0\0\0\0\0\0", 8, 1);
	leave();
	/* An answer of the wrong kind. */
	join(AF_UNIX);
	request4(SOCKS_CMD_RESOLVE, "a.example");
	answer(FAREND_GRANTED, 0, "b.example", 0);
	assert_hears("\0\133\0\0\0\0\0\0", 8, 1);
	leave();
	join(AF_UNIX);
	request(SOCKS_CMD_RESOLVE_PTR);
	answer(FAREND_GRANTED, 0, "192.0.2.9", 0);
	assert_refused(SOCKS_REP_GENERAL);
	join(AF_UNIX);
	request(SOCKS_CMD_RESOLVE_PTR);
	answer(FAREND_GRANTED, 0, "b", 0);
	assert_hears("\5\0\5\0\0\3\1b\0\0", 10, 1);
	leave();
	/* What need not be asked, and what cannot. */
	join(AF_UNIX);
	request(SOCKS_CMD_RESOLVE);
	assert_hears("\5\0\5\0\0\1\177\0\0\1\0\0", 12, 1);
	leave();
	join(AF_UNIX);
	say(GREETING "\5\361\0\3\1a\0\0", 11);
	assert_refused(SOCKS_REP_ATYP);
	assert_int_equal(asked, 0);
}

/* Where the relay port of an association is, by a reply of version 5. */
static void
relay_address(int family, struct sockaddr_storage *ss, socklen_t *len)
{
	struct addr a;
	u_char buf[64];
	size_t n, at = 6;

	assert_int_equal(heard(buf, sizeof(buf), &n), 0);
	assert_int_equal(n, family == AF_INET6 ? 24 : 12);
	assert_memory_equal(buf, "\5\0\5\0\0", 5);
	memset(&a, 0, sizeof(a));
	a.type = family == AF_INET6 ? ADDR_IPV6 : ADDR_IPV4;
	memcpy(&a.u, buf + at, family == AF_INET6 ? 16 : 4);
	a.port = (uint16_t)(buf[n - 2] << 8 | buf[n - 1]);
	assert_int_equal(addr_to_sockaddr(&a, ss, len), 0);
}

/* An association of a client that came over that family. */
static int
associate(int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	join(family);
	say(GREETING "\5\3\0\1\0\0\0\0\0\0", 13);
	assert_int_equal(clients.nassocs, 1);
	answer(FAREND_GRANTED, 0, "192.0.2.9", 99);
	relay_address(family, &ss, &len);
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

static void
far_says(const char *frame, size_t len)
{
	memcpy(far.in, frame, len);
	far.in_len = len;
	far.stream.cb(&far.stream, STREAM_READABLE, far.stream.arg);
	turn();
}

static void
test_udp(void **state)
{
	static const int families[] = { AF_INET, AF_INET6, AF_UNIX };
	static const char datagram[] = "\0\0\0\1\300\0\2\11\0\065hello";
	static const char frame[] = "\0\5\0\1\300\0\2\11\0\065hello";
	char buf[64];
	size_t i;
	int fd;

	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		fd = associate(families[i]);
		/* Nobody is known yet to whom this could go. */
		far_says(frame, sizeof(frame) - 1);
		assert_int_equal(read(fd, buf, sizeof(buf)), -1);
		assert_int_equal(write(fd, datagram, 15), 15);
		turn();
		assert_int_equal(far.out_len, 15);
		assert_memory_equal(far.out, frame, 15);
		far_says(frame, sizeof(frame) - 1);
		assert_int_equal(read(fd, buf, sizeof(buf)), 15);
		assert_memory_equal(buf, datagram, 15);
		/* What the client says on its connection is nothing. */
		say("noise", 5);
		assert_hears("", 0, 0);
		close(fd);
		leave();
		assert_int_equal(far.closed, 1);
	}
}

/* An association ends with the link, and with its time; or has no end. */
static void
test_udp_ends(void **state)
{
	int fd, i;

	fd = associate(AF_INET);
	far.in_end = 1;
	far.stream.cb(&far.stream, STREAM_READABLE, far.stream.arg);
	turn();
	assert_hears("", 0, 1);
	close(fd);
	leave();
	for (conf.udp_timeout = 300; conf.udp_timeout >= 0;
	    conf.udp_timeout -= 300) {
		fd = associate(AF_INET);
		for (i = 0; i < 100; i++) {
			clock_move(2 * CLOCK_SECOND);
			turn();
		}
		assert_hears("", 0, 0);
		for (i = 0; i < 100; i++) {
			clock_move(2 * CLOCK_SECOND);
			turn();
		}
		assert_hears("", 0, conf.udp_timeout > 0);
		close(fd);
		leave();
	}
	conf.udp_timeout = 300;
	join(AF_INET);
	request(SOCKS_CMD_UDP);
	answer(FAREND_LOST, SOCKS_REP_GENERAL, NULL, 0);
	assert_refused(SOCKS_REP_GENERAL);
	conf.max_udp_assocs = 0;
	join(AF_INET);
	request(SOCKS_CMD_UDP);
	assert_refused(SOCKS_REP_GENERAL);
	conf.max_udp_assocs = 2;
}

/*
 * Without memory a request is served or refused or its connection closed, but
 * not left waiting, and nothing is left of it.
 */
static void
starve_command(int cmd, int family)
{
	u_char buf[64];
	size_t len;
	int n, end;

	for (n = 1; n == 1 || starved(); n++) {
		free(clients.datagram);
		clients.datagram = NULL;
		starve(n);
		join(family);
		if (!TAILQ_EMPTY(&clients.conns))
			request(cmd);
		if (ask != NULL && cmd == SOCKS_CMD_BIND)
			answer(FAREND_BOUND, 0, "192.0.2.9", 99);
		if (ask != NULL)
			answer(FAREND_GRANTED, 0, "192.0.2.9", 99);
		turn();
		starve(0);
		end = heard(buf, sizeof(buf), &len);
		if (len <= 4 || buf[3] != 0) {
			assert_true(starved());
			assert_int_not_equal(end, 0);
		}
		leave();
		assert_int_equal(far.closed, handed_over);
	}
	assert_true(n > 2);
}

static void
test_starved(void **state)
{
	starve_command(SOCKS_CMD_CONNECT, AF_UNIX);
	starve_command(SOCKS_CMD_UDP, AF_INET);
	starve_command(SOCKS_CMD_BIND, AF_UNIX);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_patience), TEST(test_connect), TEST(test_early),
		TEST(test_bind), TEST(test_bind4), TEST(test_resolve),
		TEST(test_udp), TEST(test_udp_ends), TEST(test_starved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
