/* SPDX-License-Identifier: ISC */
/*
 * What a client that is logged in may ask for; its messages, and what becomes
 * of channels, are played here.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "log.h"
#include "netflow.h"
#include "netopen.h"
#include "priv.h"
#include "privsep.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"

#define MAX_FLOWS	20

static struct netflows flows;
static struct sshloop loop;
static struct priv priv;

/* The message. */
static int type, subtype, to_port;
static const char *host, *origin;
static ssh_channel on;

/* What it led to. */
static int refusals, successes, opened, closed;
static char line[256], shown[256];
static int status;
static enum netflow_kind kind;
static struct privsep_request request;

/* Channels, of which the last is taken next. */
static struct sshchan chans[NETSESSION_MAX];
static size_t nchans;
static const char *typed;	/* by the user, to be read */

int
ssh_message_type(ssh_message msg)
{
	return type;
}

int
ssh_message_subtype(ssh_message msg)
{
	return subtype;
}

const char *
ssh_message_channel_request_open_destination(ssh_message msg)
{
	return host;
}

int
ssh_message_channel_request_open_destination_port(ssh_message msg)
{
	return to_port;
}

const char *
ssh_message_channel_request_open_originator(ssh_message msg)
{
	return origin;
}

int
ssh_message_channel_request_open_originator_port(ssh_message msg)
{
	return 4711;
}

ssh_channel
ssh_message_channel_request_channel(ssh_message msg)
{
	return on;
}

int
ssh_message_channel_request_reply_success(ssh_message msg)
{
	successes++;
	return SSH_OK;
}

int
ssh_channel_write_stderr(ssh_channel channel, const void *data, uint32_t len)
{
	assert_true(len < sizeof(shown));
	memcpy(shown, data, len);
	shown[len] = '\0';
	return (int)len;
}

int
ssh_channel_request_send_exit_status(ssh_channel channel, int n)
{
	status = n;
	return SSH_OK;
}

void
sshconn_refuse(struct sshconn *c, ssh_message msg)
{
	refusals++;
}

int
sshconn_result(struct sshconn *c, int rc, const char *call)
{
	return rc;
}

static ssize_t
read_typed(struct stream *st, void *buf, size_t len)
{
	ssize_t n = typed == NULL ? -1 : (ssize_t)strlen(typed);

	typed = NULL;
	return n;
}

static void
want_any(struct stream *st, int want)
{
	assert_int_equal(want, STREAM_WANT_READ);
}

static void
close_any(struct stream *st, enum stream_ending ending)
{
	closed++;
}

struct sshchan *
sshopen_accept(struct sshchans *all, ssh_message msg)
{
	static const struct stream_ops ops = {
		.read = read_typed, .want = want_any, .close = close_any
	};
	struct sshchan *c;

	if (nchans == 0)
		return NULL;
	c = &chans[--nchans];
	c->stream.ops = &ops;
	c->chans = all;
	c->channel = (ssh_channel)(void *)c;
	return c;
}

int
netflows_open(struct netflows *all, ssh_message msg, enum netflow_kind what,
    const struct privsep_request *req)
{
	opened++;
	kind = what;
	request = *req;
	return what == NETFLOW_FOREIGN;
}

static void
note_line(enum log_level level, const char *text, void *arg)
{
	strlcpy(line, text, sizeof(line));
}

static int
setup(void **state)
{
	log_init("netopen_test", LOG_LEVEL_INFO, 1);
	log_set_sink(note_line, NULL);
	memset(&flows, 0, sizeof(flows));
	memset(&loop, 0, sizeof(loop));
	memset(&priv, 0, sizeof(priv));
	loop.chans.conn = &loop.conn;
	flows.loop = &loop;
	flows.priv = &priv;
	flows.max = MAX_FLOWS;
	flows.who = "alice";
	ratelimit_init(&flows.lines, 1000);
	refusals = successes = opened = closed = status = 0;
	line[0] = shown[0] = '\0';
	type = SSH_REQUEST_CHANNEL_OPEN;
	subtype = SSH_CHANNEL_DIRECT_TCPIP;
	host = "target";
	origin = "192.0.2.1";
	to_port = 80;
	nchans = NETSESSION_MAX;
	typed = NULL;
	return 0;
}

static int
come(void)
{
	line[0] = '\0';
	return netopen_message(NULL, &flows);
}

static void
assert_refused(const char *why)
{
	int before = refusals;

	assert_int_equal(come(), 0);
	assert_int_equal(refusals, before + 1);
	assert_string_equal(line, why);
	assert_int_equal(opened, 0);
}

static void
test_foreign(void **state)
{
	assert_int_equal(come(), 1);
	assert_int_equal(kind, NETFLOW_FOREIGN);
	assert_int_equal(request.cmd, SOCKS_CMD_CONNECT);
	assert_string_equal(request.host, "target");
	assert_int_equal(request.port, 80);
	assert_string_equal(request.origin, "192.0.2.1");
	assert_int_equal(request.origin_port, 4711);
	/* A name that only looks like a service of ours. */
	origin = "@sockstun";
	assert_int_equal(come(), 1);
	origin = "connect@sockstun.example";
	assert_int_equal(come(), 1);
}

static void
test_native(void **state)
{
	origin = "bind@sockstun";
	assert_int_equal(come(), 0);
	assert_int_equal(kind, NETFLOW_NATIVE);
	assert_int_equal(request.cmd, SOCKS_CMD_BIND);
	origin = "spare@sockstun";
	assert_int_equal(come(), 0);
	assert_int_equal(kind, NETFLOW_SPARE);
	/* One of a later version, perhaps: the reply will say so. */
	origin = "te\nlnet@sockstun";
	assert_int_equal(come(), 0);
	assert_int_equal(kind, NETFLOW_NATIVE);
	assert_int_equal(request.cmd, 0);
	assert_string_equal(line, "alice: unknown service "
	    "te\\012lnet@sockstun");
}

#define IMPOSSIBLE	"alice: channel to an impossible destination refused"

static void
test_impossible(void **state)
{
	char name[300];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	host = NULL;
	assert_refused(IMPOSSIBLE);
	host = "";
	assert_refused(IMPOSSIBLE);
	host = name;
	assert_refused(IMPOSSIBLE);
	host = "target";
	to_port = 65536;
	assert_refused(IMPOSSIBLE);
	to_port = -1;
	assert_refused(IMPOSSIBLE);
	to_port = 80;
	origin = NULL;
	assert_refused(IMPOSSIBLE);
	origin = name;
	assert_refused(IMPOSSIBLE);
	subtype = SSH_CHANNEL_X11;
	assert_refused("alice: channel of an unsupported type refused");
}

/* Channels and requests without one are counted together. */
static void
test_too_many(void **state)
{
	loop.chans.count = MAX_FLOWS - 1;
	flows.nunopened = 1;
	assert_refused("alice: channel beyond MaxFlows refused");
	flows.nunopened = 0;
	priv.queue.n = MAX_FLOWS + 1;
	assert_refused("alice: channel beyond MaxFlows refused");
	priv.queue.n = MAX_FLOWS;
	come();
	assert_int_equal(opened, 1);
}

static void
test_other_requests(void **state)
{
	static const struct {
		int		 type, subtype;
		const char	*line;
	} table[] = {
		{ SSH_REQUEST_GLOBAL, SSH_GLOBAL_REQUEST_TCPIP_FORWARD,
		    "alice: request for a remote forwarding refused" },
		{ SSH_REQUEST_GLOBAL, SSH_GLOBAL_REQUEST_KEEPALIVE, "" },
		{ SSH_REQUEST_AUTH, 0, "" },
		{ SSH_REQUEST_CHANNEL, SSH_CHANNEL_REQUEST_EXEC,
		    "alice: request for a command refused" },
		{ SSH_REQUEST_CHANNEL, SSH_CHANNEL_REQUEST_SHELL,
		    "alice: request for a shell refused" },
		{ SSH_REQUEST_CHANNEL, SSH_CHANNEL_REQUEST_SUBSYSTEM,
		    "alice: request for a subsystem refused" },
		{ SSH_REQUEST_CHANNEL, SSH_CHANNEL_REQUEST_X11,
		    "alice: request for X11 refused" },
		{ SSH_REQUEST_CHANNEL, SSH_CHANNEL_REQUEST_ENV, "" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		type = table[i].type;
		subtype = table[i].subtype;
		assert_refused(table[i].line);
	}
}

static struct sshchan *
open_session(void)
{
	type = SSH_REQUEST_CHANNEL_OPEN;
	subtype = SSH_CHANNEL_SESSION;
	assert_int_equal(come(), 0);
	return &chans[nchans];
}

static void
ask(struct sshchan *c, int what)
{
	type = SSH_REQUEST_CHANNEL;
	subtype = what;
	on = c->channel;
	assert_int_equal(come(), 0);
}

/* People who want a shell learn that there is none. */
static void
test_shell(void **state)
{
	struct sshchan *a = open_session(), *b = open_session();

	ask(a, SSH_CHANNEL_REQUEST_ENV);
	assert_int_equal(refusals, 1);
	ask(a, SSH_CHANNEL_REQUEST_PTY);
	assert_int_equal(successes, 1);
	assert_string_equal(shown, "");
	ask(a, SSH_CHANNEL_REQUEST_SHELL);
	assert_int_equal(successes, 2);
	assert_non_null(strstr(shown, "there is no shell"));
	assert_int_equal(status, 1);
	assert_int_equal(closed, 1);
	/* It is closed, and the other is still there. */
	ask(a, SSH_CHANNEL_REQUEST_SHELL);
	assert_int_equal(refusals, 2);
	ask(b, SSH_CHANNEL_REQUEST_EXEC);
	assert_int_equal(closed, 2);
	assert_int_equal(flows.sessions.n, 0);
}

/* What is typed is dropped, until the client goes. */
static void
test_typed(void **state)
{
	struct stream *a = &open_session()->stream;
	struct stream *b = &open_session()->stream;

	typed = "ls\n";
	a->cb(a, STREAM_READABLE, a->arg);
	assert_int_equal(closed, 0);
	typed = "";
	a->cb(a, STREAM_READABLE, a->arg);
	assert_int_equal(closed, 1);
	b->cb(b, STREAM_RESET, b->arg);
	assert_int_equal(closed, 2);
	assert_int_equal(flows.sessions.n, 0);
}

static void
test_many_sessions(void **state)
{
	int i;

	for (i = 0; i < NETSESSION_MAX; i++)
		open_session();
	assert_int_equal(flows.sessions.n, NETSESSION_MAX);
	assert_refused("alice: one session too many refused");
	flows.sessions.n--;
	assert_int_equal(come(), 0);
	assert_int_equal(refusals, 1);
	assert_int_equal(flows.sessions.n, NETSESSION_MAX - 1);
}

#define TEST(fn)	cmocka_unit_test_setup(fn, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_foreign), TEST(test_native), TEST(test_impossible),
		TEST(test_too_many), TEST(test_other_requests),
		TEST(test_shell), TEST(test_typed), TEST(test_many_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
