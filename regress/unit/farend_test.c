/* SPDX-License-Identifier: ISC */
/*
 * What is made of a far end's replies, whatever their pieces; channels and
 * helper are played by the test.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "addr.h"
#include "buf.h"
#include "farend.h"
#include "helper.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"
#include "tunnel.h"

/* A channel that gives what it is told to, in pieces of a size. */
static struct fake {
	struct sshchan	 chan;		/* first: a stream begins it */
	const u_char	*data;
	size_t		 len;
	size_t		 piece;
	int		 at_end;	/* 0 after the data */
	int		 error;		/* else this errno, or EAGAIN */
	int		 closed;
	u_char		 written[SOCKS5_MESSAGE_MAX];
	size_t		 nwritten;
} fake;

static struct tunnel tunnel;
static sshchan_open_cb *opened;
static void *opened_arg;
static struct helper_run *runs[8];
static size_t nruns;
static int muted;

/* The last answer. */
static struct farend_answer got;
static u_char surplus[16];
static int answers;

static ssize_t
fake_read(struct stream *st, void *buf, size_t len)
{
	if (fake.len == 0) {
		errno = fake.error != 0 ? fake.error : EAGAIN;
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

struct sshchans *
sshloop_channels(struct sshloop *l)
{
	return NULL;
}

struct sshchan *
sshopen_direct(struct sshchans *chans, const char *host, int port,
    const char *origin, int origin_port, sshchan_open_cb *cb, void *arg)
{
	check_expected_ptr(origin);
	opened = cb;
	opened_arg = arg;
	return &fake.chan;
}

struct stream *
sshchan_stream(struct sshchan *c)
{
	return &c->stream;
}

int
helper_is_missing(const struct helper *h)
{
	return h->missing;
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
helper_mute(struct helper *h, struct stream *st, const char *how)
{
	muted++;
	h->missing = 1;
}

static void
answer_cb(const struct farend_answer *answer, void *arg)
{
	got = *answer;
	assert_true(answer->len <= sizeof(surplus));
	if (answer->len > 0)
		memcpy(surplus, answer->surplus, answer->len);
	answers++;
}

static int
setup(void **state)
{
	memset(&fake, 0, sizeof(fake));
	memset(&tunnel, 0, sizeof(tunnel));
	memset(&got, 0, sizeof(got));
	fake.chan.stream.ops = &fake_ops;
	fake.piece = SOCKS5_MESSAGE_MAX;
	TAILQ_INIT(&tunnel.lookups);
	nruns = 0;
	answers = muted = 0;
	return 0;
}

static struct farend_ask *
ask(enum socks_cmd cmd)
{
	struct addr dst;
	struct farend_ask *a;

	assert_int_equal(addr_parse_host(&dst, "192.0.2.1", 80), 0);
	a = farend_ask(&tunnel, cmd, &dst, answer_cb, NULL);
	assert_non_null(a);
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

static void
open_native(enum socks_cmd cmd, const char *service)
{
	tunnel.native = 1;
	expect_string(sshopen_direct, origin, service);
	ask(cmd);
	opened(&fake.chan, SSHCHAN_NO_FAILURE, "", opened_arg);
}

/* sockstund: a reply in pieces of any size, and what follows it. */
static void
test_native(void **state)
{
	size_t piece;

	for (piece = 1; piece <= sizeof(ok_reply); piece++) {
		setup(state);
		open_native(SOCKS_CMD_UDP, "udp@sockstun");
		assert_int_equal(answers, 0);
		fake.piece = piece;
		give(ok_reply, sizeof(ok_reply));
		event(STREAM_READABLE);
		assert_int_equal(answers, 1);
		assert_int_equal(got.rep, SOCKS_REP_OK);
		assert_int_equal(got.bnd.port, 8080);
		assert_ptr_equal(got.stream, &fake.chan.stream);
		/* What was not read yet is still in the stream. */
		assert_int_equal(got.len + fake.len, 4);
		assert_memory_equal(surplus, "data", got.len);
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
	assert_int_equal(got.rep, SOCKS_REP_HOST);
	assert_null(got.stream);
	assert_false(got.unserved);
	assert_int_equal(fake.closed, 1);
}

static void
test_native_nonsense(void **state)
{
	open_native(SOCKS_CMD_RESOLVE, "resolve@sockstun");
	give("HTTP/1.0", 8);
	event(STREAM_READABLE);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	assert_false(got.unserved);
	setup(state);
	open_native(SOCKS_CMD_RESOLVE_PTR, "resolve-ptr@sockstun");
	give(ok_reply, 9);
	event(STREAM_READABLE);
	assert_int_equal(answers, 0);
	fake.at_end = 1;
	event(STREAM_HANGUP);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	assert_int_equal(fake.closed, 1);
}

static void
test_native_no_channel(void **state)
{
	tunnel.native = 1;
	expect_string(sshopen_direct, origin, "udp@sockstun");
	ask(SOCKS_CMD_UDP);
	opened(&fake.chan, SSHCHAN_PROHIBITED, "no", opened_arg);
	assert_int_equal(got.rep, SOCKS_REP_RULESET);
	assert_int_equal(fake.closed, 0);
}

/* A helper is written the request, in pieces if need be. */
static void
test_helper(void **state)
{
	static const u_char request[] = {
		5, 3, 0, 1, 192, 0, 2, 1, 0, 80
	};

	ask(SOCKS_CMD_UDP);
	assert_int_equal(nruns, 1);
	runs[0]->cb(HELPER_RUNS, &fake.chan.stream, "", runs[0]->arg);
	fake.piece = 3;
	while (wanted & STREAM_WANT_WRITE)
		event(STREAM_WRITABLE);
	assert_int_equal(fake.nwritten, sizeof(request));
	assert_memory_equal(fake.written, request, sizeof(request));
	give(ok_reply, 10);
	event(STREAM_READABLE);
	assert_int_equal(got.rep, SOCKS_REP_OK);
	assert_int_equal(muted, 0);
}

/* The end of the data is not yet the end: an exit status may follow. */
static void
test_helper_ends(void **state)
{
	ask(SOCKS_CMD_BIND);
	runs[0]->cb(HELPER_RUNS, &fake.chan.stream, "", runs[0]->arg);
	fake.at_end = 1;
	event(STREAM_READABLE);
	assert_int_equal(answers, 0);
	event(STREAM_HANGUP);
	assert_int_equal(answers, 1);
	assert_int_equal(muted, 1);
	assert_int_equal(got.rep, SOCKS_REP_COMMAND);
	assert_true(got.unserved);
	assert_false(farend_serves(&tunnel));
}

/* One that dies is no reason to do without the next. */
static void
test_helper_dies(void **state)
{
	ask(SOCKS_CMD_RESOLVE);
	runs[0]->cb(HELPER_RUNS, &fake.chan.stream, "", runs[0]->arg);
	give(bad_reply, sizeof(bad_reply));
	event(STREAM_READABLE);
	assert_int_equal(got.rep, SOCKS_REP_HOST);
	ask(SOCKS_CMD_BIND);
	runs[1]->cb(HELPER_RUNS, &fake.chan.stream, "", runs[1]->arg);
	fake.at_end = 1;
	event(STREAM_HANGUP);
	assert_int_equal(answers, 2);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	assert_false(got.unserved);
	assert_int_equal(muted, 0);
	assert_true(farend_serves(&tunnel));
}

/* A session that is lost says nothing of the helper. */
static void
test_helper_lost(void **state)
{
	ask(SOCKS_CMD_UDP);
	runs[0]->cb(HELPER_RUNS, &fake.chan.stream, "", runs[0]->arg);
	fake.error = ENETRESET;
	event(STREAM_RESET);
	assert_int_equal(answers, 1);
	assert_int_equal(muted, 0);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	assert_false(got.unserved);
	ask(SOCKS_CMD_BIND);
	runs[1]->cb(HELPER_LOST, NULL, "session lost", runs[1]->arg);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	assert_false(got.unserved);
}

static void
test_helper_refused(void **state)
{
	ask(SOCKS_CMD_UDP);
	runs[0]->cb(HELPER_REFUSED, NULL, "open failed", runs[0]->arg);
	assert_int_equal(got.rep, SOCKS_REP_GENERAL);
	assert_true(got.unserved);
	assert_non_null(strstr(got.hint, "MaxSessions"));
	ask(SOCKS_CMD_UDP);
	runs[1]->cb(HELPER_MISSING, NULL, "no helper", runs[1]->arg);
	assert_int_equal(got.rep, SOCKS_REP_COMMAND);
	assert_true(got.unserved);
}

/* Lookups take turns; one that is given up lets the next have its own. */
static void
test_turns(void **state)
{
	struct farend_ask *a[6];
	size_t i;

	for (i = 0; i < 6; i++)
		a[i] = ask(SOCKS_CMD_RESOLVE);
	assert_int_equal(nruns, 4);
	farend_cancel(a[5]);
	farend_cancel(a[0]);
	assert_int_equal(nruns, 5);
	tunnel.helper.missing = 1;
	ask(SOCKS_CMD_RESOLVE);
	assert_int_equal(answers, 0);
	farend_cancel(a[1]);
	assert_int_equal(answers, 1);
	assert_int_equal(got.rep, SOCKS_REP_COMMAND);
	for (i = 2; i < 5; i++)
		farend_cancel(a[i]);
	assert_int_equal(tunnel.nlookups, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_native, setup),
		cmocka_unit_test_setup(test_native_refuses, setup),
		cmocka_unit_test_setup(test_native_nonsense, setup),
		cmocka_unit_test_setup(test_native_no_channel, setup),
		cmocka_unit_test_setup(test_helper, setup),
		cmocka_unit_test_setup(test_helper_ends, setup),
		cmocka_unit_test_setup(test_helper_dies, setup),
		cmocka_unit_test_setup(test_helper_lost, setup),
		cmocka_unit_test_setup(test_helper_refused, setup),
		cmocka_unit_test_setup(test_turns, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
