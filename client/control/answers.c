/* SPDX-License-Identifier: ISC */
/*
 * The answers of the control socket, as JSON.  Their form is documented in
 * sockstun(1): members may be added, and CONTROL_VERSION grows when one is
 * taken away or gets another meaning.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "addr.h"
#include "answers.h"
#include "cliconf.h"
#include "clients.h"
#include "conn.h"
#include "listeners.h"
#include "monotime.h"
#include "session.h"
#include "version.h"

static json_t *
answer_base(void)
{
	return json_pack("{s:i, s:s, s:i}", "version", CONTROL_VERSION,
	    "program", "sockstun " SOCKSTUN_VERSION, "pid", (int)getpid());
}

static double
seconds_since(int64_t ns)
{
	return (double)(monotime_ns() - ns) / MONOTIME_SECOND;
}

static double
milliseconds(int64_t ns)
{
	return (double)ns / (MONOTIME_SECOND / 1000);
}

static json_t *
answer_check(void *arg)
{
	return answer_base();
}

static json_t *
describe_server(const struct session_description *d)
{
	return json_pack("{s:s, s:i, s:s}", "host", d->conf->hostname, "port",
	    d->conf->port, "user", d->conf->user);
}

/* What is known only while the session is up. */
static json_t *
describe_connection(const struct session_description *d)
{
	if (d->state != SESSION_UP)
		return json_null();
	return json_pack("{s:s, s:s, s:f, s:f, s:I, s:I}",
	    "kind", d->native ? "sockstund" : "ssh",
	    "cipher", d->cipher,
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
	return json_pack("{s:s, s:f, s:f, s:I, s:s, s:f, s:o, s:o}",
	    "state", session_state_name(d.state),
	    "since", (double)time(NULL) - seconds,
	    "seconds", seconds,
	    "connections", (json_int_t)d.connections,
	    "last_reason", d.reason,
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
		json_array_append_new(list, json_string(all->list[i].name));
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
	json_object_set_new(answer, "session", describe_session(a->session));
	json_object_set_new(answer, "listeners",
	    describe_listeners(a->listeners));
	json_object_set_new(answer, "flows", json_integer(flows));
	json_object_set_new(answer, "waiting", json_integer(waiting));
	json_object_set_new(answer, "udp_associations",
	    json_integer((json_int_t)a->clients->nassocs));
	return answer;
}

static const char *
conn_state_name(const struct conn *c)
{
	switch (c->state) {
	case CONN_TALK:
		return "talking";
	case CONN_COMMAND:
		return c->waits ? "waiting" : "asked";
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

	if (c->state != CONN_TALK)
		addr_format(&c->dst, dst, sizeof(dst));
	conn_count(c, &up, &down);
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:f, s:I, s:I}",
	    "id", (json_int_t)c->id,
	    "client", c->client,
	    "state", conn_state_name(c),
	    "command", conn_command_name(c),
	    "destination", dst,
	    "seconds", seconds_since(c->began),
	    "bytes_up", (json_int_t)up,
	    "bytes_down", (json_int_t)down);
}

static json_t *
answer_flows(void *arg)
{
	const struct answers *a = arg;
	const struct conn *c;
	json_t *answer = answer_base(), *list = json_array();

	TAILQ_FOREACH(c, &a->clients->conns, entry)
		json_array_append_new(list, describe_conn(c));
	json_object_set_new(answer, "flows", list);
	return answer;
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
	{ "check", answer_check },
	{ "status", answer_status },
	{ "flows", answer_flows },
	{ "reconnect", answer_reconnect },
	{ "stop", answer_stop },
	{ "exit", answer_exit },
	{ NULL, NULL }
};
