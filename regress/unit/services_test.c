/* SPDX-License-Identifier: ISC */
/*
 * CONNECT, BIND, RESOLVE and RESOLVE_PTR as their owner sees them: what is
 * told, with which code, and that nothing is left of what is given up.
 */
#include "servtest.h"

#include "clock.h"
#include "socks.h"
#include "starve.h"

static struct service_reply got;
static struct addr got_bound;
static int done, bound;
static struct service *current;

static void
bound_cb(struct service *sv, const struct addr *a)
{
	assert_ptr_equal(sv, current);
	got_bound = *a;
	bound++;
}

static int
link_cb(struct service *sv, const struct addr *a, struct service_link *link)
{
	errno = EPIPE;
	return -1;
}

static void
done_cb(struct service *sv, const struct service_reply *r)
{
	assert_ptr_equal(sv->arg, &got);
	got = *r;
	done++;
}

static const struct service_ops ops = {
	.bound = bound_cb,
	.link = link_cb,
	.done = done_cb,
};

static void
start(int cmd, const char *host, uint16_t port)
{
	struct addr dst = address(host, port);

	done = bound = 0;
	memset(&got, 0, sizeof(got));
	got.fd = -1;
	current = service_new(&env, cmd, &dst, &ops, &got);
	assert_non_null(current);
	service_start(current, 0);
}

/* Asks and wants this reply. */
static void
expect(int cmd, const char *host, uint16_t port, enum socks_rep rep)
{
	start(cmd, host, port);
	run_until(&done);
	assert_int_equal(done, 1);
	if (got.rep != rep)
		fail_msg("%s:%u: %d (%s)", host, port, got.rep, got.reason);
	if (rep != SOCKS_REP_OK)
		assert_int_equal(got.fd, -1);
	assert_true(TAILQ_EMPTY(&env.list));
}

static void
expect_answer(int cmd, const char *host, uint16_t port, const char *answer)
{
	struct addr a = address(answer, 0);

	expect(cmd, host, port, SOCKS_REP_OK);
	assert_int_equal(got.fd, -1);
	assert_true(addr_equal(&got.bnd, &a));
}

static int
setup(void **state)
{
	env_setup();
	return 0;
}

static int
teardown(void **state)
{
	env_teardown();
	return 0;
}

static void
test_unknown(void **state)
{
	struct addr dst = address("127.0.0.1", 1);

	assert_null(service_new(&env, 9, &dst, &ops, &got));
	assert_int_equal(errno, EINVAL);
	assert_true(TAILQ_EMPTY(&env.list));
}

static void
test_connect(void **state)
{
	uint16_t port;
	int fd = loopback_socket(SOCK_STREAM, &port);

	expect(SOCKS_CMD_CONNECT, "127.0.0.1", port, SOCKS_REP_REFUSED);
	assert_int_equal(listen(fd, 5), 0);
	expect(SOCKS_CMD_CONNECT, "name.example", port, SOCKS_REP_OK);
	assert_int_equal(got.bnd.type, ADDR_IPV4);
	assert_int_not_equal(got.fd, -1);
	close(got.fd);
	expect(SOCKS_CMD_CONNECT, "fail", port, SOCKS_REP_HOST);
	expect(SOCKS_CMD_CONNECT, "hang", port, SOCKS_REP_HOST);
	expect(SOCKS_CMD_CONNECT, "127.0.0.1", 0, SOCKS_REP_GENERAL);
	permit("127.0.0.1:1");
	expect(SOCKS_CMD_CONNECT, "127.0.0.1", port, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_CONNECT, "name.example", port, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_CONNECT, "other", 1, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_CONNECT, "name.example", 1, SOCKS_REP_REFUSED);
	close(fd);
}

static void
test_resolve(void **state)
{
	expect_answer(SOCKS_CMD_RESOLVE, "name.example", 0, "127.0.0.1");
	expect_answer(SOCKS_CMD_RESOLVE, "name.example", 4, "127.0.0.1");
	expect_answer(SOCKS_CMD_RESOLVE, "name.example", 6, "::1");
	expect_answer(SOCKS_CMD_RESOLVE, "192.0.2.7", 6, "192.0.2.7");
	expect_answer(SOCKS_CMD_RESOLVE, "2001:db8::7", 4, "2001:db8::7");
	expect(SOCKS_CMD_RESOLVE, "fail", 0, SOCKS_REP_HOST);
	expect(SOCKS_CMD_RESOLVE, "hang", 0, SOCKS_REP_HOST);
	assert_string_equal(got.reason, "name resolution timed out");
}

static void
test_resolve_rules(void **state)
{
	permit("*.example:80");
	expect_answer(SOCKS_CMD_RESOLVE, "name.example", 0, "127.0.0.1");
	expect(SOCKS_CMD_RESOLVE, "name.net", 0, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_RESOLVE_PTR, "127.0.0.1", 0, SOCKS_REP_RULESET);
	permit("127.0.0.1:80");
	expect_answer(SOCKS_CMD_RESOLVE, "name.net", 0, "127.0.0.1");
	expect(SOCKS_CMD_RESOLVE, "other", 0, SOCKS_REP_RULESET);
	expect_answer(SOCKS_CMD_RESOLVE_PTR, "127.0.0.1", 0, "host.example");
	destrules_clear(&rules);
	destrules_init(&rules, 1);
	expect(SOCKS_CMD_RESOLVE, "name.net", 0, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_RESOLVE_PTR, "127.0.0.1", 0, SOCKS_REP_RULESET);
}

static void
test_resolve_ptr(void **state)
{
	expect_answer(SOCKS_CMD_RESOLVE_PTR, "127.0.0.1", 0, "host.example");
	expect_answer(SOCKS_CMD_RESOLVE_PTR, "::ffff:127.0.0.1", 0,
	    "host.example");
	expect(SOCKS_CMD_RESOLVE_PTR, "127.0.0.2", 0, SOCKS_REP_HOST);
	expect(SOCKS_CMD_RESOLVE_PTR, "::1", 0, SOCKS_REP_HOST);
	/* A name that would be taken for an address is none. */
	expect(SOCKS_CMD_RESOLVE_PTR, "127.0.0.9", 0, SOCKS_REP_HOST);
	expect(SOCKS_CMD_RESOLVE_PTR, "name.example", 0, SOCKS_REP_ATYP);
}

/* A BIND that waits. */
static void
start_bind(const char *host, uint16_t port)
{
	start(SOCKS_CMD_BIND, host, port);
	run_until(&bound);
	assert_int_equal(done, 0);
	assert_int_not_equal(got_bound.port, 0);
}

static void
test_bind(void **state)
{
	struct addr where;
	int peer;
	char c;

	start_bind("127.0.0.1", 7);
	where = address("127.0.0.1", got_bound.port);
	assert_true(addr_equal(&got_bound, &where));
	assert_int_not_equal(where.port, 7);
	peer = connect_from("127.0.0.1", &where);
	run_until(&done);
	assert_int_equal(got.rep, SOCKS_REP_OK);
	assert_int_equal(bound, 1);
	/* The socket is that of the peer, and nobody listens any more. */
	assert_int_equal(write(peer, "x", 1), 1);
	assert_int_equal(read(got.fd, &c, 1), 1);
	assert_int_equal(connect_from("127.0.0.1", &where), -1);
	/* As no flow has ended as it should. */
	close(got.fd);
	assert_int_equal(read(peer, &c, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(peer);
}

static void
test_bind_strangers(void **state)
{
	struct addr where;
	int peer, wrong;
	char c;

	start_bind("other", 0);
	where = got_bound;
	wrong = connect_from("127.0.0.3", &where);
	run_for(100);
	assert_int_equal(done, 0);
	if (wrong != -1) {
		assert_int_equal(read(wrong, &c, 1), -1);
		assert_int_equal(errno, ECONNRESET);
		close(wrong);
	}
	peer = connect_from("127.0.0.2", &where);
	run_until(&done);
	assert_int_equal(got.rep, SOCKS_REP_OK);
	close(got.fd);
	close(peer);
}

static void
test_bind_anybody(void **state)
{
	uint16_t port, busy;
	int fd = loopback_socket(SOCK_STREAM, &busy), peer;

	/* A port that was free a moment ago can be had. */
	close(loopback_socket(SOCK_STREAM, &port));
	env.gateway = 0;
	start_bind("0.0.0.0", port);
	assert_int_equal(got_bound.port, port);
	assert_int_equal(got_bound.u.v4.s_addr, htonl(INADDR_LOOPBACK));
	peer = connect_from("127.0.0.5", &got_bound);
	run_until(&done);
	assert_int_equal(got.rep, SOCKS_REP_OK);
	close(got.fd);
	close(peer);
	/* One that is not, cannot: any other. */
	assert_int_equal(listen(fd, 1), 0);
	start_bind("0.0.0.0", busy);
	assert_int_not_equal(got_bound.port, busy);
	service_cancel(current);
	assert_int_equal(connect_from("127.0.0.1", &got_bound), -1);
	/* Never the wildcard. */
	env.gateway = 1;
	start_bind("0.0.0.0", 0);
	assert_int_not_equal(got_bound.u.v4.s_addr, INADDR_ANY);
	service_cancel(current);
	close(fd);
}

static void
test_bind_rules(void **state)
{
	permit("127.0.0.1:80");
	expect(SOCKS_CMD_BIND, "127.0.0.2", 80, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_BIND, "other", 80, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_BIND, "0.0.0.0", 80, SOCKS_REP_RULESET);
	expect(SOCKS_CMD_BIND, "::", 0, SOCKS_REP_RULESET);
	start_bind("name.example", 0);
	service_cancel(current);
	start_bind("127.0.0.1", 12345);
	service_cancel(current);
	permit("*:80");
	start_bind("0.0.0.0", 0);
	service_cancel(current);
	expect(SOCKS_CMD_BIND, "fail", 80, SOCKS_REP_HOST);
	destrules_clear(&rules);
	destrules_init(&rules, 1);
	expect(SOCKS_CMD_BIND, "127.0.0.1", 80, SOCKS_REP_RULESET);
}

/* No service is left with something under way. */
static void
test_cancel(void **state)
{
	start(SOCKS_CMD_RESOLVE, "hang", 0);
	service_cancel(current);
	start(SOCKS_CMD_RESOLVE_PTR, "127.0.0.1", 0);
	service_cancel(current);
	start(SOCKS_CMD_CONNECT, "hang", 80);
	service_cancel(current);
	start(SOCKS_CMD_BIND, "hang", 80);
	service_cancel(current);
	run_for(50);
	assert_int_equal(done, 0);
	start(SOCKS_CMD_BIND, "hang", 80);
	start(SOCKS_CMD_CONNECT, "hang", 80);
	/* teardown gives these up. */
}

/* Is refused with this reply after so many seconds, and not before. */
static void
expect_late(const int *begun, int seconds, enum socks_rep rep,
    const char *reason)
{
	if (begun != NULL)
		run_until(begun);
	run_for(20);
	clock_move((seconds - 1) * CLOCK_SECOND);
	run_for(20);
	assert_int_equal(done, 0);
	clock_move(2 * CLOCK_SECOND);
	run_until(&done);
	assert_int_equal(got.rep, rep);
	assert_string_equal(got.reason, reason);
	assert_int_equal(got.fd, -1);
	assert_true(TAILQ_EMPTY(&env.list));
}

static void
test_deadlines(void **state)
{
	struct addr full;
	uint16_t port;
	int fd = loopback_socket(SOCK_STREAM, &port), first;

	env.dial_timeout = 30;
	start(SOCKS_CMD_BIND, "127.0.0.1", 0);
	expect_late(&bound, 120, SOCKS_REP_TTL, "nobody came in time");
	assert_int_equal(connect_from("127.0.0.1", &got_bound), -1);
	start(SOCKS_CMD_RESOLVE, "hang", 0);
	expect_late(NULL, 30, SOCKS_REP_HOST, "name resolution timed out");
	start(SOCKS_CMD_RESOLVE_PTR, "127.0.0.8", 0);
	expect_late(NULL, 30, SOCKS_REP_HOST, "name resolution timed out");
	/* A listener whose queue is full does not answer. */
	assert_int_equal(listen(fd, 0), 0);
	full = address("127.0.0.1", port);
	first = connect_from("127.0.0.1", &full);
	start(SOCKS_CMD_CONNECT, "127.0.0.1", port);
	expect_late(NULL, 30, SOCKS_REP_TTL, strerror(ETIMEDOUT));
	close(first);
	close(fd);
}

/* Without memory it is refused, and nothing is left of it. */
static void
starve_service(int cmd, const char *host, uint16_t port)
{
	struct addr dst = address(host, port);
	int n;

	for (n = 1; n == 1 || starved(); n++) {
		done = bound = 0;
		memset(&got, 0, sizeof(got));
		got.fd = -1;
		starve(n);
		current = service_new(&env, cmd, &dst, &ops, &got);
		if (current == NULL) {
			assert_true(starved());
			continue;
		}
		service_start(current, 0);
		while (!done && !bound)
			event_base_loop(env.base, EVLOOP_ONCE);
		starve(0);
		if (!done)
			service_cancel(current);
		else if (got.rep != SOCKS_REP_OK)
			assert_true(starved());
		if (got.fd != -1)
			close(got.fd);
		assert_true(TAILQ_EMPTY(&env.list));
	}
	assert_true(n > 2);
}

static void
test_starved(void **state)
{
	uint16_t port;
	int fd = loopback_socket(SOCK_STREAM, &port);

	assert_int_equal(listen(fd, 50), 0);
	starve_service(SOCKS_CMD_CONNECT, "name.example", port);
	starve_service(SOCKS_CMD_CONNECT, "127.0.0.1", port);
	starve_service(SOCKS_CMD_RESOLVE, "name.example", 0);
	starve_service(SOCKS_CMD_RESOLVE_PTR, "127.0.0.1", 0);
	starve_service(SOCKS_CMD_BIND, "name.example", 0);
	starve_service(SOCKS_CMD_BIND, "0.0.0.0", 0);
	close(fd);
}

/* An owner that has no stream for it, and the limit of associations. */
static void
test_udp_refused(void **state)
{
	expect(SOCKS_CMD_UDP, "0.0.0.0", 0, SOCKS_REP_GENERAL);
	assert_int_equal(env.nudp, 0);
	env.max_udp = 0;
	expect(SOCKS_CMD_UDP, "0.0.0.0", 0, SOCKS_REP_GENERAL);
	assert_string_equal(got.reason,
	    "too many associations (MaxUDPAssociations)");
	permit("none");
	expect(SOCKS_CMD_UDP, "0.0.0.0", 0, SOCKS_REP_RULESET);
	destrules_clear(&rules);
	destrules_init(&rules, 1);
	expect(SOCKS_CMD_UDP, "0.0.0.0", 0, SOCKS_REP_RULESET);
}

static void
count_sink(enum log_level level, const char *text, void *arg)
{
	const char want[] = "connect for alice from 192.0.2.1 port 5: "
	    "127.0.0.1:80 refused: ";

	(*(int *)arg)++;
	assert_memory_equal(text, want, sizeof(want) - 1);
}

/* A client that is refused as often as it can does not fill the log. */
static void
test_refused_lines(void **state)
{
	int i, lines = 0;

	env.from = "192.0.2.1 port 5";
	permit("none");
	log_set_level(LOG_LEVEL_INFO);
	log_set_sink(count_sink, &lines);
	for (i = 0; i < 100; i++)
		expect(SOCKS_CMD_CONNECT, "127.0.0.1", 80, SOCKS_REP_RULESET);
	log_set_sink(NULL, NULL);
	log_set_level(LOG_LEVEL_QUIET);
	assert_in_range(lines, LOG_PEER_LINES, 2 * LOG_PEER_LINES);
}

#define T(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_unknown), T(test_connect), T(test_resolve),
		T(test_resolve_rules), T(test_resolve_ptr), T(test_bind),
		T(test_bind_strangers), T(test_bind_anybody),
		T(test_bind_rules), T(test_cancel), T(test_udp_refused),
		T(test_refused_lines), T(test_deadlines), T(test_starved)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
