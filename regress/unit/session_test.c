/* SPDX-License-Identifier: ISC */
/*
 * The states of a session, with an attempt and a connection that do what the
 * test says.
 */
#include <sys/types.h>

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

#include "cliconf.h"
#include "clock.h"
#include "farend.h"
#include "hostconnect.h"
#include "netwatch.h"
#include "resolver.h"
#include "session.h"
#include "sshconnect.h"
#include "sshloop.h"

static struct event_base *base;
static struct cliconf conf, other;
static size_t nothers;
static struct session *session;
static char line[256];			/* of the log */
static enum session_state told;
static int changes;

static int made, attempts, cancelled, reached, asks, farends, ours;
static int probes;
static hostconnect_cb *probe_cb;
static void *probe_arg;
static sshconnect_cb *attempt_cb;
static void *attempt_arg;
static const struct cliconf *attempt_conf;
static const struct sshloop_ops *loop_ops;
static void *loop_arg;
static struct sshloop loop;
static netwatch_cb *network_cb;
static void *network_arg;

struct sshconnect *
sshconnect_start(struct event_base *b, struct resolver *r,
    const struct cliconf *c, struct remembered *rem, enum log_level level,
    sshconnect_cb *cb, void *arg)
{
	attempts++;
	attempt_conf = c;
	attempt_cb = cb;
	attempt_arg = arg;
	return (struct sshconnect *)&made;
}

void
sshconnect_cancel(struct sshconnect *sc)
{
	cancelled += sc != NULL;
}

int
sshconnect_is_reached(const struct sshconnect *sc)
{
	return reached;
}

void
sshconnect_describe(const struct sshconnect *sc, char *buf, size_t size)
{
	strlcpy(buf, "a step", size);
}

struct hostconnect *
hostconnect_start(struct event_base *b, struct resolver *r,
    const struct cliconf *c, enum log_level level, hostconnect_cb *cb,
    void *arg)
{
	probes++;
	probe_cb = cb;
	probe_arg = arg;
	return (struct hostconnect *)&made;
}

void
hostconnect_cancel(struct hostconnect *h)
{
}

struct resolver *
resolver_new(struct event_base *b, size_t n)
{
	return (struct resolver *)&made;
}

void
resolver_free(struct resolver *r)
{
}

struct sshloop *
sshloop_new(struct event_base *b, struct ssh_session_struct *s,
    const struct sshloop_options *o, const struct sshloop_ops *ops, void *arg)
{
	loop_ops = ops;
	loop_arg = arg;
	made++;
	return &loop;
}

void
sshloop_free(struct sshloop *l)
{
	assert_ptr_equal(l, &loop);
	made--;
}

const char *
sshloop_cipher(const struct sshloop *l)
{
	return "none";
}

void
sshconn_start(struct sshconn *c)
{
}

void
sshconn_ask(struct sshconn *c)
{
	asks++;
}

void
sshconn_give_up(struct sshconn *c, const char *why)
{
	loop_ops->lost(why, loop_arg);
}

int
farend_init(struct farend *f, struct event_base *b, struct sshloop *l,
    const struct cliconf *c, int native)
{
	farends++;
	return 0;
}

void
farend_quicken(struct farend *f)
{
}

void
farend_clear(struct farend *f)
{
	farends--;
}

struct netwatch *
netwatch_new(struct event_base *b, netwatch_cb *cb, void *arg)
{
	network_cb = cb;
	network_arg = arg;
	return (struct netwatch *)&made;
}

void
netwatch_free(struct netwatch *w)
{
}

int
netwatch_is_ours(int fd)
{
	return ours;
}

static void
changed_cb(struct session *s, enum session_state state, void *arg)
{
	assert_int_equal(session_state(s), state);
	assert_int_equal(session_farend(s) != NULL, state == SESSION_UP);
	told = state;
	changes++;
}

static void
answer(enum sshconnect_result result)
{
	attempt_cb(result == SSHCONNECT_MADE ?
	    (struct ssh_session_struct *)&made : NULL, result, attempt_arg);
}

static void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
set_up(int reconnect)
{
	made = attempts = cancelled = reached = asks = farends = changes = 0;
	ours = 1;
	base = event_base_new();
	cliconf_init(&conf);
	conf.hostname = strdup("test");
	conf.reconnect = reconnect;
	conf.auth_retries = 2;
	conf.connection_attempts = 5;
	session = session_new(base, &conf, &other, nothers, changed_cb, NULL);
	session_start(session);
	assert_int_equal(attempts, 1);
	assert_ptr_equal(attempt_conf, &conf);
}

/* Up, lost, and what it carried let go, but not from inside the loss. */
static void
lose(void)
{
	loop_ops->lost("gone", loop_arg);
	assert_int_equal(told, SESSION_LOST);
	assert_int_equal(farends, 0);
	assert_int_equal(made, 1);
	turn();
	assert_int_equal(made, 0);
}

static void
set_up_waiting(void)
{
	set_up(1);
	answer(SSHCONNECT_MADE);
	assert_int_equal(told, SESSION_UP);
	lose();
	assert_int_equal(told, SESSION_WAITING);
	assert_true(session_may_come(session));
}

static void
tear_down(void)
{
	session_free(session);
	assert_int_equal(made, 0);
	assert_int_equal(farends, 0);
	cliconf_clear(&conf);
	event_base_free(base);
}

static void
note_line(enum log_level level, const char *text, void *arg)
{
	strlcpy(line, text, sizeof(line));
}

/* Whatever the first attempt fails by, there is no second, but advice. */
static void
test_first(void **state)
{
	static const struct {
		enum sshconnect_result	 result;
		const char		*advice;
	} ends[] = {
		{ SSHCONNECT_UNREACHED, "" },
		{ SSHCONNECT_OTHER_KEY, "" },
		{ SSHCONNECT_DENIED, "Is the user the right one" },
		{ SSHCONNECT_UNKNOWN, "Is the name spelled correctly" },
		{ SSHCONNECT_REFUSED, "The host is there" },
		{ SSHCONNECT_TIMED_OUT, "Nothing answers" },
		{ SSHCONNECT_NO_ROUTE, "No way leads there" },
		{ SSHCONNECT_SILENT, "Something is there" },
		{ SSHCONNECT_CLOSED, "Does it let this machine in" },
	};
	size_t i;

	log_set_sink(note_line, NULL);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		set_up(1);
		*line = '\0';
		answer(ends[i].result);
		assert_int_equal(told, SESSION_STOPPED);
		assert_false(session_may_come(session));
		assert_memory_equal(line, ends[i].advice,
		    strlen(ends[i].advice) + (*ends[i].advice == '\0'));
		tear_down();
	}
	log_set_sink(NULL, NULL);
}

/* When it was up once, nobody needs advice any more. */
static void
test_no_advice(void **state)
{
	struct session_description d;

	set_up_waiting();
	log_set_sink(note_line, NULL);
	*line = '\0';
	session_describe(session, &d);
	assert_true(d.lost > 0);
	assert_string_equal(d.step, "");
	while (told != SESSION_STOPPED) {
		session_nudge(session, SESSION_ORDERED);
		session_describe(session, &d);
		assert_string_equal(d.step, "a step");
		answer(SSHCONNECT_DENIED);
		event_base_loop(base, EVLOOP_ONCE);
		if (told == SESSION_CONNECTING)
			answer(SSHCONNECT_DENIED);
	}
	assert_string_equal(line, "");
	log_set_sink(NULL, NULL);
	tear_down();
}

static void
test_no_reconnect(void **state)
{
	set_up(0);
	answer(SSHCONNECT_MADE);
	lose();
	assert_int_equal(told, SESSION_STOPPED);
	assert_int_equal(attempts, 1);
	tear_down();
}

/* It asks nobody anything, and does not take long. */
static void
test_again(void **state)
{
	set_up_waiting();
	session_nudge(session, SESSION_ORDERED);
	assert_int_equal(attempts, 2);
	assert_int_equal(attempt_conf->batch_mode, 1);
	assert_int_equal(attempt_conf->connection_attempts, 1);
	assert_in_range(attempt_conf->connect_timeout, 1, 30);
	answer(SSHCONNECT_UNREACHED);
	assert_int_equal(told, SESSION_WAITING);
	session_nudge(session, SESSION_ORDERED);
	answer(SSHCONNECT_MADE);
	assert_int_equal(told, SESSION_UP);
	assert_int_equal(farends, 1);
	session_nudge(session, SESSION_ORDERED);
	assert_int_equal(told, SESSION_LOST);
	turn();
	assert_int_equal(told, SESSION_WAITING);
	tear_down();
}

/* By itself, after the shortest pause. */
static void
test_by_itself(void **state)
{
	set_up_waiting();
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(attempts, 2);
	assert_int_equal(told, SESSION_CONNECTING);
	tear_down();
	assert_int_equal(cancelled, 1);
}

/* A client that asks is not kept waiting for the end of a long pause. */
static void
test_wanted(void **state)
{
	int i;

	set_up_waiting();
	for (i = 0; i < 8; i++) {
		clock_move(40 * CLOCK_SECOND);
		turn();
		answer(SSHCONNECT_UNREACHED);
		assert_int_equal(told, SESSION_WAITING);
	}
	/* The pause is of half a minute; it asks twice within half a second. */
	attempts = 0;
	session_nudge(session, SESSION_WANTED);
	session_nudge(session, SESSION_WANTED);
	assert_int_equal(attempts, 0);
	clock_move(CLOCK_SECOND);
	turn();
	assert_int_equal(attempts, 1);
	answer(SSHCONNECT_UNREACHED);
	clock_move(CLOCK_SECOND);
	turn();
	assert_int_equal(attempts, 1);
	session_nudge(session, SESSION_WANTED);
	assert_int_equal(attempts, 2);
	tear_down();
}

static void
test_denied(void **state)
{
	set_up_waiting();
	session_nudge(session, SESSION_ORDERED);
	answer(SSHCONNECT_DENIED);
	assert_int_equal(told, SESSION_WAITING);
	/* Neither a client nor the network shortens the pause now. */
	session_nudge(session, SESSION_WANTED);
	network_cb(network_arg);
	assert_int_equal(attempts, 2);
	event_base_loop(base, EVLOOP_ONCE);
	answer(SSHCONNECT_DENIED);
	assert_int_equal(told, SESSION_STOPPED);
	tear_down();
}

/* Until the user says so no attempt is made. */
static void
test_other_key(void **state)
{
	set_up_waiting();
	session_nudge(session, SESSION_ORDERED);
	answer(SSHCONNECT_OTHER_KEY);
	assert_int_equal(told, SESSION_REFUSED);
	assert_false(session_may_come(session));
	session_nudge(session, SESSION_WANTED);
	network_cb(network_arg);
	turn();
	assert_int_equal(attempts, 2);
	session_nudge(session, SESSION_ORDERED);
	assert_int_equal(attempts, 3);
	tear_down();
}

/* So many requests are turned away; a minute later, what is said? */
static void
check_minute(int requests, const char *end)
{
	*line = '\0';
	while (requests-- > 0)
		session_nudge(session, SESSION_WANTED);
	clock_move(59 * CLOCK_SECOND);
	turn();
	assert_string_equal(line, "");
	clock_move(2 * CLOCK_SECOND);
	turn();
	assert_memory_equal(line, "No clients are served through test", 34);
	assert_string_equal(line + strlen(line) - strlen(end), end);
}

/* It is said each minute, and not for each request. */
static void
test_reminder(void **state)
{
	set_up_waiting();
	session_nudge(session, SESSION_ORDERED);
	log_set_sink(note_line, NULL);
	*line = '\0';
	answer(SSHCONNECT_OTHER_KEY);
	assert_memory_equal(line, "No clients are served through test", 34);
	check_minute(0, "SIGHUP.");
	check_minute(3, "SIGHUP. Requests refused in the last minute: 3.");
	check_minute(1, "SIGHUP. Requests refused in the last minute: 1.");
	check_minute(0, "SIGHUP.");
	assert_int_equal(told, SESSION_REFUSED);
	assert_int_equal(attempts, 2);
	session_nudge(session, SESSION_ORDERED);
	answer(SSHCONNECT_MADE);
	*line = '\0';
	clock_move(61 * CLOCK_SECOND);
	turn();
	assert_string_equal(line, "");
	log_set_sink(NULL, NULL);
	tear_down();
}

/* The configuration that is read again may have what mends it. */
static void
test_reload_refused(void **state)
{
	set_up_waiting();
	session_nudge(session, SESSION_ORDERED);
	answer(SSHCONNECT_OTHER_KEY);
	session_set_targets(session, &conf, NULL, 0);
	assert_int_equal(attempts, 3);
	answer(SSHCONNECT_MADE);
	assert_int_equal(told, SESSION_UP);
	tear_down();
}

/* A change of the network begins a new attempt, if none got through. */
static void
test_network(void **state)
{
	set_up_waiting();
	network_cb(network_arg);
	assert_int_equal(attempts, 2);
	network_cb(network_arg);
	assert_int_equal(attempts, 3);
	assert_int_equal(cancelled, 1);
	reached = 1;
	network_cb(network_arg);
	assert_int_equal(attempts, 3);
	answer(SSHCONNECT_MADE);
	network_cb(network_arg);
	assert_int_equal(asks, 1);
	assert_int_equal(told, SESSION_UP);
	ours = 0;
	network_cb(network_arg);
	assert_int_equal(told, SESSION_LOST);
	turn();
	tear_down();
}

static void
set_up_two(void)
{
	cliconf_init(&other);
	other.hostname = strdup("other");
	nothers = 1;
	set_up(1);
}

static void
tear_down_two(void)
{
	tear_down();
	cliconf_clear(&other);
	nothers = 0;
}

/* The next far end is tried at once when one fails, also the first time. */
static void
test_next(void **state)
{
	set_up_two();
	answer(SSHCONNECT_UNREACHED);
	assert_int_equal(attempts, 2);
	assert_ptr_equal(attempt_conf, &other);
	answer(SSHCONNECT_MADE);
	assert_int_equal(told, SESSION_UP);
	assert_ptr_equal(session_conf(session), &other);
	/* It stays with that one; then the first has its turn again. */
	lose();
	session_nudge(session, SESSION_ORDERED);
	assert_string_equal(attempt_conf->hostname, "other");
	answer(SSHCONNECT_UNREACHED);
	assert_string_equal(attempt_conf->hostname, "test");
	answer(SSHCONNECT_UNREACHED);
	assert_int_equal(told, SESSION_WAITING);
	assert_int_equal(attempts, 4);
	tear_down_two();
}

static void
test_none_left(void **state)
{
	set_up_two();
	answer(SSHCONNECT_DENIED);
	answer(SSHCONNECT_OTHER_KEY);
	assert_int_equal(told, SESSION_STOPPED);
	tear_down_two();
}

/* With FailBack the first one is gone back to, if nothing is open. */
static void
test_fail_back(void **state)
{
	set_up_two();
	conf.fail_back = 1;
	probes = 0;
	answer(SSHCONNECT_UNREACHED);
	answer(SSHCONNECT_MADE);
	assert_ptr_equal(session_conf(session), &other);
	clock_move(61 * CLOCK_SECOND);
	turn();
	assert_int_equal(probes, 1);
	probe_cb(-1, ECONNREFUSED, probe_arg);
	clock_move(61 * CLOCK_SECOND);
	turn();
	assert_int_equal(probes, 2);
	loop.chans.count = 1;
	probe_cb(dup(0), 0, probe_arg);
	assert_int_equal(told, SESSION_UP);
	clock_move(61 * CLOCK_SECOND);
	turn();
	loop.chans.count = 0;
	probe_cb(dup(0), 0, probe_arg);
	assert_int_equal(told, SESSION_LOST);
	turn();
	session_nudge(session, SESSION_ORDERED);
	assert_string_equal(attempt_conf->hostname, "test");
	answer(SSHCONNECT_MADE);
	clock_move(61 * CLOCK_SECOND);
	turn();
	assert_int_equal(probes, 3);
	tear_down_two();
}

/* One that has another key now does not keep the other from serving. */
static void
test_one_left(void **state)
{
	set_up_two();
	answer(SSHCONNECT_MADE);
	lose();
	session_nudge(session, SESSION_ORDERED);
	answer(SSHCONNECT_OTHER_KEY);
	assert_string_equal(attempt_conf->hostname, "other");
	answer(SSHCONNECT_UNREACHED);
	assert_int_equal(told, SESSION_WAITING);
	network_cb(network_arg);
	assert_string_equal(attempt_conf->hostname, "other");
	assert_int_equal(attempts, 4);
	answer(SSHCONNECT_OTHER_KEY);
	assert_int_equal(told, SESSION_REFUSED);
	tear_down_two();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_no_advice),
		cmocka_unit_test(test_no_reconnect),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_by_itself),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_reminder),
		cmocka_unit_test(test_reload_refused),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_none_left),
		cmocka_unit_test(test_one_left),
		cmocka_unit_test(test_fail_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
