/* SPDX-License-Identifier: ISC */
/*
 * A client's whole conversation, over a socket and in pieces, with a far end
 * that answers anything.  What the client hears is well-formed, it and the
 * far end get each other's bytes in order, and no descriptor is left.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <errno.h>

#include <event2/event.h>

#include "addr.h"
#include "cliconf.h"
#include "clients.h"
#include "commands.h"
#include "conn.h"
#include "farend.h"
#include "fuzz.h"
#include "socks.h"
#include "sockstalk.h"
#include "stream.h"

#define MAX	8192		/* bytes of one input, and of an answer */

/* What one side has sent or got, all of it. */
struct bytes {
	u_char	 data[MAX * 2];
	size_t	 len;
};

/* The far end's stream: gives the bytes 0, 1, 2 ... */
struct far {
	struct stream	 stream;
	size_t		 given;
	size_t		 ready;		/* may be given */
	size_t		 space;
	int		 error;
	int		 open;
};

static struct event_base *base;
static struct farend farend;
static struct farend_ask *asked;
static struct far far;
static struct bytes said, heard, got;
static struct script script;
static int answers_at_once, bound;

static void
bytes_add(struct bytes *b, const void *data, size_t len)
{
	check(len <= sizeof(b->data) - b->len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static ssize_t
far_read(struct stream *st, void *buf, size_t len)
{
	u_char *p = buf;
	size_t i;

	check(far.open);
	if (far.ready == 0) {
		errno = far.error == 0 ? EAGAIN : far.error;
		return far.error == -1 ? 0 : -1;
	}
	if (len > far.ready)
		len = far.ready;
	far.ready -= len;
	for (i = 0; i < len; i++)
		p[i] = (u_char)far.given++;
	return (ssize_t)len;
}

static ssize_t
far_write(struct stream *st, const void *buf, size_t len)
{
	check(far.open);
	if (len > far.space)
		len = far.space;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	far.space -= len;
	bytes_add(&got, buf, len);
	return (ssize_t)len;
}

static size_t
far_space(struct stream *st)
{
	return far.space;
}

static void
far_want(struct stream *st, int want)
{
	check(far.open);
}

static void
far_end(struct stream *st)
{
	check(far.open);
}

static void
far_close(struct stream *st, enum stream_ending ending)
{
	check(far.open);
	far.open = 0;
}

static const struct stream_ops far_ops = {
	far_read, far_write, far_space, far_want, far_end, far_close
};

/* Answers the question as the script says. */
static void
far_answer(void)
{
	static u_char surplus[32];
	struct farend_ask *a = asked;
	struct farend_answer answer = { .hint = "" };
	char text[64] = "";
	size_t n;

	if (a == NULL)
		return;
	answer.result = script_byte(&script) % 4;
	answer.rep = (int)script_byte(&script);
	n = 32;
	socks_decode_addr(&answer.bnd, script.p, script.len);
	memcpy(text, script_bytes(&script, &n), n);
	answer.text = text;
	if (a->cmd != SOCKS_CMD_BIND && answer.result == FAREND_BOUND)
		answer.result = FAREND_GRANTED;
	if (a->cmd == SOCKS_CMD_BIND && answer.result <= FAREND_GRANTED)
		answer.result = bound++ ? FAREND_GRANTED : FAREND_BOUND;
	if (answer.result == FAREND_GRANTED) {
		far.stream.ops = &far_ops;
		far.open = 1;
		far.ready = n;
		far.space = n * 8;
		far_read(&far.stream, surplus, n);
		far.ready = n;
		answer.stream = &far.stream;
		answer.surplus = surplus;
		answer.surplus_len = far.given;
	}
	if (answer.result != FAREND_BOUND) {
		asked = NULL;
		a->farend = NULL;
	}
	a->cb(&answer, a->arg);
}

void
farend_ask(struct farend_ask *a, struct farend *f, enum socks_cmd cmd,
    const struct addr *dst, farend_cb *cb, void *arg)
{
	check(asked == NULL && a->farend == NULL);
	asked = a;
	a->farend = f;
	a->cmd = cmd;
	a->dst = dst;
	a->cb = cb;
	a->arg = arg;
	bound = 0;
	if (answers_at_once)
		far_answer();
}

void
farend_await(struct farend_ask *a)
{
	check(asked == a && bound);
	if (answers_at_once)
		far_answer();
}

void
farend_cancel(struct farend_ask *a)
{
	check(a->farend == NULL || asked == a);
	if (a->farend != NULL)
		asked = NULL;
	a->farend = NULL;
}

/* Something happens to the far end's stream. */
static void
far_act(unsigned int what)
{
	static const int errors[] = { 0, 0, -1, -1, ECONNRESET, ENETRESET };

	if (!far.open || far.stream.cb == NULL)
		return;
	far.ready += what >> 3;
	far.space += what;
	far.error = errors[what % 6];
	far.stream.cb(&far.stream, what % 7 == 0 ? STREAM_RESET :
	    what % 7 == 1 ? STREAM_HANGUP : what % 7 < 5 ? STREAM_READABLE :
	    STREAM_WRITABLE, far.stream.arg);
}

static void
hear(int client)
{
	u_char buf[4096];
	ssize_t n;

	event_base_loop(base, EVLOOP_NONBLOCK);
	while ((n = recv(client, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		bytes_add(&heard, buf, (size_t)n);
}

/* One step; 0 when the client has gone. */
static int
play(int client)
{
	unsigned int op = script_byte(&script);
	const uint8_t *p;
	size_t n = op >> 3;

	switch (op % 8) {
	case 0: case 1: case 2: case 3:
		p = script_bytes(&script, &n);
		if (send(client, p, n, MSG_NOSIGNAL) > 0)
			bytes_add(&said, p, n);
		break;
	case 4:
		far_answer();
		break;
	case 5:
		shutdown(client, SHUT_WR);
		break;
	case 6:
		far_act(script_byte(&script));
		break;
	case 7:
		return n > 0;
	}
	hear(client);
	return 1;
}

/* The bytes of what the client has said up to its request's end, or 0. */
static size_t
request_end(struct socks_request *q)
{
	struct socks_greeting g;
	ssize_t n = 0, m;

	q->cmd = 0;
	if (said.len > 0 && said.data[0] == 4)
		m = socks_decode_request4(q, said.data, said.len);
	else if ((n = socks_decode_greeting(&g, said.data, said.len)) > 0)
		m = socks_decode_request5(q, said.data + n,
		    said.len - (size_t)n);
	else
		m = 0;
	return m > 0 ? (size_t)(n + m) : 0;
}

/* The bytes of one reply, which is whole and proper. */
static size_t
check_reply(const u_char *p, size_t len, int version)
{
	struct socks_reply r;
	ssize_t n;

	if (version == 4) {
		check(len >= 8 && p[0] == 0 && p[1] >= 90 && p[1] <= 93);
		check(p[1] == 90 || len == 8);
		return 8;
	}
	n = socks_decode_reply5(&r, p, len);
	check(n > 0 && (r.rep == SOCKS_REP_OK || (size_t)n == len));
	return (size_t)n;
}

/* The greeting's answer, replies, and then the bytes of the other side. */
static void
check_heard(void)
{
	struct socks_request q;
	size_t i, len = 0, end = request_end(&q);
	int version = said.len == 0 ? 0 : said.data[0];
	int replies = q.cmd == SOCKS_CMD_BIND ? 2 : 1;

	check(heard.len == 0 || version == 4 || version == 5);
	if (version == 5 && heard.len > 0) {
		check(heard.len >= 2 && heard.data[0] == 5);
		check(heard.data[1] == 0 || heard.len == 2);
		len = 2;
	}
	for (; len < heard.len && replies > 0; replies--)
		len += check_reply(heard.data + len, heard.len - len, version);
	for (i = 0; len + i < heard.len; i++)
		check(heard.data[len + i] == (u_char)i);
	if (q.cmd == SOCKS_CMD_CONNECT || q.cmd == SOCKS_CMD_BIND)
		check(got.len <= said.len - end &&
		    memcmp(got.data, said.data + end, got.len) == 0);
	else
		check(q.cmd == SOCKS_CMD_UDP || got.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cliconf conf = {
		.max_udp_assocs = 1, .udp_timeout = 9
	};
	struct clients clients;
	int fds[2], before;

	if (size > MAX)
		return 0;
	if (base == NULL) {
		base = event_base_new();
		fuzz_watch_log();
	}
	before = fuzz_next_fd();
	script = (struct script){ data, size };
	answers_at_once = script_byte(&script) & 1;
	memset(&far, 0, sizeof(far));
	said.len = heard.len = got.len = 0;
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	clients_init(&clients, base, &conf, commands, &sockstalk);
	clients.farend = &farend;
	conn_new(&clients, fds[1], "client");
	while (script.len > 0 && play(fds[0]))
		;
	hear(fds[0]);
	close(fds[0]);
	event_base_loop(base, EVLOOP_NONBLOCK);
	clients_clear(&clients);
	check(!far.open && asked == NULL && fuzz_next_fd() == before);
	check_heard();
	return 0;
}
