/* SPDX-License-Identifier: ISC */
/*
 * This room is what a far end does for us, whichever of the two kinds it is.
 * A question goes one of these ways, by the far end's kind and the command:
 *
 *	sockstund:	a channel in the name of the service, and on it a
 *			reply; for CONNECT, a spare channel if one is ready
 *	a stock sshd:	CONNECT: a channel, whose opening is the answer
 *			others: the helper, which reads a request and replies
 *			BIND without a helper: the server's own forwarding
 *
 * The answer hands over the stream that carries the service.  What the service
 * does then is the owner's affair.
 *
 * An sshd permits few helpers at once (MaxSessions), so of those that look a
 * name up and end, some take turns.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>
#include <string.h>

#include <event2/event.h>

#include "addr.h"
#include "answer.h"
#include "bindfallback.h"
#include "cliconf.h"
#include "farend.h"
#include "helper.h"
#include "log.h"
#include "protocol.h"
#include "refusal.h"
#include "reply.h"
#include "socks.h"
#include "spares.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"

/* Helpers that look names up, at once. */
#define FAREND_LOOKUPS		4
/* Channels kept open by FastOpen: a browser's connections to one host. */
#define FAREND_SPARES		8

static const char no_session[] = " (the server opens no further session "
    "channel: see MaxSessions in its sshd_config)";

/* The question is over: lets go of what it still has. */
static void
ask_end(struct farend_ask *a)
{
	struct farend *f = a->farend;

	if (a->opening != NULL)
		a->stream = &a->opening->stream;
	if (a->stream != NULL)
		a->stream->ops->close(a->stream, STREAM_CLOSE);
	helper_cancel(&a->run);
	if (a->fallback != NULL)
		bindfallback_cancel(a->fallback);
	if (a->turn == TURN_WAITING)
		TAILQ_REMOVE(&f->lookups, a, entry);
	else if (a->turn == TURN_TAKEN) {
		f->nlookups--;
		/* Never from in here: it may answer another's question. */
		if (!TAILQ_EMPTY(&f->lookups))
			event_active(f->next_lookup, 0, 0);
	}
	a->farend = NULL;
}

/* Answers; the question may be gone after it. */
static void
ask_answer(struct farend_ask *a, const struct farend_answer *answer)
{
	if (answer->result == FAREND_GRANTED)
		a->stream = NULL;
	if (answer->result != FAREND_BOUND)
		ask_end(a);
	a->cb(answer, a->arg);
}

static void
ask_fail(struct farend_ask *a, enum farend_result result, int rep,
    const char *text, const char *hint)
{
	struct farend_answer answer = {
		.result = result,
		.rep = rep,
		.text = text,
		.hint = hint,
	};

	ask_answer(a, &answer);
}

static void
ask_refuse(struct farend_ask *a, int rep, const char *text, const char *hint)
{
	ask_fail(a, FAREND_REFUSED, rep, text, hint);
}

static void
ask_lose(struct farend_ask *a)
{
	ask_fail(a, FAREND_LOST, SOCKS_REP_GENERAL, "session lost", "");
}

/* Grants: the first or second half of BIND, or the stream asked for. */
static void
ask_grant(struct farend_ask *a, struct stream *st, const struct addr *bnd)
{
	struct farend_answer answer = {
		.result = st != NULL ? FAREND_GRANTED : FAREND_BOUND,
		.stream = st,
	};

	if (bnd != NULL)
		answer.bnd = *bnd;
	if (st != NULL) {
		answer.surplus = a->reply.data + a->reply.used;
		answer.surplus_len = a->reply.len - a->reply.used;
	}
	ask_answer(a, &answer);
}

static void
ask_fallback_cb(const struct farend_answer *answer, void *arg)
{
	struct farend_ask *a = arg;

	if (answer->result == FAREND_BOUND && !a->farend->told_fallback) {
		log_info("BIND uses the SSH server's own forwarding: peers "
		    "reach it at 127.0.0.1 of the server, and at other "
		    "addresses only if GatewayPorts in its sshd_config "
		    "permits");
		a->farend->told_fallback = 1;
	}
	ask_answer(a, answer);
}

static void
ask_fall_back(struct farend_ask *a)
{
	struct farend *f = a->farend;

	if (a->dst->type == ADDR_NAME) {
		ask_refuse(a, SOCKS_REP_ATYP, "the SSH server cannot tell a "
		    "peer by its name", "");
		return;
	}
	a->fallback = bindfallback_start(f->base, f->loop, a->dst,
	    ask_fallback_cb, a);
	if (a->fallback == NULL)
		ask_refuse(a, SOCKS_REP_GENERAL, "out of memory", "");
}

/* Nobody at a stock sshd took the question. */
static void
ask_unserved(struct farend_ask *a, int rep, const char *text,
    const char *hint)
{
	if (a->cmd == SOCKS_CMD_BIND)
		ask_fall_back(a);
	else
		ask_refuse(a, rep, text, hint);
}

/* The helper is missing, or does not work. */
static void
ask_unhelped(struct farend_ask *a, enum helper_result why)
{
	if (why == HELPER_MISSING)
		ask_unserved(a, SOCKS_REP_COMMAND, "no helper", "");
	else
		ask_unserved(a, SOCKS_REP_GENERAL, "the helper does not work",
		    "");
}

static void
ask_no_reply(struct farend_ask *a, enum reply_status status)
{
	struct farend *f = a->farend;
	struct stream *st = a->stream;
	enum helper_result why;

	if (f->native || f->helper.answered) {
		ask_refuse(a, SOCKS_REP_GENERAL, reply_strerror(status), "");
		return;
	}
	why = helper_no_reply(&a->run, st, status == REPLY_EBAD ?
	    "what answers is something else; does a shell's start-up file "
	    "print something?" : "it ended without a reply");
	a->stream = NULL;
	st->ops->close(st, STREAM_CLOSE);
	ask_unhelped(a, why);
}

static void
ask_replied(struct farend_ask *a, const struct socks_reply *reply)
{
	if (!a->farend->native)
		helper_replied(&a->run);
	if (reply->rep != SOCKS_REP_OK)
		ask_refuse(a, reply->rep, socks_rep_name(reply->rep), "");
	else if (a->cmd == SOCKS_CMD_BIND && !a->bound) {
		a->bound = 1;
		ask_grant(a, NULL, &reply->bnd);
	} else
		ask_grant(a, a->stream, &reply->bnd);
}

static void
ask_read(struct farend_ask *a, enum stream_event ev)
{
	struct socks_reply reply;
	enum reply_status status;

	status = reply_read(&a->reply, a->stream, &reply);
	if (status == REPLY_WHOLE)
		ask_replied(a, &reply);
	else if (status == REPLY_ELOST)
		ask_lose(a);
	else if (status == REPLY_MORE && ev != STREAM_RESET)
		return;
	/* A shell's exit status comes after the end of what it wrote. */
	else if (status == REPLY_EEND && ev == STREAM_READABLE &&
	    !a->farend->native)
		a->stream->ops->want(a->stream, 0);
	else
		ask_no_reply(a, status == REPLY_MORE ? REPLY_EEND : status);
}

static void
ask_want(struct farend_ask *a)
{
	a->stream->ops->want(a->stream, STREAM_WANT_READ |
	    (a->unsent > 0 ? STREAM_WANT_WRITE : 0));
}

/* Encodes what a helper is to read; returns its length. */
static size_t
ask_encode(const struct farend_ask *a, u_char request[SOCKS5_MESSAGE_MAX])
{
	return socks_encode_request5(request, SOCKS5_MESSAGE_MAX, a->cmd,
	    a->dst);
}

static void
ask_write(struct farend_ask *a)
{
	u_char request[SOCKS5_MESSAGE_MAX];
	size_t len = ask_encode(a, request);
	ssize_t n;

	n = a->stream->ops->write(a->stream, request + len - a->unsent,
	    a->unsent);
	if (n > 0)
		a->unsent -= (size_t)n;
	ask_want(a);
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

/* The stream is there: the reply will come on it. */
static void
ask_begin(struct farend_ask *a, struct stream *st)
{
	a->stream = st;
	st->cb = ask_stream_cb;
	st->arg = a;
	ask_want(a);
}

/* Logs, once a session, that the server forbids forwarding. */
static void
farend_tell_forbidden(struct farend *f, const struct addr *dst)
{
	char name[ADDR_STRLEN];

	if (f->native || f->told_forbidden)
		return;
	f->told_forbidden = 1;
	log_info("the SSH server does not permit forwarding to %s%s",
	    addr_format(dst, name, sizeof(name)),
	    refusal_hint(SSHCHAN_PROHIBITED));
}

static void
ask_opened_cb(struct sshchan *chan, int failure, const char *text, void *arg)
{
	struct farend_ask *a = arg;

	a->opening = NULL;
	if (failure == SSHCHAN_PROHIBITED)
		farend_tell_forbidden(a->farend, a->dst);
	if (failure == SSHCHAN_SESSION_LOST)
		ask_lose(a);
	else if (failure != SSHCHAN_NO_FAILURE)
		ask_refuse(a, refusal_rep(failure, text),
		    *text != '\0' ? text : "open failed",
		    refusal_hint(failure));
	else if (a->farend->native)
		ask_begin(a, &chan->stream);
	else
		ask_grant(a, &chan->stream, NULL);
}

/* Has the far end open a channel to the destination. */
static void
ask_open(struct farend_ask *a)
{
	char host[ADDR_STRLEN];

	addr_format_host(a->dst, host, sizeof(host));
	a->opening = sshopen_direct(&a->farend->loop->chans, host,
	    a->dst->port, a->farend->native ? protocol_service_name(a->cmd) :
	    "127.0.0.1", 0, ask_opened_cb, a);
	if (a->opening == NULL)
		ask_refuse(a, SOCKS_REP_GENERAL, "no channel", "");
}

/* Success is told at once, on the word of a channel kept for this. */
static int
ask_spare(struct farend_ask *a)
{
	u_char request[SOCKS5_MESSAGE_MAX];
	struct farend_answer answer = { .result = FAREND_GRANTED };

	answer.stream = spares_take(&a->farend->spares);
	if (answer.stream == NULL)
		return 0;
	answer.first = request;
	answer.first_len = ask_encode(a, request);
	ask_answer(a, &answer);
	return 1;
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
	case HELPER_REFUSED:
		ask_unserved(a, SOCKS_REP_GENERAL, *why != '\0' ? why :
		    "no session channel", no_session);
		break;
	case HELPER_MISSING:
	case HELPER_FAILED:
		ask_unhelped(a, result);
		break;
	case HELPER_LOST:
		ask_lose(a);
		break;
	}
}

static void
ask_helper(struct farend_ask *a)
{
	struct farend *f = a->farend;
	u_char request[SOCKS5_MESSAGE_MAX];
	int is_lookup = a->cmd == SOCKS_CMD_RESOLVE ||
	    a->cmd == SOCKS_CMD_RESOLVE_PTR;
	enum helper_result outlook = helper_outlook(&f->helper);

	if (outlook != HELPER_RUNS) {
		ask_unhelped(a, outlook);
		return;
	}
	if (is_lookup && f->nlookups >= FAREND_LOOKUPS) {
		a->turn = TURN_WAITING;
		TAILQ_INSERT_TAIL(&f->lookups, a, entry);
		return;
	}
	if (is_lookup) {
		a->turn = TURN_TAKEN;
		f->nlookups++;
	}
	a->unsent = ask_encode(a, request);
	if (helper_start(&a->run, &f->helper, ask_helper_cb, a) == -1)
		ask_refuse(a, SOCKS_REP_GENERAL, "no channel", "");
}

/* A lookup has ended: others have their turn. */
static void
farend_next_lookup_cb(evutil_socket_t fd, short what, void *arg)
{
	struct farend *f = arg;
	struct farend_ask *a;

	while (f->nlookups < FAREND_LOOKUPS &&
	    (a = TAILQ_FIRST(&f->lookups)) != NULL) {
		TAILQ_REMOVE(&f->lookups, a, entry);
		a->turn = TURN_NONE;
		ask_helper(a);
	}
}

/*
 * Asks for what a command is about.  The destination, which for BIND is the
 * peer that is waited for, must stay where it is until the answer.  That comes
 * from the loop, or from inside this call when it is known at once.
 */
void
farend_ask(struct farend_ask *a, struct farend *f, enum socks_cmd cmd,
    const struct addr *dst, farend_cb *cb, void *arg)
{
	memset(a, 0, sizeof(*a));
	a->farend = f;
	a->cmd = cmd;
	a->dst = dst;
	a->cb = cb;
	a->arg = arg;
	if (cmd == SOCKS_CMD_CONNECT && ask_spare(a))
		return;
	if (f->native || cmd == SOCKS_CMD_CONNECT)
		ask_open(a);
	else
		ask_helper(a);
}

/*
 * Has a stock sshd send small packets at once.  As long as it has run no
 * program it holds one back until the last one was acknowledged (it sets
 * TCP_NODELAY only then), and beside an upload, whose windows it announces all
 * the time, every answer waits for a round trip more.
 */
void
farend_quicken(struct farend *f)
{
	if (!f->native)
		helper_quicken(&f->helper);
}

/*
 * To be called after FAREND_BOUND, when the question is not given up: the
 * second answer, which may come from inside this call, is wanted.
 */
void
farend_await(struct farend_ask *a)
{
	if (a->stream != NULL)
		ask_read(a, STREAM_READABLE);
}

/* Nobody waits for the answer any more, if anything was asked at all. */
void
farend_cancel(struct farend_ask *a)
{
	if (a->farend != NULL)
		ask_end(a);
}

/*
 * The far end of a session, which stays the caller's; native if it is a
 * sockstund.  -1 when memory is out.
 */
int
farend_init(struct farend *f, struct event_base *base, struct sshloop *loop,
    const struct cliconf *conf, int native)
{
	memset(f, 0, sizeof(*f));
	f->next_lookup = event_new(base, -1, 0, farend_next_lookup_cb, f);
	if (f->next_lookup == NULL)
		return -1;
	f->base = base;
	f->loop = loop;
	f->native = native;
	TAILQ_INIT(&f->lookups);
	helper_init(&f->helper, loop, conf->remote_helper);
	if (spares_init(&f->spares, base, loop, native && conf->fast_open ?
	    FAREND_SPARES : 0, cliconf_answer_time(conf)) == 0)
		return 0;
	event_free(f->next_lookup);
	f->base = NULL;
	return -1;
}

/*
 * Lets go of the session: FAREND_LOST for those who wait for their turn.  The
 * other questions were told by the session's end, or are cancelled by now.
 * Does nothing when there is no far end.
 */
void
farend_clear(struct farend *f)
{
	struct farend_ask *a;

	if (f->base == NULL)
		return;
	while ((a = TAILQ_FIRST(&f->lookups)) != NULL)
		ask_lose(a);
	spares_clear(&f->spares);
	helper_clear(&f->helper);
	event_free(f->next_lookup);
	memset(f, 0, sizeof(*f));
}
