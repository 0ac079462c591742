/* SPDX-License-Identifier: ISC */
/*
 * What a client that is logged in asks of sockstund-net, and what its dialer
 * answers, in any order.  A message has one answer at most, what goes to the
 * dialer is well-formed, native channels begin with replies, and no channel,
 * message or descriptor is left.
 */
#include <sys/socket.h>
#include <stdio.h>

#include <event2/event.h>
#include <libssh/server.h>

#include "addr.h"
#include "msg.h"
#include "netflow.h"
#include "netopen.h"
#include "priv.h"
#include "privsep.h"
#include "protocol.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"
#include "tube.h"

#define PEERS	8

/* libssh's, for these functions of it. */
struct ssh_message_struct {
	int		 type, subtype;
	int		 answers;
	int		 port;
	char		 host[300], origin[300];
	ssh_channel	 channel;
};

static struct event_base *base;
static struct sshloop loop;
static struct script script;
static int peer[PEERS];		/* of sockets that the dialer gave */
static int messages;		/* that are not freed */

int
ssh_message_type(ssh_message m)
{
	return m->type;
}

int
ssh_message_subtype(ssh_message m)
{
	return m->subtype;
}

const char *
ssh_message_channel_request_open_destination(ssh_message m)
{
	return m->host;
}

int
ssh_message_channel_request_open_destination_port(ssh_message m)
{
	return m->port;
}

const char *
ssh_message_channel_request_open_originator(ssh_message m)
{
	return m->origin;
}

int
ssh_message_channel_request_open_originator_port(ssh_message m)
{
	return m->port;
}

ssh_channel
ssh_message_channel_request_channel(ssh_message m)
{
	return m->channel;
}

int
ssh_message_reply_default(ssh_message m)
{
	check(m->answers++ == 0);
	return 0;
}

int
ssh_message_channel_request_reply_success(ssh_message m)
{
	return ssh_message_reply_default(m);
}

void
ssh_message_free(ssh_message m)
{
	messages -= m != NULL;
	free(m);
}

int
ssh_channel_write_stderr(ssh_channel channel, const void *data, uint32_t len)
{
	return (int)len;
}

int
ssh_channel_request_send_exit_status(ssh_channel channel, int status)
{
	return 0;
}

void
sshconn_refuse(struct sshconn *c, ssh_message m)
{
	ssh_message_reply_default(m);
}

int
sshconn_result(struct sshconn *c, int result, const char *call)
{
	return result;
}

void
sshloop_note_sockstun(struct sshloop *l)
{
}

struct sshchan *
sshopen_accept(struct sshchans *chans, ssh_message m)
{
	struct tube *t;
	size_t len = strlen(m->origin), suffix = strlen(SERVICE_SUFFIX);

	check(m->answers++ == 0);
	if (m->port == 1 || (t = tube_new()) == NULL)
		return NULL;
	t->chan.chans = chans;
	t->chan.channel = (ssh_channel)(void *)t;
	/* Here: replies come first on it. */
	t->chan.id = len > suffix &&
	    strcmp(m->origin + len - suffix, SERVICE_SUFFIX) == 0;
	t->space = (size_t)m->port;
	return &t->chan;
}

static void
script_text(char *buf, size_t size)
{
	size_t n = script_byte(&script);
	const uint8_t *p = script_bytes(&script, &n);

	memcpy(buf, p, n < size ? n : size - 1);
	buf[n < size ? n : size - 1] = '\0';
}

/* A message of the client's. */
static void
client_says(struct netflows *all, unsigned int what)
{
	static const char *const origins[] = { "connect", "bind", "udp",
	    "resolve", "resolve-ptr", "spare", "other" };
	static const int types[] = { SSH_REQUEST_CHANNEL_OPEN,
	    SSH_REQUEST_CHANNEL_OPEN, SSH_REQUEST_CHANNEL_OPEN,
	    SSH_REQUEST_CHANNEL_OPEN, SSH_REQUEST_CHANNEL,
	    SSH_REQUEST_CHANNEL, SSH_REQUEST_GLOBAL, SSH_REQUEST_AUTH };
	ssh_message m = calloc(1, sizeof(*m));

	check(m != NULL);
	messages++;
	m->type = types[what % 8];
	m->subtype = what % 8 < 3 ? SSH_CHANNEL_DIRECT_TCPIP :
	    (int)script_byte(&script) % 8;
	m->port = (int)script_byte(&script);
	m->channel = (ssh_channel)(void *)tubes[m->port % TUBES];
	script_text(m->host, sizeof(m->host));
	if (what / 8 % 8 < 7)
		snprintf(m->origin, sizeof(m->origin), "%s%s",
		    origins[what / 8 % 8], SERVICE_SUFFIX);
	else
		script_text(m->origin, sizeof(m->origin));
	if (netopen_message(m, all) == 0) {
		check(m->answers == 1 || m->type == SSH_REQUEST_AUTH);
		ssh_message_free(m);
	} else
		check(m->answers == 0);
}

/* A reply, or the first of BIND's. */
static void
dialer_says(int dialer, unsigned int what)
{
	struct privsep_reply reply = { .rep = script_byte(&script) };
	uint32_t id = script_byte(&script);
	struct msg m;
	int fd[2] = { -1, -1 }, i;

	if (reply.rep > 8)
		reply.rep = 0;
	if (socks_decode_addr(&reply.bnd, script.p, script.len) <= 0)
		reply.bnd.type = ADDR_NONE;
	for (i = 0; i < PEERS && peer[i] != -1; i++)
		;
	msg_init(&m, what & 1 ? PS_BOUND : PS_REPLY, id);
	if (what & 1)
		privsep_put_addr(&m, &reply.bnd);
	else {
		if ((what & 2) && i < PEERS) {
			check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK,
			    0, fd) == 0);
			peer[i] = fd[1];
			m.fd = fd[0];
		}
		privsep_put_reply(&m, &reply);
	}
	msg_send(dialer, &m);
	msg_clear(&m);
}

/* What came for the dialer. */
static void
dialer_hears(int dialer)
{
	struct privsep_request req;
	struct msg m;

	while (msg_recv(dialer, &m) == 1) {
		check(m.fd == -1);
		if (m.type == PS_REQUEST)
			check(privsep_get_request(&m, &req) == 0);
		else
			check(m.type == PS_CANCEL && msg_end(&m) == 0);
		msg_clear(&m);
	}
}

/* A target sends bytes, or ends. */
static void
peer_acts(int *fd)
{
	size_t n = script_byte(&script);
	const uint8_t *p = script_bytes(&script, &n);

	if (*fd == -1)
		return;
	if (n > 0)
		send(*fd, p, n, MSG_NOSIGNAL);
	else {
		close(*fd);
		*fd = -1;
	}
}

static void
check_replies(void)
{
	struct socks_reply reply;
	size_t i;

	for (i = 0; i < TUBES; i++)
		if (tubes[i] != NULL && tubes[i]->chan.id == 1)
			check(socks_decode_reply5(&reply, tubes[i]->got,
			    tubes[i]->ngot) >= 0);
}

static void
play(struct netflows *all, int dialer)
{
	unsigned int op = script_byte(&script);
	struct tube *t = tubes[op / 8 % TUBES];
	size_t i;

	switch (op % 8) {
	case 0: case 1: case 2:
		client_says(all, script_byte(&script));
		break;
	case 3: case 4:
		dialer_hears(dialer);
		dialer_says(dialer, op / 8);
		break;
	case 5: case 6:
		if (t != NULL)
			tube_act(t, &script);
		break;
	case 7:
		peer_acts(&peer[op / 8 % PEERS]);
		break;
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
	check_replies();
	for (loop.chans.count = i = 0; i < TUBES; i++)
		loop.chans.count += tubes[i] != NULL;
}

/* The session ends: every channel is told. */
static void
lose_session(void)
{
	struct stream *st;
	size_t i;

	for (i = 0; i < TUBES; i++)
		if (tubes[i] != NULL) {
			st = &tubes[i]->chan.stream;
			tubes[i]->error = ENETRESET;
			st->cb(st, STREAM_RESET, st->arg);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netflows all;
	struct priv priv;
	int fd[2], before, i;

	if (base == NULL) {
		base = event_base_new();
		fuzz_watch_log();
	}
	before = fuzz_next_fd();
	script = (struct script){ data, size };
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == 0);
	memset(peer, -1, sizeof(peer));
	priv_init(&priv, fd[0]);
	check(priv_start(&priv, base, &netflows_priv_ops, &all) == 0);
	check(netflows_init(&all, base, &priv, 1 + script_byte(&script) % TUBES,
	    60, "test") == 0);
	all.loop = &loop;
	loop.chans.conn = &loop.conn;
	loop.chans.count = 0;
	while (script.len > 0)
		play(&all, fd[1]);
	lose_session();
	netflows_clear(&all);
	dialer_hears(fd[1]);
	priv_clear(&priv);
	for (i = 0; i < PEERS; i++)
		if (peer[i] != -1)
			close(peer[i]);
	close(fd[0]);
	close(fd[1]);
	tubes_check_closed();
	check(messages == 0 && fuzz_next_fd() == before);
	return 0;
}
