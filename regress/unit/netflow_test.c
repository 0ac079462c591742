/* SPDX-License-Identifier: ISC */
/*
 * Requests of a client, and what becomes of their channels; the dialer, the
 * SSH library and the channels are played here.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <event2/event.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "addr.h"
#include "beat.h"
#include "clock.h"
#include "log.h"
#include "msg.h"
#include "netflow.h"
#include "priv.h"
#include "privsep.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"
#include "starve.h"
#include "stream.h"

#define DIAL		60	/* seconds that the dialer has */
#define BEFORE		(DIAL + 4)
#define AFTER		2

static struct event_base *base;
static struct priv priv;
static struct netflows flows;
static struct sshloop loop;
static struct sshchan chan;
static int dialer;		/* its end of the pair */
static int refused;		/* openings */
static int no_channel;		/* none can be accepted */
static const char *left;	/* the client's reason for the end */
static u_char said[64];		/* on the channel */
static size_t nsaid;
static u_char heard[64];	/* of what the client sends */
static size_t nheard;
static int gone;		/* it sends no more */
static int ended, closed;
static enum stream_ending ending;
static int hunger;		/* which allocation fails in the loop */

void
ssh_message_free(ssh_message msg)
{
}

void
sshconn_refuse(struct sshconn *c, ssh_message msg)
{
	refused++;
}

int
sshconn_result(struct sshconn *c, int rc, const char *call)
{
	return rc;
}

void
sshconn_kick(struct sshconn *c)
{
}

void
sshloop_note_sockstun(struct sshloop *l)
{
}

struct sshchan *
sshopen_accept(struct sshchans *chans, ssh_message msg)
{
	return no_channel ? NULL : &chan;
}

int
ssh_session_set_disconnect_message(ssh_session session, const char *text)
{
	left = text;
	return SSH_OK;
}

static ssize_t
fake_read(struct stream *st, void *buf, size_t len)
{
	if (nheard == 0) {
		errno = EAGAIN;
		return gone ? 0 : -1;
	}
	if (len > nheard)
		len = nheard;
	memcpy(buf, heard, len);
	memmove(heard, heard + len, nheard - len);
	nheard -= len;
	return (ssize_t)len;
}

static ssize_t
fake_write(struct stream *st, const void *buf, size_t len)
{
	assert_true(nsaid + len <= sizeof(said));
	memcpy(said + nsaid, buf, len);
	nsaid += len;
	return (ssize_t)len;
}

static size_t
fake_space(struct stream *st)
{
	return sizeof(said);
}

static void
fake_want(struct stream *st, int want)
{
	if (want & STREAM_WANT_WRITE)
		st->cb(st, STREAM_WRITABLE, st->arg);
}

static void
fake_end(struct stream *st)
{
	ended++;
}

static void
fake_close(struct stream *st, enum stream_ending how)
{
	closed++;
	ending = how;
}

static const struct stream_ops fake_ops = {
	fake_read, fake_write, fake_space, fake_want, fake_end, fake_close
};

static void
pass(int seconds)
{
	clock_move(seconds * CLOCK_SECOND);
	starve(hunger);
	event_base_loop(base, EVLOOP_NONBLOCK);
	starve(0);
}

/* The next message of this type to the dialer comes with this number. */
static void
assert_dialer_hears(uint32_t type, uint32_t id)
{
	struct msg m;

	assert_int_equal(msg_recv(dialer, &m), 1);
	while (m.type != type) {
		msg_clear(&m);
		assert_int_equal(msg_recv(dialer, &m), 1);
	}
	assert_int_equal(m.id, id);
	msg_clear(&m);
}

static int
setup_silence(void **state)
{
	int fd[2];

	log_init("netflow_test", LOG_LEVEL_QUIET, 1);
	base = event_base_new();
	refused = no_channel = gone = ended = closed = 0;
	nsaid = nheard = 0;
	left = NULL;
	chan.stream.ops = &fake_ops;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == -1)
		return -1;
	dialer = fd[1];
	priv_init(&priv, fd[0]);
	if (priv_start(&priv, base, &netflows_priv_ops, &flows) == -1 ||
	    netflows_init(&flows, base, &priv, 10, DIAL, "test") == -1)
		return -1;
	flows.loop = &loop;
	return 0;
}

/* Of a dialer that is well, but for what is not answered. */
static int
setup(void **state)
{
	int r = setup_silence(state);

	beat_stop(&priv.beat);
	return r;
}

static int
teardown(void **state)
{
	assert_null(left);
	/* The farewell waits for the client to go, but not for ever. */
	pass(10);
	netflows_clear(&flows);
	priv_clear(&priv);
	event_base_free(base);
	close(priv.fd);
	close(dialer);
	return 0;
}

static void
ask(enum netflow_kind kind, enum socks_cmd cmd)
{
	struct privsep_request req = {
		.cmd = cmd, .host = "192.0.2.1", .port = 80
	};

	netflows_open(&flows, NULL, kind, &req);
	assert_dialer_hears(PS_REQUEST, flows.last_id);
}

static void
test_foreign(void **state)
{
	ask(NETFLOW_FOREIGN, SOCKS_CMD_CONNECT);
	pass(BEFORE);
	assert_int_equal(refused, 0);
	pass(AFTER);
	assert_int_equal(refused, 1);
	assert_dialer_hears(PS_CANCEL, 1);
	assert_int_equal(flows.nunopened, 0);
}

static void
test_native(void **state)
{
	ask(NETFLOW_NATIVE, SOCKS_CMD_CONNECT);
	pass(BEFORE);
	assert_int_equal(nsaid, 0);
	pass(AFTER);
	assert_true(nsaid > 2);
	assert_int_equal(said[1], SOCKS_REP_TTL);
	assert_dialer_hears(PS_CANCEL, 1);
}

/* A BIND waits for its peer, too. */
static void
test_bind(void **state)
{
	ask(NETFLOW_NATIVE, SOCKS_CMD_BIND);
	pass(BEFORE + 120);
	assert_int_equal(nsaid, 0);
	pass(AFTER);
	assert_int_equal(said[1], SOCKS_REP_TTL);
	assert_dialer_hears(PS_CANCEL, 1);
}

/* The dialer answers; returns the other end of the socket, or -1. */
static int
answer(uint32_t id, enum socks_rep rep, int with_socket)
{
	struct privsep_reply reply = { .rep = rep };
	struct msg m;
	int fd[2] = { -1, -1 };

	assert_int_equal(addr_parse_host(&reply.bnd, "192.0.2.7", 7), 0);
	if (with_socket)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM |
		    SOCK_NONBLOCK, 0, fd), 0);
	msg_init(&m, PS_REPLY, id);
	m.fd = fd[0];
	privsep_put_reply(&m, &reply);
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
	pass(0);
	return fd[1];
}

static void
answer_bound(uint32_t id)
{
	struct addr a;
	struct msg m;

	assert_int_equal(addr_parse_host(&a, "192.0.2.8", 8), 0);
	msg_init(&m, PS_BOUND, id);
	privsep_put_addr(&m, &a);
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
	pass(0);
}

static void
client_sends(const void *data, size_t len)
{
	memcpy(heard, data, len);
	nheard = len;
	chan.stream.cb(&chan.stream, STREAM_READABLE, chan.stream.arg);
	pass(0);
}

static void
client_goes(enum stream_event ev)
{
	gone = 1;
	chan.stream.cb(&chan.stream, ev, chan.stream.arg);
	pass(0);
}

/* A descriptor whose other end is held by nobody any more. */
static void
assert_let_go(int fd)
{
	char c;

	assert_int_equal(read(fd, &c, 1), 0);
	close(fd);
}

/* Bytes go both ways, and each end to the other side. */
static void
assert_relays(int fd)
{
	char buf[8];

	nsaid = 0;
	client_sends("abc", 3);
	assert_int_equal(read(fd, buf, sizeof(buf)), 3);
	assert_int_equal(write(fd, "xy", 2), 2);
	pass(0);
	assert_int_equal(nsaid, 2);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	pass(0);
	assert_int_equal(ended, 1);
	client_goes(STREAM_READABLE);
	assert_int_equal(closed, 1);
	assert_int_equal(ending, STREAM_CLOSE);
	assert_let_go(fd);
}

static void
test_relays(void **state)
{
	int fd;

	ask(NETFLOW_NATIVE, SOCKS_CMD_CONNECT);
	fd = answer(1, SOCKS_REP_OK, 1);
	assert_int_equal(said[1], SOCKS_REP_OK);
	assert_int_equal(said[9], 7);
	assert_relays(fd);
}

static void
test_relays_foreign(void **state)
{
	int fd;

	ask(NETFLOW_FOREIGN, SOCKS_CMD_CONNECT);
	assert_int_equal(flows.nunopened, 1);
	fd = answer(1, SOCKS_REP_OK, 1);
	assert_int_equal(flows.nunopened, 0);
	assert_int_equal(nsaid, 0);
	assert_relays(fd);
}

/* The failure is told in the way of each kind of client. */
static void
test_failures(void **state)
{
	ask(NETFLOW_NATIVE, SOCKS_CMD_CONNECT);
	answer(1, SOCKS_REP_REFUSED, 0);
	assert_int_equal(said[1], SOCKS_REP_REFUSED);
	assert_int_equal(ended, 1);
	ask(NETFLOW_FOREIGN, SOCKS_CMD_CONNECT);
	answer(2, SOCKS_REP_REFUSED, 0);
	assert_int_equal(refused, 1);
	/* The descriptor was lost on the way. */
	nsaid = 0;
	ask(NETFLOW_NATIVE, SOCKS_CMD_CONNECT);
	answer(3, SOCKS_REP_OK, 0);
	assert_int_equal(said[1], SOCKS_REP_GENERAL);
	/* Nobody waits for these. */
	assert_let_go(answer(3, SOCKS_REP_OK, 1));
	answer(3, SOCKS_REP_OK, 0);
	answer_bound(3);
}

static void
test_resolve(void **state)
{
	ask(NETFLOW_NATIVE, SOCKS_CMD_RESOLVE);
	answer(1, SOCKS_REP_OK, 0);
	assert_int_equal(said[1], SOCKS_REP_OK);
	assert_int_equal(said[7], 7);
	nsaid = 0;
	ask(NETFLOW_NATIVE, SOCKS_CMD_RESOLVE_PTR);
	answer(2, SOCKS_REP_OK, 0);
	assert_int_equal(said[1], SOCKS_REP_OK);
}

/* Two replies; meanwhile it is seen if the client goes. */
static void
test_bind_replies(void **state)
{
	char buf[8];
	int fd;

	ask(NETFLOW_NATIVE, SOCKS_CMD_BIND);
	answer_bound(1);
	assert_int_equal(said[1], SOCKS_REP_OK);
	assert_int_equal(said[9], 8);
	nsaid = 0;
	client_sends("early", 5);
	fd = answer(1, SOCKS_REP_OK, 1);
	assert_int_equal(read(fd, buf, sizeof(buf)), 5);
	assert_relays(fd);
}

static void
test_bind_abandoned(void **state)
{
	ask(NETFLOW_NATIVE, SOCKS_CMD_BIND);
	answer_bound(1);
	client_goes(STREAM_READABLE);
	assert_dialer_hears(PS_CANCEL, 1);
	assert_int_equal(closed, 1);
	/* It may have crossed the cancel. */
	assert_let_go(answer(1, SOCKS_REP_OK, 1));
}

static void
open_spare(void)
{
	struct privsep_request none = { .host = "spare" };

	nsaid = 0;
	gone = closed = 0;
	netflows_open(&flows, NULL, NETFLOW_SPARE, &none);
}

/* The request comes on the channel, in pieces or not at all. */
static void
test_spare(void **state)
{
	static const u_char request[] = { 5, 1, 0, 1, 192, 0, 2, 1, 0, 80 };

	open_spare();
	client_sends(request, 4);
	client_sends(request + 4, 6);
	assert_dialer_hears(PS_REQUEST, flows.last_id);
	assert_relays(answer(flows.last_id, SOCKS_REP_OK, 1));
	open_spare();
	client_goes(STREAM_READABLE);
	assert_int_equal(closed, 1);
	open_spare();
	client_goes(STREAM_RESET);
	assert_int_equal(closed, 1);
}

/* Only what opens a connection is asked for on one. */
static void
test_spare_refused(void **state)
{
	static const u_char bind[] = { 5, 2, 0, 1, 192, 0, 2, 1, 0, 80 };
	static const u_char junk[] = "GET / HTTP/1.0";

	open_spare();
	client_sends(bind, sizeof(bind));
	assert_int_equal(said[1], SOCKS_REP_COMMAND);
	client_goes(STREAM_READABLE);
	assert_int_equal(closed, 1);
	open_spare();
	client_sends(junk, sizeof(junk));
	assert_int_equal(nsaid, 0);
	assert_int_equal(closed, 1);
}

static void
test_unknown_service(void **state)
{
	struct privsep_request req = { .cmd = 0, .host = "192.0.2.1" };

	netflows_open(&flows, NULL, NETFLOW_NATIVE, &req);
	assert_int_equal(said[1], SOCKS_REP_COMMAND);
}

static void
test_no_channel(void **state)
{
	struct privsep_request req = { .cmd = 1, .host = "\177" };

	no_channel = 1;
	assert_int_equal(netflows_open(&flows, NULL, NETFLOW_NATIVE, &req), 0);
	assert_true(RB_EMPTY(&flows.asked));
	ask(NETFLOW_FOREIGN, SOCKS_CMD_CONNECT);
	assert_let_go(answer(flows.last_id, SOCKS_REP_OK, 1));
	assert_true(RB_EMPTY(&flows.asked));
}

/* Has the client been told that nothing will come of it? */
static int
was_told(void)
{
	return refused > 0 || closed > 0 ||
	    (nsaid > 1 && said[1] != SOCKS_REP_OK);
}

/* Opens a flow whose nth allocation in one of its steps fails. */
static void
starve_flow(enum netflow_kind kind, int step, int n)
{
	static const u_char request[] = { 5, 1, 0, 1, 192, 0, 2, 1, 0, 80 };
	struct privsep_request req = {
		.cmd = kind == NETFLOW_FOREIGN ? SOCKS_CMD_CONNECT :
		    SOCKS_CMD_BIND,
		.host = "192.0.2.1", .port = 80
	};
	int fd;

	refused = closed = gone = 0;
	nsaid = nheard = 0;
	starve(step == 0 ? n : 0);
	netflows_open(&flows, NULL, kind, &req);
	starve(0);
	if (kind == NETFLOW_SPARE && !was_told()) {
		memcpy(heard, request, nheard = sizeof(request));
		starve(step == 1 ? n : 0);
		chan.stream.cb(&chan.stream, STREAM_READABLE, chan.stream.arg);
		starve(0);
	}
	hunger = step == 2 ? n : 0;
	answer_bound(flows.last_id);
	nsaid = was_told() ? nsaid : 0;
	hunger = step == 3 ? n : 0;
	fd = answer(flows.last_id, SOCKS_REP_OK, 1);
	hunger = 0;
	if (!was_told()) {
		assert_relays(fd);
		return;
	}
	assert_let_go(fd);
	if (closed == 0 && refused == 0)
		client_goes(STREAM_RESET);
}

/*
 * Whichever allocation fails, the flow is as it should be, or its client is
 * told and nothing is left.
 */
static void
test_starved(void **state)
{
	int kind, step, n;

	for (kind = NETFLOW_NATIVE; kind <= NETFLOW_FOREIGN; kind++)
		for (step = 0; step < 4; step++)
			for (n = 1; n == 1 || starved(); n++) {
				ended = 0;
				starve_flow((enum netflow_kind)kind, step, n);
				assert_true(RB_EMPTY(&flows.asked));
				assert_int_equal(closed + refused, 1);
			}
}

/* The session ends with its dialer, and the client learns why. */
static void
test_dialer_gone(void **state)
{
	ask(NETFLOW_NATIVE, SOCKS_CMD_CONNECT);
	shutdown(dialer, SHUT_RDWR);
	pass(0);
	assert_string_equal(left, "the dialer ended");
	left = NULL;
}

/* One that is stopped is given up within seconds, unless it was heard. */
static void
test_dialer_silent(void **state)
{
	struct msg m;
	int i;

	for (i = 0; i < 20; i++) {
		msg_init(&m, PS_ALIVE, 0);
		assert_int_equal(msg_send(dialer, &m), 0);
		pass(BEAT_SECONDS);
	}
	assert_null(left);
	for (i = 1; i < BEAT_MISSED; i++)
		pass(BEAT_SECONDS);
	assert_null(left);
	pass(2 * BEAT_SECONDS);
	pass(BEAT_SECONDS);
	assert_string_equal(left, "the dialer takes no messages");
	left = NULL;
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_foreign),
		TEST(test_native),
		TEST(test_bind),
		TEST(test_relays),
		TEST(test_relays_foreign),
		TEST(test_failures),
		TEST(test_resolve),
		TEST(test_bind_replies),
		TEST(test_bind_abandoned),
		TEST(test_spare),
		TEST(test_spare_refused),
		TEST(test_unknown_service),
		TEST(test_no_channel),
		TEST(test_starved),
		TEST(test_dialer_gone),
		cmocka_unit_test_setup_teardown(test_dialer_silent,
		    setup_silence, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
