/* SPDX-License-Identifier: ISC */
/*
 * The answers of the control socket, as JSON.  Their form is documented in
 * sockstun(1): members may be added, and CONTROL_VERSION grows when one is
 * taken away or gets another meaning.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "addr.h"
#include "answers.h"
#include "cliconf.h"
#include "clients.h"
#include "conn.h"
#include "listeners.h"
#include "log.h"
#include "monotime.h"
#include "session.h"
#include "version.h"

/* Bytes of a text that are told. */
#define ANSWER_TEXT_MAX	ADDR_STRLEN
/* Connections that are described in one turn of the loop. */
#define ANSWER_SLICE	64

static json_t *
answer_base(void)
{
	return json_pack("{s:i, s:s, s:i}", "version", CONTROL_VERSION,
	    "program", "sockstun " SOCKSTUN_VERSION, "pid", (int)getpid());
}

/* The first object with the other's members; both are consumed. */
static json_t *
complete(json_t *answer, json_t *more)
{
	if (json_object_update_new(answer, more) == 0)
		return answer;
	json_decref(answer);
	return NULL;
}

static double
seconds_since(int64_t ns)
{
	return (double)(monotime_ns() - ns) / MONOTIME_SECOND;
}

static double
milliseconds(int64_t ns)
{
	return (double)ns / MONOTIME_MILLISECOND;
}

/* A string that may hold what others sent: printable ASCII, or octal. */
static json_t *
text(const char *s)
{
	char safe[ANSWER_TEXT_MAX * 4 + 1];

	return json_string(log_safe(s, strlen(s), safe, sizeof(safe)));
}

static json_t *
answer_check(void *arg)
{
	return answer_base();
}

static json_t *
describe_server(const struct session_description *d)
{
	return json_pack("{s:o, s:i, s:o}", "host", text(d->conf->hostname),
	    "port", d->conf->port, "user", text(d->conf->user));
}

/* What is known only while the session is up. */
static json_t *
describe_connection(const struct session_description *d)
{
	if (d->state != SESSION_UP)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:f, s:f, s:I, s:I}",
	    "kind", d->native ? "sockstund" : "ssh",
	    "cipher", d->cipher,
	    "congestion_control", d->congestion,
	    "round_trip_ms", milliseconds(d->trip),
	    "queue_ms", milliseconds(d->queued),
	    "bytes_in", (json_int_t)d->in,
	    "bytes_out", (json_int_t)d->out);
}

static json_t *
describe_session(const struct session *session)
{
	struct session_description d;
	double seconds;

	session_describe(session, &d);
	seconds = seconds_since(d.since);
	return json_pack("{s:s, s:f, s:f, s:I, s:o, s:f, s:o, s:o}",
	    "state", session_state_name(d.state),
	    "since", (double)time(NULL) - seconds,
	    "seconds", seconds,
	    "connections", (json_int_t)d.connections,
	    "last_reason", text(d.reason),
	    "next_attempt_seconds", (double)d.due / 1000,
	    "server", describe_server(&d),
	    "connection", describe_connection(&d));
}

static json_t *
describe_listeners(const struct listeners *all)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < all->n; i++)
		if (json_array_append_new(list, text(all->list[i].name)) ==
		    -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
answer_status(void *arg)
{
	const struct answers *a = arg;
	const struct conn *c;
	json_t *answer = answer_base();
	json_int_t flows = 0, waiting = 0;

	TAILQ_FOREACH(c, &a->clients->conns, entry) {
		flows += c->state == CONN_FLOW;
		waiting += c->waits;
	}
	return complete(answer, json_pack("{s:o, s:o, s:I, s:I, s:I}",
	    "session", describe_session(a->session),
	    "listeners", describe_listeners(a->listeners),
	    "flows", flows,
	    "waiting", waiting,
	    "udp_associations", (json_int_t)a->clients->nassocs));
}

static const char *
conn_state_name(const struct conn *c)
{
	switch (c->state) {
	case CONN_TALK:
		return "talking";
	case CONN_COMMAND:
		return c->waits ? "waiting" :
		    c->ask.farend != NULL ? "asked" : "flowing";
	case CONN_FLOW:
		return "flowing";
	}
	return "";
}

static json_t *
describe_conn(const struct conn *c)
{
	char dst[ADDR_STRLEN] = "";
	uint64_t up, down;
	json_t *conn;

	if (c->state != CONN_TALK)
		addr_format(&c->dst, dst, sizeof(dst));
	conn_count(c, &up, &down);
	conn = json_pack("{s:I, s:o, s:s, s:s, s:o, s:f, s:I, s:I}",
	    "id", (json_int_t)c->id,
	    "client", text(c->client),
	    "state", conn_state_name(c),
	    "command", conn_command_name(c),
	    "destination", text(dst),
	    "seconds", seconds_since(c->began),
	    "bytes_up", (json_int_t)up,
	    "bytes_down", (json_int_t)down);
	if (c->pid > 0 && conn != NULL)
		json_object_set_new(conn, "pid", json_integer(c->pid));
	return conn;
}

/* The connections are in the order of their numbers. */
static json_t *
slice_flows(void *arg, uint64_t *last)
{
	const struct answers *a = arg;
	const struct conn *c;
	json_t *list = json_array();
	size_t n = 0;

	TAILQ_FOREACH(c, &a->clients->conns, entry) {
		if (c->id <= *last)
			continue;
		if (n++ == ANSWER_SLICE)
			break;
		if (json_array_append_new(list, describe_conn(c)) == -1) {
			json_decref(list);
			return NULL;
		}
		*last = c->id;
	}
	return list;
}

static json_t *
answer_flows(void *arg)
{
	const struct answers *a = arg;

	return complete(answer_base(), json_pack("{s:o}", "listeners",
	    describe_listeners(a->listeners)));
}

static json_t *
answer_reconnect(void *arg)
{
	const struct answers *a = arg;

	session_nudge(a->session, SESSION_ORDERED);
	return answer_base();
}

static json_t *
answer_stop(void *arg)
{
	const struct answers *a = arg;

	a->stop(a->arg);
	return answer_base();
}

static json_t *
answer_exit(void *arg)
{
	const struct answers *a = arg;

	a->exit(a->arg);
	return answer_base();
}

/* The names are those of ssh(1)'s -O where it has them. */
const struct control_command answers_commands[] = {
	{ .name = "check", .answer = answer_check },
	{ .name = "status", .answer = answer_status },
	{ .name = "flows", .answer = answer_flows, .list = "flows",
	  .slice = slice_flows },
	{ .name = "reconnect", .answer = answer_reconnect },
	{ .name = "stop", .answer = answer_stop },
	{ .name = "exit", .answer = answer_exit },
	{ .name = NULL }
};
