/* SPDX-License-Identifier: ISC */
/*
 * Questions to a far end of either kind, whose channels, programs and ports
 * do anything at any time.  A question gets one answer and is then over; the
 * stream that it hands over gives what came behind the replies, no channel
 * is left, and any text of a refusal has a code.
 */
#include <errno.h>

#include <event2/event.h>

#include "addr.h"
#include "cliconf.h"
#include "farend.h"
#include "fuzz.h"
#include "sshloop.h"
#include "sshopen.h"
#include "sshprogram.h"
#include "stream.h"

#define ASKS	6
#define CHANS	32

/* A channel: what the peer has sent on it, and how far it was read. */
struct chan {
	struct sshchan	 chan;		/* first: the two are cast */
	int		 is_open;
	int		 want;
	int		 error;		/* behind what came; -1: the end */
	size_t		 space;
	u_char		 came[1024];
	size_t		 len, off;
	sshprogram_cb	*answered;
	void		*answered_arg;
};

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
	struct chan	*chan;		/* under it */
	size_t		 taken;
} asked[ASKS];

static struct chan *chans[CHANS];
static struct sshforward forwards[ASKS];
static struct event_base *base;
static struct farend farend;
static struct script script;

static ssize_t
chan_read(struct stream *st, void *buf, size_t len)
{
	struct chan *ch = (struct chan *)st;

	if (len > ch->len - ch->off)
		len = ch->len - ch->off;
	if (len == 0) {
		errno = ch->error == 0 ? EAGAIN : ch->error;
		return ch->error == -1 ? 0 : -1;
	}
	memcpy(buf, ch->came + ch->off, len);
	ch->off += len;
	return (ssize_t)len;
}

static ssize_t
chan_write(struct stream *st, const void *buf, size_t len)
{
	struct chan *ch = (struct chan *)st;

	if (len > ch->space)
		len = ch->space;
	ch->space -= len;
	errno = EAGAIN;
	return len == 0 ? -1 : (ssize_t)len;
}

static size_t
chan_space(struct stream *st)
{
	return ((struct chan *)st)->space;
}

static void
chan_want(struct stream *st, int want)
{
	((struct chan *)st)->want = want;
}

static void
chan_end(struct stream *st)
{
	check(((struct chan *)st)->is_open);
}

static void
chan_close(struct stream *st, enum stream_ending ending)
{
	size_t i;

	for (i = 0; chans[i] != (struct chan *)st; i++)
		check(i < CHANS - 1);
	free(chans[i]);
	chans[i] = NULL;
}

static const struct stream_ops chan_ops = {
	chan_read, chan_write, chan_space, chan_want, chan_end, chan_close
};

static struct sshchan *
chan_new(sshchan_open_cb *opened, void *arg)
{
	size_t i;

	for (i = 0; i < CHANS && chans[i] != NULL; i++)
		;
	if (i == CHANS)
		return NULL;
	check((chans[i] = calloc(1, sizeof(*chans[i]))) != NULL);
	chans[i]->chan.stream.ops = &chan_ops;
	chans[i]->chan.opened = opened;
	chans[i]->chan.opened_arg = arg;
	chans[i]->is_open = opened == NULL;
	return &chans[i]->chan;
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
	struct chan *ch = (struct chan *)c;

	check(ch->is_open && ch->answered == NULL && what != NULL);
	ch->answered = cb;
	ch->answered_arg = arg;
	return ch->space == 1 ? -1 : 0;
}

int
sshprogram_exit_status(const struct sshchan *c)
{
	return (int)((const struct chan *)c)->space - 1;
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
		n = socks_decode_reply5(&reply, q->chan->came + begin,
		    q->chan->len - begin);
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
	check(begin + q->taken + len <= q->chan->len);
	check(memcmp(q->chan->came + begin + q->taken, data, len) == 0);
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

/* The channel at the bottom of a stream: itself, or of a spare that cast. */
static struct chan *
chan_of(struct stream *st)
{
	size_t i;

	for (i = 0; i < CHANS; i++)
		if (chans[i] != NULL && (&chans[i]->chan.stream == st ||
		    chans[i]->chan.stream.arg == st))
			return chans[i];
	abort();
}

static void
check_grant(struct asked *q, const struct farend_answer *answer)
{
	struct socks_request req;

	check(answer->stream != NULL);
	q->stream = answer->stream;
	q->chan = chan_of(q->stream);
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
chan_decide(struct chan *ch)
{
	unsigned int how = script_byte(&script) % 8;
	const char *text = peer_text();
	sshprogram_cb *answered = ch->answered;

	ch->answered = NULL;
	if (answered != NULL)
		answered(&ch->chan, how % 3, ch->answered_arg);
	else if (!ch->is_open && how > 3) {
		ch->is_open = 1;
		ch->chan.opened(&ch->chan, 0, text, ch->chan.opened_arg);
	} else if (!ch->is_open) {
		ch->chan.opened(&ch->chan, how == 0 ? SSHCHAN_SESSION_LOST :
		    (int)how, text, ch->chan.opened_arg);
		chan_close(&ch->chan.stream, STREAM_CLOSE);
	}
}

/* Something comes on a channel. */
static void
chan_act(struct chan *ch)
{
	static const int errors[] = { 0, 0, 0, -1, -1, ENETRESET, ECONNRESET };
	struct stream *st = &ch->chan.stream;
	unsigned int what = script_byte(&script);
	size_t n = script_byte(&script);
	const uint8_t *p = script_bytes(&script, &n);

	if (!ch->is_open || ch->error != 0)
		return;
	if (n > sizeof(ch->came) - ch->len)
		n = sizeof(ch->came) - ch->len;
	memcpy(ch->came + ch->len, p, n);
	ch->len += n;
	ch->space += what;
	ch->error = errors[what % 7];
	what /= 7;
	if (st->cb == NULL)
		return;
	if (what % 4 == 0 && ch->error != 0)
		st->cb(st, STREAM_RESET, st->arg);
	else if (what % 4 == 1)
		st->cb(st, STREAM_HANGUP, st->arg);
	else if (what % 4 == 2 && (ch->want & STREAM_WANT_WRITE))
		st->cb(st, STREAM_WRITABLE, st->arg);
	else if (ch->want & STREAM_WANT_READ)
		st->cb(st, STREAM_READABLE, st->arg);
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
	struct chan *ch = chans[op / 8 % CHANS];

	switch (op % 8) {
	case 0: case 1:
		ask(&asked[op / 8 % ASKS]);
		break;
	case 2:
		give_up(&asked[op / 8 % ASKS]);
		break;
	case 3: case 4:
		if (ch != NULL)
			chan_decide(ch);
		break;
	case 5: case 6:
		if (ch != NULL)
			chan_act(ch);
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
	for (i = 0; i < CHANS; i++)
		check(chans[i] == NULL);
	for (i = 0; i < ASKS; i++)
		check(forwards[i].ops == NULL);
	return 0;
}
