/* SPDX-License-Identifier: ISC */
/* One UDP association: frames on a pair of sockets, datagrams on loopback. */
#include "servtest.h"

#include "monotime.h"
#include "socks.h"
#include "socksudp.h"
#include "starve.h"
#include "stream.h"

int64_t	__real_monotime_ns(void);
int64_t	__wrap_monotime_ns(void);
int	__real_socket(int, int, int);
int	__wrap_socket(int, int, int);

static int near, done, linked;
static struct service_reply got;
static struct service *current;
static struct addr bound;
static u_char early[1024];
static size_t early_len;
static int64_t later;		/* ns that the clock is put forward */
static int no_ipv6;

int64_t
__wrap_monotime_ns(void)
{
	return __real_monotime_ns() + later;
}

int
__wrap_socket(int family, int type, int protocol)
{
	if (family == AF_INET6 && no_ipv6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return __real_socket(family, type, protocol);
}

static int
link_cb(struct service *sv, const struct addr *a, struct service_link *link)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, fd), 0);
	if ((link->stream = sockstream_new(env.base, fd[0])) == NULL) {
		close(fd[0]);
		close(fd[1]);
		return -1;
	}
	near = fd[1];
	link->early = early;
	link->len = early_len;
	bound = *a;
	linked = 1;
	return 0;
}

static void
done_cb(struct service *sv, const struct service_reply *r)
{
	got = *r;
	done = 1;
}

static const struct service_ops ops = { .link = link_cb, .done = done_cb };

static void
associate(void)
{
	struct addr any = address("0.0.0.0", 0);

	done = linked = 0;
	current = service_new(&env, SOCKS_CMD_UDP, &any, &ops, NULL);
	assert_non_null(current);
	service_start(current, 0);
	assert_int_equal(linked, 1);
	assert_int_not_equal(bound.port, 0);
}

static int
setup(void **state)
{
	env_setup();
	near = -1;
	early_len = 0;
	later = 0;
	__atomic_store_n(&failing, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&lookups, 0, __ATOMIC_SEQ_CST);
	return 0;
}

static int
teardown(void **state)
{
	if (near != -1)
		close(near);
	env_teardown();
	return 0;
}

static size_t
make_frame(u_char *p, size_t size, const char *host, uint16_t port,
    const char *text)
{
	struct addr a = address(host, port);
	size_t n = socksudp_encode_header(p, size, (uint16_t)strlen(text), &a);

	assert_int_not_equal(n, 0);
	memcpy(p + n, text, strlen(text));
	return n + strlen(text);
}

static void
send_to(const char *host, uint16_t port, const char *text)
{
	u_char frame[1024];
	size_t n = make_frame(frame, sizeof(frame), host, port, text);

	assert_int_equal(write(near, frame, n), n);
}

static void
expect_datagram(int fd, const char *text)
{
	char buf[1024];
	ssize_t n;

	assert_true((n = recv(fd, buf, sizeof(buf) - 1, 0)) >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static void
expect_nothing(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
}

static void
expect_frame(const char *host, uint16_t port, const char *text)
{
	struct addr from = address(host, port);
	struct socksudp d;
	u_char buf[1024];
	ssize_t n;

	run_for(50);
	assert_true((n = recv(near, buf, sizeof(buf), MSG_DONTWAIT)) > 0);
	assert_int_equal(socksudp_decode_frame(&d, buf, (size_t)n), n);
	assert_true(addr_equal(&d.addr, &from));
	assert_int_equal(d.len, strlen(text));
	assert_memory_equal(d.data, text, d.len);
}

static void
test_both_ways(void **state)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	uint16_t a_port, b_port;
	int a = loopback_socket(SOCK_DGRAM, &a_port);
	int b = loopback_socket(SOCK_DGRAM, &b_port);

	associate();
	send_to("127.0.0.1", a_port, "one");
	send_to("::ffff:127.0.0.1", a_port, "two");
	send_to("name.example", a_port, "three");
	send_to("127.0.0.1", 0, "nowhere");
	run_for(50);
	expect_datagram(a, "one");
	expect_datagram(a, "two");
	expect_datagram(a, "three");
	/* From a source that nothing was sent to, and an empty one. */
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(bound.port);
	assert_int_equal(sendto(b, "hi", 2, 0, (struct sockaddr *)&sin,
	    sizeof(sin)), 2);
	expect_frame("127.0.0.1", b_port, "hi");
	assert_int_equal(sendto(b, "", 0, 0, (struct sockaddr *)&sin,
	    sizeof(sin)), 0);
	expect_frame("127.0.0.1", b_port, "");
	/* Its end, with the last frame before it. */
	send_to("127.0.0.1", a_port, "last");
	shutdown(near, SHUT_WR);
	run_until(&done);
	assert_int_equal(got.rep, SOCKS_REP_OK);
	expect_datagram(a, "last");
	assert_int_equal(env.nudp, 0);
	close(a);
	close(b);
}

static void
test_early(void **state)
{
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port);

	early_len = make_frame(early, sizeof(early), "127.0.0.1", port, "a");
	early_len += make_frame(early + early_len, sizeof(early) - early_len,
	    "127.0.0.1", port, "b");
	associate();
	run_for(50);
	expect_datagram(fd, "a");
	expect_datagram(fd, "b");
	close(fd);
}

static void
test_malformed(void **state)
{
	associate();
	assert_int_equal(write(near, "\0\1\1\1\177\0\0\1\0\11x", 11), 11);
	run_until(&done);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	close(near);
	near = -1;
	memcpy(early, "\0\1\0\2", 4);
	early_len = 4;
	associate();
	run_until(&done);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
}

/* Names are looked up once; what waits is sent in order; failures are kept. */
static void
test_names(void **state)
{
	char text[16];
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port), i;

	associate();
	for (i = 0; i < 80; i++) {
		snprintf(text, sizeof(text), "%d", i);
		send_to("name.example", port, text);
	}
	send_to("NAME.example", port, "case");
	run_for(100);
	/* 64 may wait. */
	for (i = 0; i < 64; i++) {
		snprintf(text, sizeof(text), "%d", i);
		expect_datagram(fd, text);
	}
	expect_nothing(fd);
	assert_int_equal(lookups, 1);
	send_to("name.example", port, "more");
	run_for(50);
	expect_datagram(fd, "more");
	for (i = 0; i < 3; i++)
		send_to("fail", port, "lost");
	run_for(50);
	send_to("fail", port, "lost too");
	run_for(50);
	expect_nothing(fd);
	assert_int_equal(lookups, 2);
	/* One that hangs delays nobody. */
	send_to("hang", port, "late");
	send_to("name.example", port, "soon");
	run_for(50);
	expect_datagram(fd, "soon");
	run_for(1200);
	expect_nothing(fd);
	close(fd);
}

/*
 * A name is asked again after a minute.  Its address outlives a name server
 * that fails, but not the rules.
 */
static void
test_refresh(void **state)
{
	char rule[64];
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port);

	associate();
	send_to("name.example", port, "first");
	run_for(50);
	expect_datagram(fd, "first");
	__atomic_store_n(&failing, 1, __ATOMIC_SEQ_CST);
	later = 61 * MONOTIME_SECOND;
	send_to("name.example", port, "asks again");
	run_for(50);
	assert_int_equal(lookups, 2);
	send_to("name.example", port, "stays");
	run_for(50);
	expect_datagram(fd, "asks again");
	expect_datagram(fd, "stays");
	assert_int_equal(lookups, 2);
	later = 67 * MONOTIME_SECOND;
	__atomic_store_n(&failing, 0, __ATOMIC_SEQ_CST);
	send_to("name.example", port, "recovers");
	run_for(50);
	expect_datagram(fd, "recovers");
	assert_int_equal(lookups, 3);
	/* Its address is forbidden when it is asked for the next time. */
	snprintf(rule, sizeof(rule), "127.0.0.9:%u", port);
	permit(rule);
	later = 130 * MONOTIME_SECOND;
	send_to("name.example", port, "the last");
	run_for(50);
	expect_datagram(fd, "the last");
	send_to("name.example", port, "no");
	run_for(50);
	expect_nothing(fd);
	assert_int_equal(lookups, 4);
	close(fd);
}

/* More names than are kept: the oldest go, and come back. */
static void
test_many_names(void **state)
{
	char name[32];
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port), i;

	associate();
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		send_to(name, port, "x");
		run_for(2);
	}
	run_for(100);
	for (i = 0; i < 300; i++)
		expect_datagram(fd, "x");
	assert_int_equal(lookups, 300);
	send_to("n299.example", port, "kept");
	send_to("n0.example", port, "again");
	run_for(50);
	expect_datagram(fd, "kept");
	expect_datagram(fd, "again");
	assert_int_equal(lookups, 301);
	close(fd);
}

static void
test_rules(void **state)
{
	char rule[64];
	uint16_t good, bad;
	int a = loopback_socket(SOCK_DGRAM, &good);
	int b = loopback_socket(SOCK_DGRAM, &bad);

	snprintf(rule, sizeof(rule), "127.0.0.1:%u", good);
	permit(rule);
	associate();
	send_to("127.0.0.1", bad, "no");
	send_to("127.0.0.1", bad, "no");
	send_to("name.example", bad, "no");
	send_to("other", good, "no");
	send_to("127.0.0.1", good, "yes");
	send_to("127.0.0.1", good, "yes");
	run_for(50);
	send_to("name.example", good, "by name");
	run_for(50);
	expect_datagram(a, "yes");
	expect_datagram(a, "yes");
	expect_datagram(a, "by name");
	expect_nothing(a);
	expect_nothing(b);
	/* The other port has no rule, so that nothing was looked up for it. */
	assert_int_equal(lookups, 2);
	close(a);
	close(b);
}

static void
test_idle(void **state)
{
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port);

	env.udp_timeout = 1;
	associate();
	run_for(600);
	send_to("127.0.0.1", port, "alive");
	run_for(600);
	assert_int_equal(done, 0);
	run_until(&done);
	assert_string_equal(got.reason, "idle");
	assert_int_equal(got.rep, SOCKS_REP_OK);
	close(fd);
}

/* A host without IPv6 has associations all the same. */
static void
test_no_ipv6(void **state)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port);
	char buf[16];

	no_ipv6 = 1;
	associate();
	no_ipv6 = 0;
	assert_int_equal(bound.type, ADDR_IPV4);
	send_to("::1", port, "nowhere");
	send_to("127.0.0.1", port, "hello");
	run_for(20);
	assert_int_equal(recvfrom(fd, buf, sizeof(buf), 0,
	    (struct sockaddr *)&sin, &len), 5);
	assert_int_equal(sendto(fd, "back", 4, 0, (struct sockaddr *)&sin,
	    len), 4);
	run_for(20);
	assert_int_equal(read(near, buf, sizeof(buf)), 14);
	assert_memory_equal(buf + 10, "back", 4);
	close(fd);
}

/* Without memory it is refused or ends, and nothing is left of it. */
static void
test_starved(void **state)
{
	struct addr any = address("0.0.0.0", 0);
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port), n;
	char buf[16];

	env.udp_timeout = 100;
	for (n = 1; n == 1 || starved(); n++) {
		done = linked = 0;
		starve(n);
		current = service_new(&env, SOCKS_CMD_UDP, &any, &ops, NULL);
		if (current == NULL)
			continue;
		service_start(current, 0);
		if (!done && linked)
			send_to("name", port, "hello");
		run_for(20);
		starve(0);
		if (!starved())
			assert_int_equal(read(fd, buf, sizeof(buf)), 5);
		if (done)
			assert_true(starved());
		else
			service_cancel(current);
		if (linked)
			close(near);
		near = -1;
		assert_int_equal(env.nudp, 0);
	}
	assert_true(n > 4);
	close(fd);
}

static void
test_limit(void **state)
{
	struct addr any = address("0.0.0.0", 0);
	struct service *sv;
	int first;

	associate();
	first = near;
	associate();
	linked = 0;
	sv = service_new(&env, SOCKS_CMD_UDP, &any, &ops, NULL);
	service_start(sv, 0);
	assert_int_equal(linked, 0);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	done = 0;
	close(first);
	run_until(&done);
	close(near);
	associate();
}

/* Floods an association that nobody reads: how many datagrams are kept? */
static size_t
flood(int fd, size_t n)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	static u_char data[4000], in[2 * SOCKSUDP_FRAME_MAX];
	size_t i, kept = 0, len = 0;
	struct socksudp d;
	ssize_t r;

	associate();
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(bound.port);
	for (i = 1; i <= n; i++) {
		memcpy(data, &i, sizeof(i));
		assert_int_equal(sendto(fd, data, sizeof(data), 0,
		    (struct sockaddr *)&sin, sizeof(sin)), sizeof(data));
		run_for(1);
	}
	for (i = 0; i < n;) {
		run_for(1);
		assert_true((r = recv(near, in + len, sizeof(in) - len,
		    MSG_DONTWAIT)) > 0);
		len += (size_t)r;
		while ((r = socksudp_decode_frame(&d, in, len)) > 0) {
			memcpy(&i, d.data, sizeof(i));
			kept++;
			len -= (size_t)r;
			memmove(in, in + r, len);
		}
	}
	close(near);
	near = -1;
	run_until(&done);
	return kept;
}

/* What waits is a megabyte, of one among many less; the newest is kept. */
static void
test_queue(void **state)
{
	uint16_t port;
	int fd = loopback_socket(SOCK_DGRAM, &port);

	assert_true(flood(fd, 250) == 250);
	env.max_udp = 1024;
	env.nudp = 1000;
	assert_true(flood(fd, 250) < 150);
	env.nudp -= 1000;
	close(fd);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_both_ways), T(test_early), T(test_malformed),
		T(test_names), T(test_refresh), T(test_many_names),
		T(test_rules), T(test_idle), T(test_limit), T(test_queue),
		T(test_no_ipv6), T(test_starved)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
