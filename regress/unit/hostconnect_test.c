/* SPDX-License-Identifier: ISC */
/*
 * The way to a TCP connection with the host: attempts and how far apart they
 * are, how long each may take, and BindAddress, by a clock that is moved.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>

#include "cliconf.h"
#include "clock.h"
#include "congestion.h"
#include "hostconnect.h"
#include "log.h"
#include "resolver.h"

int	__real_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
int	__wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);

static struct event_base *base;
static struct resolver *resolver;
static struct cliconf conf;
static struct hostconnect *r;
static int listener, filler, fd, why, calls;
static char name[] = "127.0.0.1", other[] = "127.0.0.9", six[] = "::1";
static char local[] = "localhost";
static char reno[] = "reno", *algorithms[] = { reno };
static char nowhere[] = "no.where", broken[] = "broken";

int
__wrap_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **res)
{
	if (strcmp(host, nowhere) == 0)
		return EAI_NONAME;
	if (strcmp(host, broken) == 0) {
		errno = EMFILE;
		return EAI_SYSTEM;
	}
	return __real_getaddrinfo(host, port, hints, res);
}

static void
done_cb(int got, int error, void *arg)
{
	fd = got;
	why = error;
	r = NULL;
	calls++;
}

/* A listener on loopback, or a port that refuses. */
static void
listen_at(int backlog)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sin,
	    &len), 0);
	conf.port = ntohs(sin.sin_port);
	if (backlog < 0)
		return;
	assert_int_equal(listen(listener, backlog), 0);
	if (backlog > 0)
		return;
	/* Nobody else is answered any more. */
	filler = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(filler, (struct sockaddr *)&sin, len), 0);
}

static int
setup(void **state)
{
	log_init("hostconnect_test", LOG_LEVEL_QUIET, 1);
	memset(&conf, 0, sizeof(conf));
	conf.hostname = name;
	conf.address_family = AF_UNSPEC;
	conf.connection_attempts = 1;
	conf.congestion = (struct conf_list){ algorithms, 1 };
	base = event_base_new();
	resolver = resolver_new(base, 1);
	listener = filler = fd = -1;
	calls = 0;
	return 0;
}

static int
teardown(void **state)
{
	hostconnect_cancel(r);
	r = NULL;
	close(listener);
	close(filler);
	close(fd);
	resolver_free(resolver);
	event_base_free(base);
	return 0;
}

static void
turn(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		usleep(3000);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

static void
start(void)
{
	calls = 0;
	r = hostconnect_start(base, resolver, &conf, LOG_LEVEL_ERROR,
	    done_cb, NULL);
	assert_int_equal(calls, 0);
}

static void
assert_does(const char *want)
{
	char text[320];

	hostconnect_describe(r, text, sizeof(text));
	assert_string_equal(text, want);
}

/* It ends so: a connection from that address, or none. */
static void
assert_ends(const char *from)
{
	char congestion[CONGESTION_NAME_SIZE];
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	while (calls == 0)
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(calls, 1);
	if (from == NULL) {
		assert_int_equal(fd, -1);
		return;
	}
	assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(ntohl(sin.sin_addr.s_addr) & 0xff,
	    strcmp(from, other) == 0 ? 9 : 1);
	assert_int_equal(congestion_get(fd, congestion), 0);
	assert_string_equal(congestion, reno);
	close(fd);
	fd = -1;
}

static void
test_connects(void **state)
{
	listen_at(5);
	start();
	assert_ends(name);
	conf.bind_address = other;
	start();
	assert_ends(other);
	conf.connect_timeout = 5;
	start();
	assert_ends(other);
}

static void
test_names(void **state)
{
	conf.hostname = nowhere;
	start();
	assert_does("looking up no.where");
	assert_ends(NULL);
	assert_int_equal(why, HOSTCONNECT_UNKNOWN);
	conf.hostname = broken;
	start();
	assert_ends(NULL);
	assert_int_equal(why, EMFILE);
	conf.hostname = name;
	conf.bind_address = nowhere;
	start();
	assert_ends(NULL);
	conf.bind_address = broken;
	start();
	assert_ends(NULL);
	/* An address from which the host cannot be reached at all. */
	conf.bind_address = six;
	start();
	assert_ends(NULL);
}

/* A second apart, so many, and no more. */
static void
attempts(void)
{
	conf.connection_attempts = 3;
	start();
	turn();
	assert_int_equal(calls, 0);
	clock_move(1 * CLOCK_SECOND);
	turn();
	assert_int_equal(calls, 0);
	clock_move(1 * CLOCK_SECOND);
	turn();
	assert_ends(NULL);
	assert_int_equal(why, ECONNREFUSED);
	/* One that is answered is the last. */
	start();
	turn();
	assert_int_equal(calls, 0);
	assert_int_equal(listen(listener, 5), 0);
	clock_move(1 * CLOCK_SECOND);
	assert_ends(conf.bind_address != NULL ? other : name);
}

static void
test_attempts(void **state)
{
	listen_at(-1);
	attempts();
	close(listener);
	listen_at(-1);
	conf.bind_address = other;
	attempts();
}

/* A host that does not answer has ConnectTimeout for each attempt. */
static void
timeouts(void)
{
	char text[64];

	conf.connect_timeout = 10;
	conf.connection_attempts = 2;
	start();
	turn();
	snprintf(text, sizeof(text), "connecting to 127.0.0.1 port %d",
	    conf.port);
	assert_does(text);
	clock_move(9 * CLOCK_SECOND);
	turn();
	assert_int_equal(calls, 0);
	clock_move(2 * CLOCK_SECOND);
	turn();
	assert_int_equal(calls, 0);
	clock_move(1 * CLOCK_SECOND);
	turn();
	clock_move(9 * CLOCK_SECOND);
	turn();
	assert_int_equal(calls, 0);
	clock_move(2 * CLOCK_SECOND);
	assert_ends(NULL);
	assert_int_equal(why, ETIMEDOUT);
}

static void
test_timeouts(void **state)
{
	char text[64];

	listen_at(0);
	timeouts();
	conf.hostname = local;
	conf.address_family = AF_INET;
	start();
	turn();
	snprintf(text, sizeof(text), "connecting to localhost (127.0.0.1) "
	    "port %d", conf.port);
	assert_does(text);
	hostconnect_cancel(r);
	conf.hostname = name;
	conf.bind_address = other;
	timeouts();
}

/* Whatever is under way is given up, and nobody is called. */
static void
test_cancel(void **state)
{
	listen_at(0);
	start();
	hostconnect_cancel(r);
	start();
	turn();
	hostconnect_cancel(r);
	conf.bind_address = other;
	start();
	turn();
	hostconnect_cancel(r);
	r = NULL;
	turn();
	assert_int_equal(calls, 0);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connects), TEST(test_names), TEST(test_attempts),
		TEST(test_timeouts), TEST(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
