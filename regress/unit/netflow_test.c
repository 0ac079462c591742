/* SPDX-License-Identifier: ISC */
/*
 * A request that the dialer does not answer is answered all the same, and
 * cancelled; the dialer, the SSH library and the channels are played here.
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

#include "clock.h"
#include "msg.h"
#include "netflow.h"
#include "priv.h"
#include "privsep.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"
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
static u_char said[64];		/* on the channel */
static size_t nsaid;

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
	return &chan;
}

static ssize_t
fake_read(struct stream *st, void *buf, size_t len)
{
	errno = EAGAIN;
	return -1;
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
}

static void
fake_close(struct stream *st, enum stream_ending ending)
{
}

static const struct stream_ops fake_ops = {
	fake_read, fake_write, fake_space, fake_want, fake_end, fake_close
};

static void
gone_cb(const char *why, void *arg)
{
	fail();
}

static void
pass(int seconds)
{
	clock_move(seconds * CLOCK_SECOND);
	event_base_loop(base, EVLOOP_NONBLOCK);
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
setup(void **state)
{
	static struct priv_ops ops;
	int fd[2];

	ops = netflows_priv_ops;
	ops.gone = gone_cb;
	base = event_base_new();
	refused = 0;
	nsaid = 0;
	chan.stream.ops = &fake_ops;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == -1)
		return -1;
	dialer = fd[1];
	priv_init(&priv, fd[0]);
	if (priv_start(&priv, base, &ops, &flows) == -1 ||
	    netflows_init(&flows, base, &priv, 10, DIAL, "test") == -1)
		return -1;
	/* That nobody answers is all that is tested here. */
	beat_stop(&priv.beat);
	flows.loop = &loop;
	return 0;
}

static int
teardown(void **state)
{
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_native, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
