/* SPDX-License-Identifier: ISC */
/*
 * One connection of a client: its buffers, its life, its answers.
 *
 *	TALK --> COMMAND --> FLOW
 *	  |         |          ^
 *	  '---------+----------'
 *	    as a farewell, when it is refused
 *
 * How a client talks is its dialect's affair, and what a command does is the
 * command's: both are given by tables.  Bytes that follow the request at once
 * are kept for the flow.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "buf.h"
#include "clients.h"
#include "conn.h"
#include "farend.h"
#include "flow.h"
#include "log.h"
#include "monotime.h"
#include "socks.h"
#include "stream.h"

/* Bytes of a request and of what follows it before the flow stands. */
#define CONN_EARLY_MAX	32768
/* Bytes of answers that wait: to a greeting, and two replies. */
#define CONN_ANSWERS_MAX	(3 * SOCKS5_MESSAGE_MAX)
/* Bytes of a far end's reason that reach the log. */
#define CONN_REASON_MAX	256

static void
conn_stop_waiting(struct conn *c)
{
	if (c->waits)
		TAILQ_REMOVE(&c->clients->waiting, c, turn);
	c->waits = 0;
}

/* Gives up what the command has begun, once. */
static void
conn_cancel(struct conn *c)
{
	void (*cancel)(struct conn *) = c->cancel;

	farend_cancel(&c->ask);
	conn_stop_waiting(c);
	c->cancel = NULL;
	if (cancel != NULL)
		cancel(c);
}

/*
 * Ends a connection that is no flow yet, or no longer: what its command has
 * begun is given up.
 */
void
conn_free(struct conn *c)
{
	struct clients *all = c->clients;

	conn_cancel(c);
	TAILQ_REMOVE(&c->clients->conns, c, entry);
	if (c->local != NULL)
		c->local->ops->close(c->local, STREAM_CLOSE);
	deadline_stop(&c->deadline);
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c->client);
	free(c);
	if (TAILQ_EMPTY(&all->conns) && all->idle != NULL)
		all->idle(all->arg);
}

/* Ends a connection now, whatever its state; a flow's ends see a reset. */
void
conn_abort(struct conn *c)
{
	if (c->state == CONN_FLOW)
		flow_abort(c->flow);
	else
		conn_free(c);
}

/* The name of the command, "CONNECT" for the usual one; "" before it. */
const char *
conn_command_name(const struct conn *c)
{
	if (c->command == NULL)
		return "";
	return *c->command->name != '\0' ? c->command->name : "CONNECT";
}

/* The bytes that the client has sent and received through the far end. */
void
conn_count(const struct conn *c, uint64_t *up, uint64_t *down)
{
	*up = c->up_bytes;
	*down = c->down_bytes;
	if (c->state == CONN_FLOW)
		flow_count(c->flow, up, down);
}

static void
conn_done_cb(const struct flow_summary *sum, void *arg)
{
	struct conn *c = arg;

	if (c->label[0] != '\0')
		log_verbose("flow %llu: %s: %s after %.1f s, %llu bytes sent, "
		    "%llu received", (unsigned long long)c->id, c->label,
		    sum->ending == STREAM_ABORT ? "reset" : "closed",
		    sum->seconds, (unsigned long long)sum->a_to_b,
		    (unsigned long long)sum->b_to_a);
	conn_free(c);
}

static void
conn_want(struct conn *c)
{
	c->local->ops->want(c->local, c->want |
	    (buf_len(&c->out) > 0 ? STREAM_WANT_WRITE : 0));
}

/* Nothing more is read before the flow. */
void
conn_stop_reading(struct conn *c)
{
	c->want = 0;
	conn_want(c);
}

/* Sends what waits.  -1 when the client takes nothing any more. */
static int
conn_flush(struct conn *c)
{
	ssize_t n;

	n = c->local->ops->write(c->local, buf_data(&c->out),
	    buf_len(&c->out));
	if (n == -1 && errno != EAGAIN)
		return -1;
	if (n > 0)
		buf_consume(&c->out, (size_t)n);
	conn_want(c);
	return 0;
}

/*
 * Sends an answer, now or when the client takes it.  -1 when it never will, or
 * memory is out; the connection is still there.
 */
int
conn_send(struct conn *c, const u_char *data, size_t len)
{
	ssize_t n = 0;

	if (buf_len(&c->out) == 0) {
		n = c->local->ops->write(c->local, data, len);
		if (n == -1 && errno != EAGAIN)
			return -1;
		if (n == -1)
			n = 0;
	}
	if ((size_t)n == len)
		return 0;
	if (buf_append(&c->out, data + n, len - (size_t)n) == -1)
		return -1;
	conn_want(c);
	return 0;
}

/*
 * Sends these last bytes to the client and lets it go; the connection may be
 * gone after it.
 */
void
conn_dismiss(struct conn *c, const u_char *data, size_t len)
{
	deadline_stop(&c->deadline);
	c->label[0] = '\0';
	if (buf_len(&c->out) > 0) {
		if (buf_append(&c->out, data, len) == -1) {
			conn_free(c);
			return;
		}
		data = buf_data(&c->out);
		len = buf_len(&c->out);
	}
	c->flow = flow_farewell(c->clients->base, c->local, data, len,
	    conn_done_cb, c);
	if (c->flow == NULL) {
		conn_free(c);
		return;
	}
	c->state = CONN_FLOW;
	c->local = NULL;
	flow_start(c->flow);
}

static size_t
conn_encode(const struct conn *c, u_char reply[SOCKS5_MESSAGE_MAX], int rep,
    const struct addr *bnd)
{
	return c->dialect->encode_reply(reply, SOCKS5_MESSAGE_MAX,
	    (enum socks_rep)rep, bnd);
}

/*
 * Gives the command up and tells the client the outcome, an enum socks_rep or
 * whatever the far end sent, with an address if there is one; the connection
 * may be gone after it.
 */
void
conn_end(struct conn *c, int rep, const struct addr *bnd)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	conn_cancel(c);
	len = conn_encode(c, reply, rep, bnd);
	conn_dismiss(c, reply, len);
}

/*
 * Refuses the request with an enum socks_rep, or whatever the far end sent;
 * the connection may be gone after it.
 */
void
conn_refuse(struct conn *c, int rep)
{
	conn_end(c, rep, NULL);
}

/* Refuses it as the far end has, with a line in the log. */
static void
conn_pass_refusal(struct conn *c, const struct farend_answer *answer)
{
	char text[CONN_REASON_MAX * 4];

	log_verbose("flow %llu: %s: %s%s", (unsigned long long)c->id, c->label,
	    log_safe(answer->text, strlen(answer->text), text, sizeof(text)),
	    answer->hint);
	conn_refuse(c, answer->rep);
}

/* Refuses it, with a line in the log that says why. */
void
conn_fail(struct conn *c, int rep, const char *why)
{
	struct farend_answer answer = {
		.rep = rep,
		.text = why,
		.hint = "",
	};

	conn_pass_refusal(c, &answer);
}

/* Has a reply in the client's dialect a form for this address? */
int
conn_can_tell(const struct conn *c, const struct addr *bnd)
{
	return c->dialect->can_tell == NULL || c->dialect->can_tell(bnd);
}

/*
 * Sends a reply of success, after which the command goes on.  -1 when the
 * client does not take it; the connection is still there.
 */
int
conn_tell(struct conn *c, const struct addr *bnd)
{
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	len = conn_encode(c, reply, SOCKS_REP_OK, bnd);
	return conn_send(c, reply, len);
}

/*
 * Joins the client with the stream that the far end granted, which is
 * consumed, after a reply of success.  The command is over, and the connection
 * may be gone when this returns.
 */
void
conn_join(struct conn *c, const struct farend_answer *answer)
{
	struct stream *far = answer->stream;
	struct flow *f;
	u_char reply[SOCKS5_MESSAGE_MAX];
	size_t len;

	len = conn_encode(c, reply, SOCKS_REP_OK, &answer->bnd);
	f = flow_new(c->clients->base, c->local, far, conn_done_cb, c);
	if (f == NULL) {
		far->ops->close(far, STREAM_ABORT);
		conn_free(c);
		return;
	}
	c->local = NULL;
	c->flow = f;
	c->state = CONN_FLOW;
	if (flow_prefix_to_a(f, buf_data(&c->out), buf_len(&c->out)) == -1 ||
	    flow_prefix_to_a(f, reply, len) == -1 ||
	    flow_prefix_to_a(f, answer->surplus, answer->surplus_len) == -1 ||
	    flow_prefix_to_b(f, answer->first, answer->first_len) == -1 ||
	    flow_prefix_to_b(f, buf_data(&c->in), buf_len(&c->in)) == -1) {
		flow_abort(f);
		return;
	}
	buf_clear(&c->in);
	buf_clear(&c->out);
	flow_start(f);
}

/* Says that there is no far end, but a client that wants one. */
static void
conn_miss_farend(struct conn *c)
{
	if (c->clients->want != NULL)
		c->clients->want(c->clients->arg);
}

/* There is no far end, or it was lost before it answered: the next is asked. */
static void
conn_wait(struct conn *c)
{
	c->waits = 1;
	TAILQ_INSERT_TAIL(&c->clients->waiting, c, turn);
	conn_miss_farend(c);
}

static void
conn_answer_cb(const struct farend_answer *answer, void *arg)
{
	struct conn *c = arg;

	/* An association or a flow lasts as long as it may. */
	if (answer->result != FAREND_LOST)
		deadline_stop(&c->deadline);
	switch (answer->result) {
	case FAREND_BOUND:
		c->told_bound = 1;
		deadline_set(&c->deadline, &c->clients->peers, c);
		/* FALLTHROUGH */
	case FAREND_GRANTED:
		c->granted(c, answer);
		break;
	case FAREND_LOST:
		if (!c->told_bound && c->clients->may_come) {
			conn_wait(c);
			break;
		}
		/* FALLTHROUGH */
	case FAREND_REFUSED:
		conn_pass_refusal(c, answer);
		break;
	}
}

/* Asks the far end that is there now, or waits for one, or is refused. */
void
conn_ask_again(struct conn *c)
{
	conn_stop_waiting(c);
	if (c->clients->farend != NULL)
		farend_ask(&c->ask, c->clients->farend, c->asked_cmd,
		    c->asked_dst, conn_answer_cb, c);
	else if (c->clients->may_come)
		conn_wait(c);
	else {
		conn_miss_farend(c);
		conn_fail(c, SOCKS_REP_GENERAL, "no session");
	}
}

/*
 * Asks the far end, the next one if there is none now.  The destination must
 * stay where it is until the answer; the callback comes only if what is asked
 * is granted.  It may be called, or the connection be refused and gone, before
 * this returns.
 */
void
conn_ask(struct conn *c, enum socks_cmd cmd, const struct addr *dst,
    conn_granted_cb *granted)
{
	c->asked_cmd = cmd;
	c->asked_dst = dst;
	c->granted = granted;
	conn_ask_again(c);
}

/*
 * Has the command run that the client asks for, an enum socks_cmd or anything;
 * the connection may be gone after it.
 */
void
conn_begin(struct conn *c, int cmd, const struct addr *dst)
{
	const struct command *command = c->clients->commands;
	char name[ADDR_STRLEN];

	while (command->start != NULL && (int)command->cmd != cmd)
		command++;
	if (command->start == NULL) {
		log_info("client %s: command %d is not known", c->client,
		    cmd);
		conn_refuse(c, SOCKS_REP_COMMAND);
		return;
	}
	deadline_set(&c->deadline, &c->clients->answers, c);
	c->state = CONN_COMMAND;
	c->command = command;
	c->dst = *dst;
	snprintf(c->label, sizeof(c->label), "%s%s%s", command->name,
	    *command->name != '\0' ? " " : "",
	    addr_format(dst, name, sizeof(name)));
	log_debug("flow %llu: %s: for %s", (unsigned long long)c->id,
	    c->label, c->client);
	command->start(c);
}

/*
 * Reads what the client sends, as far as there is room.  Bytes, 0 at the end,
 * or -1 and errno: EAGAIN when there is nothing now, ENOBUFS when there is no
 * room.
 */
ssize_t
conn_read(struct conn *c)
{
	struct stream *st = c->local;
	size_t room = buf_space(&c->in);
	u_char *space;
	ssize_t n;

	if (room == 0 || (space = buf_reserve(&c->in, room)) == NULL) {
		conn_stop_reading(c);
		errno = ENOBUFS;
		return -1;
	}
	if ((n = st->ops->read(st, space, room)) > 0)
		buf_commit(&c->in, (size_t)n);
	return n;
}

/* Reads the conversation, and early data while a command is under way. */
static void
conn_readable(struct conn *c)
{
	ssize_t n = conn_read(c);

	if (n == -1 && (errno == EAGAIN ||
	    (errno == ENOBUFS && c->state == CONN_COMMAND)))
		return;
	if (n == -1 || (n == 0 && c->state != CONN_COMMAND)) {
		if (n == 0 && buf_len(&c->in) > 0)
			log_info("client %s: ended in the middle of its "
			    "request", c->client);
		conn_free(c);
		return;
	}
	if (n == 0)
		/* It may have sent all and wait for the answer. */
		conn_stop_reading(c);
	else if (c->state != CONN_COMMAND)
		c->dialect->read(c);
}

static void
conn_local_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct conn *c = arg;

	if (ev == STREAM_READABLE)
		c->readable(c);
	else if (ev == STREAM_RESET || conn_flush(c) == -1)
		conn_free(c);
}

void
conn_late_request(void *arg)
{
	struct conn *c = arg;

	log_info("client %s: no request within %d seconds", c->client,
	    c->clients->requests.seconds);
	conn_free(c);
}

/* Whatever it is that does not answer: the far end, or the way there. */
void
conn_late_answer(void *arg)
{
	struct conn *c = arg;
	char why[64];

	snprintf(why, sizeof(why), "no answer within %d seconds",
	    c->clients->answers.seconds);
	conn_fail(c, SOCKS_REP_TTL, why);
}

void
conn_late_peer(void *arg)
{
	conn_fail(arg, SOCKS_REP_TTL, "nobody came in time");
}

/* Which process has connected to a Unix socket, or 0. */
static pid_t
conn_peer_pid(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1)
		return 0;
	return peer.pid;
}

/*
 * Serves a client that just connected; the descriptor is non-blocking and
 * owned from now on, client names it in the log.
 */
void
conn_new(struct clients *all, int fd, const char *client)
{
	struct conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		close(fd);
		return;
	}
	c->clients = all;
	c->id = ++all->last_id;
	c->began = monotime_ns();
	c->fd = fd;
	c->pid = conn_peer_pid(fd);
	c->dialect = all->dialect;
	buf_init(&c->in, CONN_EARLY_MAX);
	buf_init(&c->out, CONN_ANSWERS_MAX);
	c->readable = conn_readable;
	c->want = STREAM_WANT_READ;
	TAILQ_INSERT_TAIL(&all->conns, c, entry);
	c->client = strdup(client);
	if ((c->local = sockstream_new(all->base, fd)) == NULL)
		close(fd);
	if (c->client == NULL || c->local == NULL) {
		log_warnx("client %s: out of memory", client);
		conn_free(c);
		return;
	}
	deadline_set(&c->deadline, &all->requests, c);
	c->local->cb = conn_local_cb;
	c->local->arg = c;
	conn_want(c);
}
