/* SPDX-License-Identifier: ISC */
/*
 * What is asked of which kind of far end, and what is made of its replies,
 * whatever their pieces; channels, helper and forwarding are played by the
 * test.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "addr.h"
#include "bindfallback.h"
#include "cliconf.h"
#include "farend.h"
#include "helper.h"
#include "socks.h"
#include "spares.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"

/* A channel that gives what it is told to, in pieces of a size. */
static struct fake {
	struct sshchan	 chan;		/* first: a stream begins it */
	const u_char	*data;
	size_t		 len;
	size_t		 piece;
	int		 at_end;	/* 0 after the data, else EAGAIN */
	int		 lost;		/* with its session */
	int		 closed;
	u_char		 written[SOCKS5_MESSAGE_MAX];
	size_t		 nwritten;
} fake;

static struct event_base *base;
static struct farend farend;
static struct farend_ask asks[8];
static size_t nasks;
static struct stream *spare;
static sshchan_open_cb *opened;
static void *opened_arg;
static struct helper_run *runs[10];
static enum helper_result outlook, verdict;	/* of the helper */
static size_t nruns;
static int muted;
static farend_cb *fallback_cb;
static void *fallback_arg;
static int fallbacks_cancelled;

/* The last answer. */
static struct farend_answer got;
static u_char surplus[16];
static int answers;

static ssize_t
fake_read(struct stream *st, void *buf, size_t len)
{
	if (fake.len == 0) {
		errno = fake.lost ? ENETRESET : EAGAIN;
		return fake.at_end ? 0 : -1;
	}
	if (len > fake.piece)
		len = fake.piece;
	if (len > fake.len)
		len = fake.len;
	memcpy(buf, fake.data, len);
	fake.data += len;
	fake.len -= len;
	return (ssize_t)len;
}

static ssize_t
fake_write(struct stream *st, const void *buf, size_t len)
{
	if (len > fake.piece)
		len = fake.piece;
	memcpy(fake.written + fake.nwritten, buf, len);
	fake.nwritten += len;
	return (ssize_t)len;
}

static int wanted;

static void
fake_want(struct stream *st, int want)
{
	wanted = want;
}

static void
fake_close(struct stream *st, enum stream_ending ending)
{
	fake.closed++;
}

static const struct stream_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.want = fake_want,
	.close = fake_close,
};

struct sshchan *
sshopen_direct(struct sshchans *chans, const char *host, int port,
    const char *origin, int origin_port, sshchan_open_cb *cb, void *arg)
{
	check_expected_ptr(origin);
	opened = cb;
	opened_arg = arg;
	return &fake.chan;
}

void
helper_init(struct helper *h, struct sshloop *l, const char *command)
{
	memset(h, 0, sizeof(*h));
}

int
helper_start(struct helper_run *r, struct helper *h, helper_cb *cb, void *arg)
{
	r->helper = h;
	r->cb = cb;
	r->arg = arg;
	runs[nruns++] = r;
	return 0;
}

void
helper_cancel(struct helper_run *r)
{
}

void
helper_clear(struct helper *h)
{
}

void
helper_quicken(struct helper *h)
{
}

enum helper_result
helper_outlook(const struct helper *h)
{
	return outlook;
}

enum helper_result
helper_no_reply(struct helper_run *r, struct stream *st, const char *how)
{
	assert_ptr_equal(r->helper, &farend.helper);
	muted++;
	outlook = verdict;
	return verdict;
}

void
helper_replied(struct helper_run *r)
{
	assert_ptr_equal(r->helper, &farend.helper);
	r->helper->answered = 1;
}

int
spares_init(struct spares *f, struct event_base *b, struct sshloop *l,
    size_t n, int seconds)
{
	return 0;
}

void
spares_clear(struct spares *f)
{
}

struct stream *
spares_take(struct spares *f)
{
	return spare;
}

struct bindfallback *
bindfallback_start(struct event_base *b, struct sshloop *l,
    const struct addr *peer, farend_cb *cb, void *arg)
{
	fallback_cb = cb;
	fallback_arg = arg;
	return (struct bindfallback *)&fallback_cb;
}

void
bindfallback_cancel(struct bindfallback *b)
{
	fallbacks_cancelled++;
}

static void
answer_cb(const struct farend_answer *answer, void *arg)
{
	got = *answer;
	assert_true(answer->surplus_len <= sizeof(surplus));
	if (answer->surplus_len > 0)
		memcpy(surplus, answer->surplus, answer->surplus_len);
	if (answer->first_len > 0)
		fake_write(answer->stream, answer->first, answer->first_len);
	answers++;
}

static int
setup_kind(int native)
{
	static const struct cliconf conf;
	static struct sshloop loop;

	memset(&fake, 0, sizeof(fake));
	memset(&got, 0, sizeof(got));
	fake.chan.stream.ops = &fake_ops;
	fake.piece = SOCKS5_MESSAGE_MAX;
	spare = NULL;
	nasks = nruns = 0;
	outlook = HELPER_RUNS;
	verdict = HELPER_FAILED;
	answers = muted = fallbacks_cancelled = 0;
	return farend_init(&farend, base, &loop, &conf, native);
}

static int
setup(void **state)
{
	base = event_base_new();
	return setup_kind(0);
}

static int
setup_native(void **state)
{
	base = event_base_new();
	return setup_kind(1);
}

static int
teardown(void **state)
{
	farend_clear(&farend);
	event_base_free(base);
	return 0;
}

static struct farend_ask *
ask(enum socks_cmd cmd)
{
	static struct addr dst;
	struct farend_ask *a = &asks[nasks++];

	assert_int_equal(addr_parse_host(&dst, "192.0.2.1", 80), 0);
	farend_ask(a, &farend, cmd, &dst, answer_cb, NULL);
	return a;
}

static void
event(enum stream_event ev)
{
	struct stream *st = &fake.chan.stream;

	st->cb(st, ev, st->arg);
}

static void
give(const void *data, size_t len)
{
	fake.data = data;
	fake.len = len;
}

static const u_char ok_reply[] = {
	5, 0, 0, 1, 192, 0, 2, 9, 0x1f, 0x90, 'd', 'a', 't', 'a'
};
static const u_char bad_reply[] = { 5, 4, 0, 1, 0, 0, 0, 0, 0, 0 };

static const u_char request[] = { 5, 3, 0, 1, 192, 0, 2, 1, 0, 80 };

static struct farend_ask *
open_native(enum socks_cmd cmd, const char *service)
{
	struct farend_ask *a;

	expect_string(sshopen_direct, origin, service);
	a = ask(cmd);
	opened(&fake.chan, SSHCHAN_NO_FAILURE, "", opened_arg);
	return a;
}

/* A helper that runs, as far as is known. */
static struct farend_ask *
run_helper(enum socks_cmd cmd)
{
	struct farend_ask *a = ask(cmd);

	runs[nruns - 1]->cb(HELPER_RUNS, &fake.chan.stream, "",
	    runs[nruns - 1]->arg);
	return a;
}

static void
assert_refused(int rep)
{
	assert_int_equal(got.result, FAREND_REFUSED);
	assert_int_equal(got.rep, rep);
	assert_null(got.stream);
}

/* sockstund: a reply in pieces of any size, and what follows it. */
static void
test_native(void **state)
{
	size_t piece;

	for (piece = 1; piece <= sizeof(ok_reply); piece++) {
		farend_clear(&farend);
		setup_kind(1);
		open_native(SOCKS_CMD_CONNECT, "connect@sockstun");
		assert_int_equal(answers, 0);
		fake.piece = piece;
		give(ok_reply, sizeof(ok_reply));
		event(STREAM_READABLE);
		assert_int_equal(answers, 1);
		assert_int_equal(got.result, FAREND_GRANTED);
		assert_int_equal(got.bnd.port, 8080);
		assert_ptr_equal(got.stream, &fake.chan.stream);
		/* What was not read yet is still in the stream. */
		assert_int_equal(got.surplus_len + fake.len, 4);
		assert_memory_equal(surplus, "data", got.surplus_len);
		assert_int_equal(fake.closed, 0);
	}
}

static void
test_native_refuses(void **state)
{
	open_native(SOCKS_CMD_BIND, "bind@sockstun");
	give(bad_reply, sizeof(bad_reply));
	event(STREAM_READABLE);
	assert_int_equal(answers, 1);
	assert_refused(SOCKS_REP_HOST);
	assert_int_equal(fake.closed, 1);
}

static void
test_native_nonsense(void **state)
{
	open_native(SOCKS_CMD_RESOLVE, "resolve@sockstun");
	give("HTTP/1.0", 8);
	event(STREAM_READABLE);
	assert_refused(SOCKS_REP_GENERAL);
	open_native(SOCKS_CMD_RESOLVE_PTR, "resolve-ptr@sockstun");
	give(ok_reply, 9);
	event(STREAM_READABLE);
	assert_int_equal(answers, 1);
	fake.at_end = 1;
	event(STREAM_HANGUP);
	assert_refused(SOCKS_REP_GENERAL);
	assert_int_equal(fake.closed, 2);
}

static void
test_native_no_channel(void **state)
{
	expect_string(sshopen_direct, origin, "udp@sockstun");
	ask(SOCKS_CMD_UDP);
	opened(&fake.chan, SSHCHAN_PROHIBITED, "no", opened_arg);
	assert_refused(SOCKS_REP_RULESET);
	assert_int_equal(fake.closed, 0);
}

/* Both of BIND's replies, and data, though they come at once. */
static void
test_native_bind(void **state)
{
	u_char both[10 + sizeof(ok_reply)];
	struct farend_ask *a;

	memcpy(both, ok_reply, 10);
	memcpy(both + 10, ok_reply, sizeof(ok_reply));
	both[9]++;
	a = open_native(SOCKS_CMD_BIND, "bind@sockstun");
	give(both, sizeof(both));
	event(STREAM_READABLE);
	assert_int_equal(answers, 1);
	assert_int_equal(got.result, FAREND_BOUND);
	assert_int_equal(got.bnd.port, 8081);
	farend_await(a);
	assert_int_equal(answers, 2);
	assert_int_equal(got.result, FAREND_GRANTED);
	assert_int_equal(got.bnd.port, 8080);
	assert_int_equal(got.surplus_len, 4);
	assert_int_equal(fake.closed, 0);
}

/* A spare channel answers at once, and is to be sent the request. */
static void
test_spare(void **state)
{
	spare = &fake.chan.stream;
	ask(SOCKS_CMD_CONNECT);
	assert_int_equal(answers, 1);
	assert_int_equal(got.result, FAREND_GRANTED);
	assert_ptr_equal(got.stream, spare);
	assert_int_equal(fake.nwritten, sizeof(request));
	assert_int_equal(fake.written[1], SOCKS_CMD_CONNECT);
	assert_memory_equal(fake.written + 2, request + 2, 8);
}

/* A stock sshd: the channel is the answer to CONNECT. */
static void
test_connect(void **state)
{
	struct farend_ask *a;

	expect_string(sshopen_direct, origin, "127.0.0.1");
	ask(SOCKS_CMD_CONNECT);
	opened(&fake.chan, SSHCHAN_NO_FAILURE, "", opened_arg);
	assert_int_equal(got.result, FAREND_GRANTED);
	assert_ptr_equal(got.stream, &fake.chan.stream);
	assert_int_equal(got.surplus_len, 0);
	expect_string(sshopen_direct, origin, "127.0.0.1");
	ask(SOCKS_CMD_CONNECT);
	opened(&fake.chan, SSHCHAN_CONNECT_FAILED, "Connection refused",
	    opened_arg);
	assert_refused(SOCKS_REP_REFUSED);
	expect_string(sshopen_direct, origin, "127.0.0.1");
	a = ask(SOCKS_CMD_CONNECT);
	farend_cancel(a);
	assert_int_equal(fake.closed, 1);
	assert_int_equal(answers, 2);
}

/* A helper is written the request, in pieces if need be. */
static void
test_helper(void **state)
{
	run_helper(SOCKS_CMD_UDP);
	assert_int_equal(nruns, 1);
	fake.piece = 3;
	while (wanted & STREAM_WANT_WRITE)
		event(STREAM_WRITABLE);
	assert_int_equal(fake.nwritten, sizeof(request));
	assert_memory_equal(fake.written, request, sizeof(request));
	give(ok_reply, 10);
	event(STREAM_READABLE);
	assert_int_equal(got.result, FAREND_GRANTED);
	assert_int_equal(muted, 0);
}

/* The end of the data is not yet the end: an exit status may follow. */
static void
test_helper_ends(void **state)
{
	run_helper(SOCKS_CMD_UDP);
	fake.at_end = 1;
	event(STREAM_READABLE);
	assert_int_equal(answers, 0);
	event(STREAM_HANGUP);
	assert_int_equal(answers, 1);
	assert_int_equal(muted, 1);
	assert_refused(SOCKS_REP_GENERAL);
	assert_int_equal(fake.closed, 1);
	/* For a while none is run, but then one is again. */
	ask(SOCKS_CMD_RESOLVE);
	assert_refused(SOCKS_REP_GENERAL);
	assert_int_equal(nruns, 1);
	outlook = HELPER_RUNS;
	verdict = HELPER_MISSING;
	run_helper(SOCKS_CMD_UDP);
	assert_int_equal(nruns, 2);
	fake.at_end = 1;
	event(STREAM_HANGUP);
	assert_refused(SOCKS_REP_COMMAND);
	ask(SOCKS_CMD_RESOLVE);
	assert_int_equal(answers, 4);
	assert_refused(SOCKS_REP_COMMAND);
	assert_int_equal(nruns, 2);
}

/* One that dies is no reason to do without the next. */
static void
test_helper_dies(void **state)
{
	run_helper(SOCKS_CMD_RESOLVE);
	give(bad_reply, sizeof(bad_reply));
	event(STREAM_READABLE);
	assert_refused(SOCKS_REP_HOST);
	run_helper(SOCKS_CMD_BIND);
	fake.at_end = 1;
	event(STREAM_HANGUP);
	assert_int_equal(answers, 2);
	assert_refused(SOCKS_REP_GENERAL);
	assert_int_equal(muted, 0);
}

/* A session that is lost refuses nothing, and says nothing of the helper. */
static void
test_lost(void **state)
{
	size_t i;

	run_helper(SOCKS_CMD_BIND);
	fake.lost = 1;
	event(STREAM_RESET);
	assert_int_equal(answers, 1);
	assert_int_equal(got.result, FAREND_LOST);
	assert_int_equal(muted, 0);
	ask(SOCKS_CMD_BIND);
	runs[1]->cb(HELPER_LOST, NULL, "", runs[1]->arg);
	assert_int_equal(got.result, FAREND_LOST);
	expect_string(sshopen_direct, origin, "127.0.0.1");
	ask(SOCKS_CMD_CONNECT);
	opened(&fake.chan, SSHCHAN_SESSION_LOST, "", opened_arg);
	assert_int_equal(got.result, FAREND_LOST);
	for (i = 0; i < 5; i++)
		ask(SOCKS_CMD_RESOLVE);
	assert_int_equal(answers, 3);
	for (i = 3; i < 7; i++)
		farend_cancel(&asks[i]);
	farend_clear(&farend);
	assert_int_equal(answers, 4);
	assert_int_equal(got.result, FAREND_LOST);
}

static void
test_helper_refused(void **state)
{
	ask(SOCKS_CMD_UDP);
	runs[0]->cb(HELPER_REFUSED, NULL, "open failed", runs[0]->arg);
	assert_refused(SOCKS_REP_GENERAL);
	assert_non_null(strstr(got.hint, "MaxSessions"));
	ask(SOCKS_CMD_UDP);
	runs[1]->cb(HELPER_MISSING, NULL, "no helper", runs[1]->arg);
	assert_refused(SOCKS_REP_COMMAND);
}

/* BIND does without a helper, but for a peer that is told by a name. */
static void
test_fallback(void **state)
{
	struct farend_answer answer = { .result = FAREND_BOUND };
	struct addr name;

	ask(SOCKS_CMD_BIND);
	runs[0]->cb(HELPER_MISSING, NULL, "no helper", runs[0]->arg);
	assert_int_equal(answers, 0);
	addr_parse_host(&answer.bnd, "127.0.0.1", 61234);
	fallback_cb(&answer, fallback_arg);
	assert_int_equal(got.result, FAREND_BOUND);
	assert_int_equal(got.bnd.port, 61234);
	farend_await(&asks[0]);
	assert_int_equal(answers, 1);
	answer.result = FAREND_GRANTED;
	answer.stream = &fake.chan.stream;
	fallback_cb(&answer, fallback_arg);
	assert_int_equal(answers, 2);
	assert_int_equal(got.result, FAREND_GRANTED);
	assert_int_equal(fallbacks_cancelled, 1);
	addr_parse_host(&name, "peer.example", 0);
	farend_ask(&asks[1], &farend, SOCKS_CMD_BIND, &name, answer_cb, NULL);
	runs[1]->cb(HELPER_MISSING, NULL, "no helper", runs[1]->arg);
	assert_refused(SOCKS_REP_ATYP);
}

/*
 * Lookups take turns; one that is given up lets the next have its own, but
 * from the loop: no other question is answered from inside.
 */
static void
test_turns(void **state)
{
	struct farend_ask *a[7];
	size_t i;

	for (i = 0; i < 6; i++)
		a[i] = ask(SOCKS_CMD_RESOLVE);
	assert_int_equal(nruns, 4);
	farend_cancel(a[5]);
	farend_cancel(a[0]);
	assert_int_equal(nruns, 4);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(nruns, 5);
	a[6] = ask(SOCKS_CMD_RESOLVE);
	outlook = HELPER_MISSING;
	farend_cancel(a[1]);
	assert_int_equal(answers, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(answers, 1);
	assert_refused(SOCKS_REP_COMMAND);
	for (i = 2; i < 7; i++)
		farend_cancel(a[i]);
	outlook = HELPER_RUNS;
	nasks = 0;
	for (i = 0; i < 4; i++)
		ask(SOCKS_CMD_RESOLVE);
	assert_int_equal(nruns, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_native, setup_native,
		    teardown),
		cmocka_unit_test_setup_teardown(test_native_refuses,
		    setup_native, teardown),
		cmocka_unit_test_setup_teardown(test_native_nonsense,
		    setup_native, teardown),
		cmocka_unit_test_setup_teardown(test_native_no_channel,
		    setup_native, teardown),
		cmocka_unit_test_setup_teardown(test_native_bind,
		    setup_native, teardown),
		cmocka_unit_test_setup_teardown(test_spare, setup_native,
		    teardown),
		cmocka_unit_test_setup_teardown(test_connect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helper, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helper_ends, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_helper_dies, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_helper_refused, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_fallback, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_turns, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
