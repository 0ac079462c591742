/* SPDX-License-Identifier: ISC */
/*
 * What the tests of services share: an environment without rules, a clock,
 * and names of our own.  getaddrinfo(3) and getnameinfo(3) are ours (linked
 * with --wrap): "fail" fails, and all while failing is set; "hang" takes two
 * seconds, "other" is 127.0.0.2, any other name 127.0.0.1; 127.0.0.1 is
 * "host.example", 127.0.0.8 takes two seconds, 127.0.0.9 has the name of an
 * address, and nothing else a name.
 */
#ifndef SERVTEST_H
#define SERVTEST_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "addr.h"
#include "conf.h"
#include "destrules.h"
#include "kinds.h"
#include "log.h"
#include "resolver.h"
#include "services.h"
#include "udpsock.h"

int	__real_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
int	__wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
int	__wrap_getnameinfo(const struct sockaddr *, socklen_t, char *,
	    socklen_t, char *, socklen_t, int);

static struct services env;
static struct destrules rules;
static int lookups, failing;

int
__wrap_getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	if (hints->ai_flags & AI_NUMERICHOST)
		return __real_getaddrinfo(host, service, hints, res);
	__atomic_add_fetch(&lookups, 1, __ATOMIC_SEQ_CST);
	if (strcmp(host, "fail") == 0 ||
	    __atomic_load_n(&failing, __ATOMIC_SEQ_CST))
		return EAI_NONAME;
	if (strcmp(host, "hang") == 0)
		sleep(2);
	return __real_getaddrinfo(strcmp(host, "other") == 0 ? "127.0.0.2" :
	    hints->ai_family == AF_INET6 ? "::1" : "127.0.0.1", service,
	    hints, res);
}

int
__wrap_getnameinfo(const struct sockaddr *sa, socklen_t salen, char *host,
    socklen_t hostlen, char *serv, socklen_t servlen, int flags)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;

	if (sa->sa_family != AF_INET)
		return EAI_NONAME;
	if (ntohl(sin->sin_addr.s_addr) == 0x7f000008)
		sleep(2);
	if (ntohl(sin->sin_addr.s_addr) == INADDR_LOOPBACK)
		strlcpy(host, "host.example", hostlen);
	else if (ntohl(sin->sin_addr.s_addr) == 0x7f000009)
		strlcpy(host, "192.0.2.1", hostlen);
	else
		return EAI_NONAME;
	return 0;
}

static void
env_setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_init("servtest", LOG_LEVEL_QUIET, 1);
	destrules_init(&rules, 0);
	services_init(&env, kinds_all);
	env.base = event_base_new();
	env.resolver = resolver_new(env.base, 4);
	env.udp = udpsock_pool_new(env.base);
	env.rules = &rules;
	env.who = "alice";
	env.dial_timeout = 1;
	env.max_udp = 2;
	env.gateway = 1;
}

static void
env_teardown(void)
{
	services_clear(&env);
	assert_int_equal(env.nudp, 0);
	udpsock_pool_free(env.udp);
	resolver_free(env.resolver);
	event_base_free(env.base);
	destrules_clear(&rules);
}

/* Permits these alone. */
static void __attribute__((unused))
permit(const char *rule)
{
	char text[64], *word = text;
	struct conf_list list = { &word, 1 };

	strlcpy(text, rule, sizeof(text));
	destrules_load(&rules, DESTRULES_CONF, &list);
}

static void
late_cb(evutil_socket_t fd, short what, void *arg)
{
	fail_msg("nothing happens");
}

/* Runs the loop until the flag is set, at most for five seconds. */
static void
run_until(const int *flag)
{
	static const struct timeval limit = { 5, 0 };
	struct event *ev = evtimer_new(env.base, late_cb, NULL);

	event_add(ev, &limit);
	while (!*flag)
		event_base_loop(env.base, EVLOOP_ONCE);
	event_free(ev);
}

/* Runs the loop for some time. */
static void __attribute__((unused))
run_for(int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(env.base, &tv);
	event_base_dispatch(env.base);
}

static struct addr
address(const char *host, uint16_t port)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host, port), 0);
	return a;
}

/* A socket on a port of loopback. */
static int __attribute__((unused))
loopback_socket(int type, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct timeval tv = { 5, 0 };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), ample = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &ample, sizeof(ample));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	*port = ntohs(sin.sin_port);
	return fd;
}

/* A connection from a loopback address to one, or -1. */
static int __attribute__((unused))
connect_from(const char *from, const struct addr *to)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_storage ss;
	struct timeval tv = { 5, 0 };
	socklen_t len;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, from, &sin.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	addr_to_sockaddr(to, &ss, &len);
	if (connect(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	close(fd);
	return -1;
}

#endif
