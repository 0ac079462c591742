/* SPDX-License-Identifier: ISC */
/*
 * The resolver against a getaddrinfo(3) of our own (linked with --wrap): names
 * that begin with "hang" hang until the test lets them go, "fail" fails, and
 * any other is 127.0.0.1.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "addr.h"
#include "log.h"
#include "resolver.h"

#define THREADS		4

int	__real_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
int	__wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);

int	__wrap_getnameinfo(const struct sockaddr *, socklen_t, char *,
	    socklen_t, char *, socklen_t, int);

int	__real_pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);
int	__wrap_pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);

static int no_threads, lines;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int hanging;		/* threads that hang now */
static int let_go;
static int signals_open;	/* a thread had SIGTERM open */

static struct event_base *base;
static struct resolver *resolver;

/* What callbacks saw. */
struct answer {
	int		 calls;
	int		 error;
	int		 saved;
	char		 text[INET6_ADDRSTRLEN];
	uint16_t	 port;
};

int
__wrap_getaddrinfo(const char *host, const char *port,
    const struct addrinfo *hints, struct addrinfo **res)
{
	sigset_t set;

	if (hints->ai_flags & AI_NUMERICHOST)
		return __real_getaddrinfo(host, port, hints, res);
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	pthread_mutex_lock(&mutex);
	if (!sigismember(&set, SIGTERM))
		signals_open = 1;
	if (strncmp(host, "hang", 4) == 0) {
		hanging++;
		while (!let_go)
			pthread_cond_wait(&cond, &mutex);
		hanging--;
	}
	pthread_mutex_unlock(&mutex);
	if (strcmp(host, "fail") == 0)
		return EAI_NONAME;
	if (strcmp(host, "system") == 0) {
		errno = EMFILE;
		return EAI_SYSTEM;
	}
	return __real_getaddrinfo("127.0.0.1", port, hints, res);
}

/* 127.0.0.1 and ::1 have names, 127.0.0.2 hangs. */
int
__wrap_getnameinfo(const struct sockaddr *sa, socklen_t salen, char *host,
    socklen_t hostlen, char *serv, socklen_t servlen, int flags)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)sa;

	if ((flags & NI_NAMEREQD) == 0)
		return EAI_BADFLAGS;
	if (sa->sa_family == AF_INET6) {
		strlcpy(host, "six.example", hostlen);
		return 0;
	}
	pthread_mutex_lock(&mutex);
	if (ntohl(sin->sin_addr.s_addr) == 0x7f000002) {
		hanging++;
		while (!let_go)
			pthread_cond_wait(&cond, &mutex);
		hanging--;
	}
	pthread_mutex_unlock(&mutex);
	if (ntohl(sin->sin_addr.s_addr) != INADDR_LOOPBACK)
		return EAI_NONAME;
	strlcpy(host, "four.example", hostlen);
	return 0;
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *), void *arg)
{
	return no_threads ? EAGAIN :
	    __real_pthread_create(thread, attr, run, arg);
}

static void
sink(enum log_level level, const char *text, void *arg)
{
	lines += strstr(text, "no names are resolved") != NULL;
}

static int
setup(void **state)
{
	let_go = lines = 0;
	log_set_sink(sink, NULL);
	base = event_base_new();
	resolver = resolver_new(base, THREADS);
	return 0;
}

static int
hanging_now(void)
{
	int n;

	pthread_mutex_lock(&mutex);
	n = hanging;
	pthread_mutex_unlock(&mutex);
	return n;
}

static void
release(void)
{
	pthread_mutex_lock(&mutex);
	let_go = 1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
}

static int
teardown(void **state)
{
	int i;

	release();
	resolver_free(resolver);
	for (i = 0; i < 1000 && hanging_now() > 0; i++)
		usleep(1000);
	/* Time for the threads to leave, or a leak check would see them. */
	usleep(20000);
	event_base_free(base);
	assert_int_equal(hanging_now(), 0);
	return 0;
}

static void
answer_cb(int error, struct addrinfo *res, void *arg)
{
	struct answer *a = arg;
	const struct sockaddr_in *sin;
	const struct sockaddr_in6 *sin6;

	a->saved = errno;
	a->calls++;
	a->error = error;
	if (error != 0) {
		assert_null(res);
		return;
	}
	assert_non_null(res);
	if (res->ai_family == AF_INET) {
		sin = (const struct sockaddr_in *)res->ai_addr;
		inet_ntop(AF_INET, &sin->sin_addr, a->text, sizeof(a->text));
		a->port = ntohs(sin->sin_port);
	} else {
		sin6 = (const struct sockaddr_in6 *)res->ai_addr;
		inet_ntop(AF_INET6, &sin6->sin6_addr, a->text,
		    sizeof(a->text));
		a->port = ntohs(sin6->sin6_port);
	}
	freeaddrinfo(res);
}

/* Runs the loop until a count is reached, for two seconds at most. */
static void
run_until(const int *count, int n)
{
	int i;

	for (i = 0; i < 2000 && *count < n; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (*count < n)
			usleep(1000);
	}
	assert_int_equal(*count, n);
}

static void
wait_hanging(int n)
{
	int i;

	for (i = 0; i < 2000 && hanging_now() != n; i++)
		usleep(1000);
	assert_int_equal(hanging_now(), n);
}

static void
ask(struct answer *a, const char *host, int family)
{
	memset(a, 0, sizeof(*a));
	assert_non_null(resolver_ask(resolver, host, 443, family, answer_cb,
	    a));
	assert_int_equal(a->calls, 0);
}

static void
test_literals(void **state)
{
	static const struct {
		const char	*host;
		int		 family;
		int		 ok;
		const char	*text;
	} cases[] = {
		{ "192.0.2.1", AF_UNSPEC, 1, "192.0.2.1" },
		{ "192.0.2.1", AF_INET, 1, "192.0.2.1" },
		{ "192.0.2.1", AF_INET6, 0, NULL },
		{ "2001:db8::1", AF_UNSPEC, 1, "2001:db8::1" },
		{ "[2001:db8::1]", AF_UNSPEC, 1, "2001:db8::1" },
		{ "2001:db8::1", AF_INET, 0, NULL },
		{ "", AF_UNSPEC, 0, NULL },
		{ "a b", AF_UNSPEC, 0, NULL },
		{ ":::", AF_UNSPEC, 0, NULL }
	};
	struct answer a;
	char name[300];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(&a, cases[i].host, cases[i].family);
		run_until(&a.calls, 1);
		assert_int_equal(a.error == 0, cases[i].ok);
		if (!cases[i].ok)
			continue;
		assert_string_equal(a.text, cases[i].text);
		assert_int_equal(a.port, 443);
	}
	memset(name, 'a', sizeof(name));
	name[256] = '\0';
	ask(&a, name, AF_UNSPEC);
	run_until(&a.calls, 1);
	assert_int_equal(a.error, EAI_NONAME);
}

static void
test_names(void **state)
{
	struct answer a[200];
	char host[32];
	int i;

	for (i = 0; i < 200; i++) {
		snprintf(host, sizeof(host), "host%d", i / 3);
		ask(&a[i], host, AF_UNSPEC);
	}
	for (i = 0; i < 200; i++) {
		run_until(&a[i].calls, 1);
		assert_int_equal(a[i].error, 0);
		assert_string_equal(a[i].text, "127.0.0.1");
		assert_int_equal(a[i].port, 443);
	}
	assert_int_equal(signals_open, 0);

	ask(&a[0], "fail", AF_UNSPEC);
	run_until(&a[0].calls, 1);
	assert_int_equal(a[0].error, EAI_NONAME);
	ask(&a[0], "system", AF_UNSPEC);
	run_until(&a[0].calls, 1);
	assert_int_equal(a[0].error, EAI_SYSTEM);
	assert_int_equal(a[0].saved, EMFILE);
}

/* However often one hanging name is asked, others get their answer. */
static void
test_hanging_name(void **state)
{
	struct answer stuck[20], a[20];
	int i;

	for (i = 0; i < 20; i++)
		ask(&stuck[i], "hang", AF_UNSPEC);
	wait_hanging(2);
	for (i = 0; i < 20; i++)
		ask(&a[i], "host", AF_UNSPEC);
	for (i = 0; i < 20; i++)
		run_until(&a[i].calls, 1);
	assert_int_equal(hanging_now(), 2);
	for (i = 0; i < 20; i++)
		assert_int_equal(stuck[i].calls, 0);
	release();
	for (i = 0; i < 20; i++) {
		run_until(&stuck[i].calls, 1);
		assert_int_equal(stuck[i].error, 0);
	}
}

/* A query that comes while a thread is being woken gets a thread too. */
static void
test_idle_thread_is_not_counted_twice(void **state)
{
	struct answer first, stuck, a;

	ask(&first, "host", AF_UNSPEC);
	run_until(&first.calls, 1);
	usleep(20000);
	ask(&stuck, "hang", AF_UNSPEC);
	ask(&a, "host", AF_UNSPEC);
	run_until(&a.calls, 1);
	assert_int_equal(stuck.calls, 0);
}

static void
test_cancel(void **state)
{
	struct resolver_query *q[4];
	struct answer a[4], last;
	int i;

	memset(a, 0, sizeof(a));
	for (i = 0; i < 3; i++)
		q[i] = resolver_ask(resolver, "hang", 1, AF_UNSPEC, answer_cb,
		    &a[i]);
	q[3] = resolver_ask(resolver, "192.0.2.1", 1, AF_UNSPEC, answer_cb,
	    &a[3]);
	wait_hanging(2);
	resolver_cancel(q[0]);		/* running */
	resolver_cancel(q[2]);		/* waiting */
	resolver_cancel(q[3]);		/* done */
	resolver_cancel(NULL);
	release();
	run_until(&a[1].calls, 1);
	ask(&last, "host", AF_UNSPEC);
	run_until(&last.calls, 1);
	assert_int_equal(a[0].calls + a[2].calls + a[3].calls, 0);
}

static void
test_too_many(void **state)
{
	static struct answer a[33000];
	int i, refused = 0;

	for (i = 0; i < 33000; i++)
		ask(&a[i], "hang", AF_UNSPEC);
	event_base_loop(base, EVLOOP_NONBLOCK);
	for (i = 0; i < 33000; i++) {
		if (a[i].calls == 0)
			continue;
		assert_int_equal(a[i].error, EAI_SYSTEM);
		assert_int_equal(a[i].saved, ENOBUFS);
		refused++;
	}
	assert_int_equal(refused, 33000 - 32768);
	/* teardown() frees the resolver with all the others under way. */
}

/* Without a thread it is our own trouble, which is told, and may pass. */
static void
test_no_threads(void **state)
{
	struct answer a[2], last;
	int i;

	memset(a, 0, sizeof(a));
	memset(&last, 0, sizeof(last));
	no_threads = 1;
	for (i = 0; i < 2; i++) {
		ask(&a[i], "host", AF_UNSPEC);
		run_until(&a[i].calls, 1);
		assert_int_equal(a[i].error, EAI_SYSTEM);
		assert_int_equal(a[i].saved, EAGAIN);
	}
	assert_int_equal(lines, 1);
	no_threads = 0;
	ask(&last, "any", AF_INET);
	run_until(&last.calls, 1);
	assert_int_equal(last.error, 0);
}

static void
free_cb(int error, struct addrinfo *res, void *arg)
{
	int *calls = arg;

	(*calls)++;
	if (res != NULL)
		freeaddrinfo(res);
	resolver_free(resolver);
	resolver = NULL;
}

static void
test_free_inside(void **state)
{
	int calls = 0;

	resolver_ask(resolver, "192.0.2.1", 1, AF_UNSPEC, free_cb, &calls);
	resolver_ask(resolver, "192.0.2.2", 1, AF_UNSPEC, free_cb, &calls);
	resolver_ask(resolver, "hang", 1, AF_UNSPEC, free_cb, &calls);
	run_until(&calls, 1);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(calls, 1);
}

static void
name_cb(int error, const char *name, void *arg)
{
	struct answer *a = arg;

	a->calls++;
	a->error = error;
	assert_int_equal(error == 0, name != NULL);
	strlcpy(a->text, name != NULL ? name : "", sizeof(a->text));
}

static void
test_addresses(void **state)
{
	static const char *const host[] = { "127.0.0.1", "::1", "192.0.2.1" };
	static const char *const name[] = { "four.example", "six.example",
	    "" };
	struct answer a;
	struct addr addr;
	size_t i;

	for (i = 0; i < 3; i++) {
		memset(&a, 0, sizeof(a));
		assert_int_equal(addr_parse_host(&addr, host[i], 99), 0);
		assert_non_null(resolver_ask_name(resolver, &addr, name_cb,
		    &a));
		run_until(&a.calls, 1);
		assert_string_equal(a.text, name[i]);
		assert_int_equal(a.error, i < 2 ? 0 : EAI_NONAME);
	}
	/* One that hangs delays nobody, and may be cancelled or freed. */
	memset(&a, 0, sizeof(a));
	assert_int_equal(addr_parse_host(&addr, "127.0.0.2", 0), 0);
	resolver_cancel(resolver_ask_name(resolver, &addr, name_cb, &a));
	resolver_ask_name(resolver, &addr, name_cb, &a);
	resolver_ask_name(resolver, &addr, name_cb, &a);
	ask(&a, "any", AF_INET);
	run_until(&a.calls, 1);
	assert_string_equal(a.text, "127.0.0.1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_literals, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_hanging_name, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_idle_thread_is_not_counted_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_threads, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_free_inside, setup,
		    teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
