/* SPDX-License-Identifier: ISC */
/*
 * Questions to a far end of either kind, whose channels, programs and ports
 * do anything at any time.  A question gets one answer and is then over; the
 * stream that it hands over gives what came behind the replies, no channel
 * is left, and any text of a refusal has a code.
 */
#include <event2/event.h>

#include "addr.h"
#include "cliconf.h"
#include "farend.h"
#include "fuzz.h"
#include "sshloop.h"
#include "sshopen.h"
#include "sshprogram.h"
#include "stream.h"
#include "tube.h"

#define ASKS	6

struct sshforward {
	const struct sshforward_ops *ops;
	void		*arg;
	int		 listens;
};

/* A question, and the stream that its answer brought. */
static struct asked {
	struct farend_ask ask;
	struct addr	 dst;
	int		 pending;
	int		 bound;
	int		 replies;	/* before the stream's own bytes */
	struct stream	*stream;
	struct tube	*tube;		/* under it */
	size_t		 taken;
} asked[ASKS];

static struct sshforward forwards[ASKS];
static sshprogram_cb *answered;
static struct event_base *base;
static struct farend farend;
static struct script script;

static struct sshchan *
chan_new(sshchan_open_cb *opened, void *arg)
{
	struct tube *t = tube_new();

	if (t == NULL)
		return NULL;
	t->chan.opened = opened;
	t->chan.opened_arg = arg;
	t->chan.state = opened == NULL ? SSHCHAN_OPEN : SSHCHAN_OPENING;
	return &t->chan;
}

struct sshchan *
sshopen_direct(struct sshchans *all, const char *host, int port,
    const char *origin, int origin_port, sshchan_open_cb *cb, void *arg)
{
	return chan_new(cb, arg);
}

struct sshchan *
sshprogram_open(struct sshchans *all, sshchan_open_cb *cb, void *arg)
{
	return chan_new(cb, arg);
}

int
sshprogram_request(struct sshchan *c, enum sshprogram_kind kind,
    const char *what, sshprogram_cb *cb, void *arg)
{
	check(c->state == SSHCHAN_OPEN && what != NULL);
	if (((struct tube *)c)->space == 1)
		return -1;
	c->state = SSHCHAN_PENDING;
	c->kind_data = arg;
	answered = cb;
	return 0;
}

int
sshprogram_exit_status(const struct sshchan *c)
{
	return (int)((const struct tube *)c)->space - 1;
}

struct sshforward *
sshforward_listen(struct sshforwards *all, const char *host, int port,
    const struct sshforward_ops *ops, void *arg)
{
	size_t i;

	for (i = 0; i < ASKS; i++)
		if (forwards[i].ops == NULL) {
			forwards[i].ops = ops;
			forwards[i].arg = arg;
			return &forwards[i];
		}
	return NULL;
}

void
sshforward_close(struct sshforward *f)
{
	check(f->ops != NULL);
	memset(f, 0, sizeof(*f));
}

/* Text that a peer chose. */
static const char *
peer_text(void)
{
	static char text[SSHCHAN_REASON_MAX];
	size_t n = script_byte(&script);
	const uint8_t *p = script_bytes(&script, &n);

	memcpy(text, p, n);
	text[n] = '\0';
	return text;
}

/* Where the stream's own bytes begin in what came on its channel. */
static size_t
stream_begin(const struct asked *q)
{
	struct socks_reply reply;
	size_t begin = 0;
	ssize_t n;
	int i;

	for (i = 0; i < q->replies; i++) {
		n = socks_decode_reply5(&reply, q->tube->came + begin,
		    q->tube->len - begin);
		check(n > 0 && reply.rep == SOCKS_REP_OK);
		begin += (size_t)n;
	}
	return begin;
}

static void
check_taken(struct asked *q, const void *data, size_t len)
{
	size_t begin;

	if (len == 0)
		return;
	begin = stream_begin(q);
	check(begin + q->taken + len <= q->tube->len);
	check(memcmp(q->tube->came + begin + q->taken, data, len) == 0);
	q->taken += len;
}

static void
stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct asked *q = arg;
	u_char buf[300];
	ssize_t n;

	if (ev == STREAM_WRITABLE)
		return;
	while ((n = st->ops->read(st, buf, sizeof(buf))) > 0)
		check_taken(q, buf, (size_t)n);
	if (n == 0 || errno != EAGAIN || ev == STREAM_RESET) {
		q->stream = NULL;
		st->ops->close(st, STREAM_CLOSE);
	}
}

/* The tube at the bottom of a stream: itself, or that of a spare. */
static struct tube *
tube_of(struct stream *st)
{
	size_t i;

	for (i = 0; i < TUBES; i++)
		if (tubes[i] != NULL && (&tubes[i]->chan.stream == st ||
		    tubes[i]->chan.stream.arg == st))
			return tubes[i];
	abort();
}

static void
check_grant(struct asked *q, const struct farend_answer *answer)
{
	struct socks_request req;

	check(answer->stream != NULL);
	q->stream = answer->stream;
	q->tube = tube_of(q->stream);
	q->replies = q->ask.fallback != NULL || (!farend.native &&
	    q->ask.cmd == SOCKS_CMD_CONNECT) ? 0 : 1 + q->bound;
	check(answer->first_len == 0 ||
	    socks_decode_request5(&req, answer->first, answer->first_len) ==
	    (ssize_t)answer->first_len);
	check_taken(q, answer->surplus, answer->surplus_len);
	q->stream->cb = stream_cb;
	q->stream->arg = q;
	q->stream->ops->want(q->stream, STREAM_WANT_READ);
}

static void
answer_cb(const struct farend_answer *answer, void *arg)
{
	struct asked *q = arg;

	check(q->pending);
	if (answer->result == FAREND_BOUND) {
		check(q->ask.cmd == SOCKS_CMD_BIND && !q->bound);
		q->bound = 1;
		farend_await(&q->ask);
		return;
	}
	q->pending = 0;
	if (answer->result == FAREND_GRANTED) {
		check(q->bound == (q->ask.cmd == SOCKS_CMD_BIND));
		check_grant(q, answer);
	} else
		check(answer->text != NULL && answer->hint != NULL);
}

static void
ask(struct asked *q)
{
	static const enum socks_cmd cmds[] = { SOCKS_CMD_CONNECT,
	    SOCKS_CMD_BIND, SOCKS_CMD_UDP, SOCKS_CMD_RESOLVE,
	    SOCKS_CMD_RESOLVE_PTR };
	enum socks_cmd cmd = cmds[script_byte(&script) % 5];
	ssize_t n;
	size_t len;

	if (q->pending || q->stream != NULL)
		return;
	memset(q, 0, sizeof(*q));
	if ((n = socks_decode_addr(&q->dst, script.p, script.len)) <= 0)
		return;
	len = (size_t)n;
	script_bytes(&script, &len);
	q->pending = 1;
	farend_ask(&q->ask, &farend, cmd, &q->dst, answer_cb, q);
}

/* A question is given up, or the stream that it brought. */
static void
give_up(struct asked *q)
{
	if (q->pending)
		farend_cancel(&q->ask);
	if (q->stream != NULL)
		q->stream->ops->close(q->stream, STREAM_CLOSE);
	q->pending = 0;
	q->stream = NULL;
}

/* A channel is opened or refused, or its program runs or does not. */
static void
chan_decide(struct sshchan *c)
{
	unsigned int how = script_byte(&script) % 8;
	const char *text = peer_text();

	if (c->state == SSHCHAN_PENDING) {
		c->state = SSHCHAN_OPEN;
		answered(c, how % 3, c->kind_data);
	} else if (c->state == SSHCHAN_OPENING && how > 3) {
		c->state = SSHCHAN_OPEN;
		c->opened(c, SSHCHAN_NO_FAILURE, text, c->opened_arg);
	} else if (c->state == SSHCHAN_OPENING) {
		c->opened(c, how == 0 ? SSHCHAN_SESSION_LOST : (int)how, text,
		    c->opened_arg);
		tube_close(&c->stream, STREAM_CLOSE);
	}
}

/* Something happens to a port that the server was to listen on. */
static void
forward_act(struct sshforward *f)
{
	unsigned int what = script_byte(&script);
	const char *host = peer_text();
	struct sshchan *chan;

	if (f->ops == NULL)
		return;
	if (!f->listens && what % 4 > 1)
		f->ops->failed(what % 4 == 2 ? SSHCONN_REFUSED : SSHCONN_LOST,
		    f->arg);
	else if (!f->listens) {
		f->listens = 1;
		f->ops->listening(f->arg);
	} else if (f->ops->permit(host, (int)what, f->arg) &&
	    (chan = chan_new(NULL, NULL)) != NULL)
		f->ops->connected(chan, host, (int)what, f->arg);
}

static void
play(void)
{
	unsigned int op = script_byte(&script);
	struct tube *t = tubes[op / 8 % TUBES];

	switch (op % 8) {
	case 0: case 1:
		ask(&asked[op / 8 % ASKS]);
		break;
	case 2:
		give_up(&asked[op / 8 % ASKS]);
		break;
	case 3: case 4:
		if (t != NULL)
			chan_decide(&t->chan);
		break;
	case 5: case 6:
		if (t != NULL && t->chan.state == SSHCHAN_OPEN)
			tube_act(t, &script);
		break;
	case 7:
		forward_act(&forwards[op / 8 % ASKS]);
		break;
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sshloop loop;
	static char none[] = "none";
	struct cliconf conf = { 0 };
	unsigned int kind;
	size_t i;

	if (base == NULL) {
		base = event_base_new();
		fuzz_watch_log();
	}
	script = (struct script){ data, size };
	kind = script_byte(&script);
	conf.fast_open = kind >> 1 & 1;
	conf.remote_helper = kind & 4 ? none : NULL;
	check(farend_init(&farend, base, &loop, &conf, kind & 1) == 0);
	while (script.len > 0)
		play();
	for (i = 0; i < ASKS; i++)
		give_up(&asked[i]);
	farend_clear(&farend);
	tubes_check_closed();
	for (i = 0; i < ASKS; i++)
		check(forwards[i].ops == NULL);
	return 0;
}
