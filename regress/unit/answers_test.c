/* SPDX-License-Identifier: ISC */
/*
 * What is answered on a control socket: all connections, however many and
 * whatever their clients sent, also while memory runs out.  The session is
 * played here.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>
#include <jansson.h>

#include "addr.h"
#include "answers.h"
#include "cliconf.h"
#include "clients.h"
#include "conn.h"
#include "control.h"
#include "listeners.h"
#include "log.h"
#include "session.h"

#define MANY	1000
/* What a name may hold, and a text of a far end. */
#define NAME	"\xff\xfe\xc2\x9b\\"
#define HOSTILE	NAME "\033[31m"

static struct event_base *base;
static struct cliconf conf = { .port = 22 };
static struct clients clients;
static struct conn conns[MANY];
static char hostile[] = HOSTILE;
static struct listening listening = { .name = hostile };
static struct listeners listeners = { &listening, 1 };
static struct answers answers;
static struct control *control;
static char path[] = "/tmp/answers_test.XXXXXX/ctl";
static enum session_state state_of_session;
static int nudges, stops, exits;
static int left = -1;		/* allocations of jansson's until one fails */

void
session_describe(const struct session *s, struct session_description *d)
{
	memset(d, 0, sizeof(*d));
	d->state = state_of_session;
	d->conf = &conf;
	d->reason = HOSTILE;
	d->cipher = "aes";
	d->trip = 1500000;
}

const char *
session_state_name(enum session_state state)
{
	return state == SESSION_UP ? "up" : "waiting";
}

void
session_nudge(struct session *s, enum session_nudge nudge)
{
	nudges += nudge == SESSION_ORDERED;
}

static void
stop(void *arg)
{
	stops++;
}

static void
leave(void *arg)
{
	exits++;
}

static void *
scarce_malloc(size_t n)
{
	if (left == 0)
		return NULL;
	if (left > 0)
		left--;
	return malloc(n);
}

/* So many connections, of which the first names a hostile destination. */
static void
fill(size_t n)
{
	struct conn *c;

	TAILQ_INIT(&clients.conns);
	clients.last_id = 0;
	memset(conns, 0, sizeof(conns));
	for (c = conns; c < conns + n; c++) {
		c->id = ++clients.last_id;
		c->client = hostile;
		c->state = CONN_COMMAND;
		assert_int_equal(addr_set_name(&c->dst, NAME, strlen(NAME),
		    80), 0);
		TAILQ_INSERT_TAIL(&clients.conns, c, entry);
	}
}

/* Asks; how many turns of the loop that took.  NULL: no whole answer. */
static json_t *
ask(const char *word, int *turns)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;
	int fd = control_connect(path);

	assert_int_not_equal(fd, -1);
	assert_int_equal(send(fd, word, strlen(word), 0), strlen(word));
	for (*turns = 0; *turns < 10000; ++*turns) {
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		n = recv(fd, text + len, sizeof(text) - len, 0);
		if (n > 0)
			len += (size_t)n;
		else if (n == 0 || errno != EAGAIN)
			break;
	}
	close(fd);
	assert_true(*turns < 10000);
	left = -1;
	return json_loadb(text, len, 0, NULL);
}

static int
setup(void **state)
{
	log_init("answers_test", LOG_LEVEL_QUIET, 1);
	*strrchr(path, '/') = '\0';
	if (mkdtemp(path) == NULL)
		return -1;
	path[strlen(path)] = '/';
	base = event_base_new();
	conf.hostname = conf.user = hostile;
	answers.clients = &clients;
	answers.listeners = &listeners;
	answers.stop = stop;
	answers.exit = leave;
	control = control_open(base, path, -1, answers_commands, &answers);
	return base != NULL && control != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	control_close(control);
	event_base_free(base);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

static void
test_flows(void **state)
{
	static const size_t counts[] = { 0, 1, 63, 64, 65, 128, MANY };
	json_t *a, *list;
	size_t i, k;
	int turns;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		fill(counts[i]);
		a = ask("flows\n", &turns);
		list = json_object_get(a, "flows");
		assert_int_equal(json_array_size(list), counts[i]);
		for (k = 0; k < counts[i]; k++)
			assert_int_equal(json_integer_value(json_object_get(
			    json_array_get(list, k), "id")), k + 1);
		/* A slice a turn. */
		assert_true((size_t)turns >= counts[i] / 64);
		json_decref(a);
	}
}

/* Connections end and begin between two slices. */
static void
test_change(void **state)
{
	static char text[1 << 20];
	json_t *a;
	size_t len = 0;
	ssize_t n = -1;
	int fd, turn;

	fill(200);
	fd = control_connect(path);
	assert_int_equal(send(fd, "flows\n", 6, 0), 6);
	for (turn = 0; turn < 1000 && n != 0; turn++) {
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if ((n = recv(fd, text + len, sizeof(text) - len, 0)) > 0)
			len += (size_t)n;
		if (turn == 2)
			TAILQ_REMOVE(&clients.conns, &conns[100], entry);
		if (turn == 3)
			TAILQ_REMOVE(&clients.conns, &conns[0], entry);
	}
	close(fd);
	a = json_loadb(text, len, 0, NULL);
	n = (ssize_t)json_array_size(json_object_get(a, "flows"));
	assert_true(n == 199 || n == 200);
	json_decref(a);
}

static void
test_hostile(void **state)
{
	json_t *a, *s;
	int turns;

	fill(1);
	a = ask("flows\n", &turns);
	assert_string_equal(json_string_value(json_object_get(json_array_get(
	    json_object_get(a, "flows"), 0), "destination")),
	    "\\377\\376\\302\\233\\134:80");
	json_decref(a);
	state_of_session = SESSION_UP;
	a = ask("status\n", &turns);
	s = json_object_get(a, "session");
	assert_string_equal(json_string_value(json_object_get(s,
	    "last_reason")), "\\377\\376\\302\\233\\134\\033[31m");
	assert_true(json_is_object(json_object_get(s, "connection")));
	json_decref(a);
	state_of_session = SESSION_WAITING;
	a = ask("status\n", &turns);
	s = json_object_get(a, "session");
	assert_true(json_is_null(json_object_get(s, "connection")));
	json_decref(a);
}

static void
test_orders(void **state)
{
	static const char *const bad[] = {
		"nonsense\n", "\n", "flows \n", "\001check\n",
		("cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
		"ccccccccc"),
	};
	json_t *a;
	size_t i;
	int turns;

	json_decref(ask("reconnect\n", &turns));
	json_decref(ask("stop\n", &turns));
	json_decref(ask("exit\r\n", &turns));
	assert_int_equal(nudges + stops + exits, 2);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = ask(bad[i], &turns);
		assert_string_equal(json_string_value(json_object_get(a,
		    "error")), "unknown command");
		json_decref(a);
	}
}

/* Each allocation in turn fails: an error, or no answer, or a whole one. */
static void
test_memory(void **state)
{
	static const char *const words[] = {
		"check\n", "status\n", "flows\n"
	};
	json_t *a;
	size_t i;
	int n, turns, errors, whole;

	state_of_session = SESSION_UP;
	fill(100);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		errors = whole = 0;
		for (n = 0; whole == 0; n += 1 + n / 50) {
			left = n;
			json_set_alloc_funcs(scarce_malloc, free);
			a = ask(words[i], &turns);
			json_set_alloc_funcs(malloc, free);
			if (json_object_get(a, "error") != NULL)
				errors++;
			else if (a != NULL)
				whole = json_array_size(json_object_get(a,
				    "flows")) == (i == 2 ? 100 : 0);
			json_decref(a);
			assert_true(n < 100000);
		}
		assert_true(errors > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flows),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
