/* SPDX-License-Identifier: ISC */
/*
 * Asks a far end for a service:
 *
 *	sockstund:	OPENING a channel in the service's name ----.
 *	a stock sshd:	STARTING the helper --> WRITING a request --+--> READING
 *
 * and hands the stream over when its first reply is read.  What the service
 * does then is the owner's affair.
 *
 * An sshd permits few helpers at once (MaxSessions), so of those that look a
 * name up and end, some take turns.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdlib.h>

#include "addr.h"
#include "buf.h"
#include "farend.h"
#include "helper.h"
#include "refusal.h"
#include "protocol.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"
#include "tunnel.h"

/* Helpers that look names up, at once. */
#define FAREND_LOOKUPS		4
/* A reply that is not whole, and one more read. */
#define FAREND_REPLY_MAX	(2 * SOCKS5_MESSAGE_MAX)

static const char no_session[] = " (the server opens no further session "
    "channel: see MaxSessions in its sshd_config)";

enum ask_turn {
	TURN_NONE,		/* it needs none */
	TURN_WAITING,
	TURN_TAKEN
};

struct farend_ask {
	TAILQ_ENTRY(farend_ask)	 entry;		/* while TURN_WAITING */
	enum ask_turn		 turn;
	struct tunnel		*tunnel;
	farend_cb		*cb;
	void			*arg;
	struct sshchan		*opening;	/* until it is open */
	struct helper_run	 run;
	struct stream		*stream;	/* from then on */
	struct buf		 out;		/* of the request */
	struct buf		 in;
};

/* Does the far end have services, as far as is known? */
int
farend_serves(const struct tunnel *t)
{
	return t->native || !helper_is_missing(&t->helper);
}

/*
 * Reads a reply from a stream into the buffer, which has room for two of
 * them.  Returns the bytes it took once it is whole, and what follows it in
 * the buffer is of the stream; else one of enum farend_error.
 */
int
farend_read_reply(struct stream *st, struct buf *in, struct socks_reply *r)
{
	u_char *space;
	ssize_t n;

	for (;;) {
		n = socks_decode_reply5(r, buf_data(in), buf_len(in));
		if (n != 0)
			return n > 0 ? (int)n : FAREND_EBAD;
		space = buf_reserve(in, SOCKS5_MESSAGE_MAX);
		if (space == NULL)
			return FAREND_EBAD;
		n = st->ops->read(st, space, SOCKS5_MESSAGE_MAX);
		if (n == -1 && errno == EAGAIN)
			return FAREND_MORE;
		if (n <= 0)
			return n == -1 && errno == ENETRESET ? FAREND_ELOST :
			    FAREND_EEND;
		buf_commit(in, (size_t)n);
	}
}

/* What farend_read_reply returned, as text. */
const char *
farend_strerror(int error)
{
	switch (error) {
	case FAREND_EBAD:
		return "the far end sent no proper reply";
	case FAREND_EEND:
		return "the far end ended without a reply";
	case FAREND_ELOST:
		return "session lost";
	default:
		return "the far end has not replied";
	}
}

static void	farend_next_lookup(struct tunnel *);

static void
ask_free(struct farend_ask *a)
{
	struct tunnel *t = a->tunnel;
	enum ask_turn turn = a->turn;

	if (turn == TURN_WAITING)
		TAILQ_REMOVE(&t->lookups, a, entry);
	buf_clear(&a->out);
	buf_clear(&a->in);
	free(a);
	if (turn == TURN_TAKEN) {
		t->nlookups--;
		farend_next_lookup(t);
	}
}

/* Ends the question with an answer; an unused stream is closed. */
static void
ask_finish(struct farend_ask *a, struct farend_answer *answer)
{
	if (answer->rep != SOCKS_REP_OK && a->stream != NULL)
		a->stream->ops->close(a->stream, STREAM_CLOSE);
	a->cb(answer, a->arg);
	ask_free(a);
}

static void
ask_fail(struct farend_ask *a, int rep, const char *text, const char *hint)
{
	struct farend_answer answer = {
		.rep = rep,
		.text = text,
		.hint = hint,
	};

	ask_finish(a, &answer);
}

/* Nobody at the far end took the request. */
static void
ask_unserved(struct farend_ask *a, int rep, const char *text,
    const char *hint)
{
	struct farend_answer answer = {
		.rep = rep,
		.text = text,
		.hint = hint,
		.unserved = 1,
	};

	ask_finish(a, &answer);
}

static void
ask_no_reply(struct farend_ask *a, int error)
{
	/* With the session everything ends; that says nothing of the helper. */
	if (error == FAREND_ELOST || a->tunnel->native ||
	    a->tunnel->helper.answered) {
		ask_fail(a, SOCKS_REP_GENERAL, farend_strerror(error), "");
		return;
	}
	helper_mute(&a->tunnel->helper, a->stream, error == FAREND_EBAD ?
	    "what answers is something else; does a shell's start-up file "
	    "print something?" : "it ended without a reply");
	ask_unserved(a, SOCKS_REP_COMMAND, "no helper", "");
}

static void
ask_read(struct farend_ask *a, enum stream_event ev)
{
	struct socks_reply reply;
	struct farend_answer answer = { .text = "", .hint = "" };
	int n;

	n = farend_read_reply(a->stream, &a->in, &reply);
	if (n == FAREND_MORE && ev != STREAM_RESET)
		return;
	/* A shell's exit status comes after the end of what it wrote. */
	if (n == FAREND_EEND && ev == STREAM_READABLE && !a->tunnel->native) {
		a->stream->ops->want(a->stream, 0);
		return;
	}
	if (n <= 0) {
		ask_no_reply(a, n == FAREND_MORE ? FAREND_EEND : n);
		return;
	}
	a->tunnel->helper.answered = 1;
	answer.rep = reply.rep;
	answer.bnd = reply.bnd;
	if (reply.rep == SOCKS_REP_OK) {
		answer.stream = a->stream;
		answer.surplus = buf_data(&a->in) + n;
		answer.len = buf_len(&a->in) - (size_t)n;
	} else
		answer.text = socks_rep_name(reply.rep);
	ask_finish(a, &answer);
}

static void
ask_write(struct farend_ask *a)
{
	struct stream *st = a->stream;
	ssize_t n;

	n = st->ops->write(st, buf_data(&a->out), buf_len(&a->out));
	if (n > 0)
		buf_consume(&a->out, (size_t)n);
	st->ops->want(st, STREAM_WANT_READ |
	    (buf_len(&a->out) > 0 ? STREAM_WANT_WRITE : 0));
}

static void
ask_stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct farend_ask *a = arg;

	if (ev == STREAM_WRITABLE)
		ask_write(a);
	else
		ask_read(a, ev);
}

/* The stream is there: writes what there is to write and waits. */
static void
ask_begin(struct farend_ask *a, struct stream *st)
{
	a->stream = st;
	st->cb = ask_stream_cb;
	st->arg = a;
	st->ops->want(st, STREAM_WANT_READ |
	    (buf_len(&a->out) > 0 ? STREAM_WANT_WRITE : 0));
}

static void
ask_opened_cb(struct sshchan *chan, int failure, const char *text, void *arg)
{
	struct farend_ask *a = arg;

	a->opening = NULL;
	if (failure != SSHCHAN_NO_FAILURE)
		ask_fail(a, refusal_rep(failure, text),
		    *text != '\0' ? text : "open failed",
		    refusal_hint(failure));
	else
		ask_begin(a, sshchan_stream(chan));
}

static void
ask_helper_cb(enum helper_result result, struct stream *st, const char *why,
    void *arg)
{
	struct farend_ask *a = arg;

	switch (result) {
	case HELPER_RUNS:
		ask_begin(a, st);
		break;
	case HELPER_LOST:
		ask_fail(a, SOCKS_REP_GENERAL, why, "");
		break;
	case HELPER_REFUSED:
		ask_unserved(a, SOCKS_REP_GENERAL,
		    *why != '\0' ? why : "no session channel", no_session);
		break;
	case HELPER_MISSING:
		ask_unserved(a, SOCKS_REP_COMMAND, why, "");
		break;
	}
}

static int
ask_sockstund(struct farend_ask *a, enum socks_cmd cmd,
    const struct addr *dst)
{
	char host[ADDR_STRLEN];

	addr_format_host(dst, host, sizeof(host));
	a->opening = sshopen_direct(sshloop_channels(a->tunnel->loop), host,
	    dst->port, protocol_service_name(cmd), 0, ask_opened_cb, a);
	return a->opening != NULL ? 0 : -1;
}

static int
ask_helper(struct farend_ask *a, enum socks_cmd cmd, const struct addr *dst)
{
	u_char request[SOCKS5_MESSAGE_MAX];
	size_t len;

	len = socks_encode_request5(request, sizeof(request), cmd, dst);
	if (len == 0 || buf_append(&a->out, request, len) == -1)
		return -1;
	if (cmd == SOCKS_CMD_RESOLVE || cmd == SOCKS_CMD_RESOLVE_PTR) {
		if (a->tunnel->nlookups >= FAREND_LOOKUPS) {
			a->turn = TURN_WAITING;
			TAILQ_INSERT_TAIL(&a->tunnel->lookups, a, entry);
			return 0;
		}
		a->turn = TURN_TAKEN;
		a->tunnel->nlookups++;
	}
	return helper_start(&a->run, &a->tunnel->helper, ask_helper_cb, a);
}

/* A lookup has ended: others have their turn. */
static void
farend_next_lookup(struct tunnel *t)
{
	struct farend_ask *a;

	while (t->nlookups < FAREND_LOOKUPS &&
	    (a = TAILQ_FIRST(&t->lookups)) != NULL) {
		TAILQ_REMOVE(&t->lookups, a, entry);
		a->turn = TURN_NONE;
		if (!farend_serves(t))
			ask_unserved(a, SOCKS_REP_COMMAND, "no helper", "");
		else if (helper_start(&a->run, &t->helper, ask_helper_cb,
		    a) == -1)
			ask_fail(a, SOCKS_REP_GENERAL, "no channel", "");
		else {
			a->turn = TURN_TAKEN;
			t->nlookups++;
		}
	}
}

/*
 * Asks for a service; the answer comes from the loop, never from inside this
 * call.  NULL when it cannot be asked.
 */
struct farend_ask *
farend_ask(struct tunnel *t, enum socks_cmd cmd, const struct addr *dst,
    farend_cb *cb, void *arg)
{
	struct farend_ask *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return NULL;
	a->tunnel = t;
	a->cb = cb;
	a->arg = arg;
	buf_init(&a->out, SOCKS5_MESSAGE_MAX);
	buf_init(&a->in, FAREND_REPLY_MAX);
	if ((t->native ? ask_sockstund(a, cmd, dst) :
	    ask_helper(a, cmd, dst)) == -1) {
		ask_free(a);
		return NULL;
	}
	return a;
}

/* Nobody waits for the answer any more. */
void
farend_cancel(struct farend_ask *a)
{
	struct stream *st = a->stream;

	if (a->opening != NULL)
		st = sshchan_stream(a->opening);
	if (st != NULL)
		st->ops->close(st, STREAM_CLOSE);
	helper_cancel(&a->run);
	ask_free(a);
}
