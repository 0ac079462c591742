/* SPDX-License-Identifier: ISC */
/*
 * A dialer that is told anything by sockstund-net, while its services, played
 * here, end in all ways.  Each request that it took is answered once or not
 * at all, what it sends is well-formed, and no descriptor is left.
 */
#include <sys/socket.h>
#include <errno.h>

#include <event2/event.h>

#include "addr.h"
#include "context.h"
#include "dialer.h"
#include "dialfilter.h"
#include "fuzz.h"
#include "kinds.h"
#include "msg.h"
#include "privsep.h"
#include "report.h"
#include "resolver.h"
#include "servconf.h"
#include "services.h"
#include "stream.h"
#include "udpsock.h"

#define IDS	8

struct fake {
	struct service	 service;	/* first: the two are cast */
	struct stream	*stream;
};

static struct script script;
static struct event *ev;
static int net;			/* its end of the pair */
static int asked[IDS];		/* how often, and not yet answered */
static struct service *live[IDS];

/* Ends a service as the script says, or lets it wait. */
static void
service_act(struct service *sv)
{
	struct fake *f = (struct fake *)sv;
	unsigned int how = script_byte(&script);
	struct addr bnd = { .type = ADDR_IPV4, .port = 7 };
	struct service_link link = { NULL, NULL, 0 };

	switch (how % 6) {
	case 0:
		service_done(sv, "done", &sv->dst, -1);
		break;
	case 1:
		service_done(sv, "done", NULL, dup(net));
		break;
	case 2:
		service_fail(sv, how / 6, "failed");
		break;
	case 3:
		service_fail_errno(sv, (int)how);
		break;
	case 4:
		if (sv->kind->cmd == SOCKS_CMD_BIND)
			sv->ops->bound(sv, &sv->dst);
		else if (sv->kind->cmd == SOCKS_CMD_UDP && f->stream == NULL &&
		    sv->ops->link(sv, &bnd, &link) == 0)
			f->stream = link.stream;
		break;
	}
}

static void
fake_stop(struct service *sv)
{
	struct fake *f = (struct fake *)sv;
	size_t i;

	for (i = 0; i < IDS; i++)
		if (live[i] == sv)
			live[i] = NULL;
	if (f->stream != NULL)
		f->stream->ops->close(f->stream, STREAM_CLOSE);
}

static void
fake_start(struct service *sv)
{
	size_t i;

	for (i = 0; i < IDS && live[i] != NULL; i++)
		;
	if (i < IDS)
		live[i] = sv;
	service_act(sv);
}

#define KIND(cmd)	{ cmd, "test", sizeof(struct fake), fake_start, \
			    fake_stop }
static const struct service_kind kinds[] = {
	KIND(SOCKS_CMD_CONNECT), KIND(SOCKS_CMD_BIND), KIND(SOCKS_CMD_UDP),
	KIND(SOCKS_CMD_RESOLVE), KIND(SOCKS_CMD_RESOLVE_PTR)
};
const struct service_kind *const kinds_all[] = {
	&kinds[0], &kinds[1], &kinds[2], &kinds[3], &kinds[4], NULL
};

int
dialfilter_enter(void)
{
	return 0;
}

static void
send_msg(struct msg *m)
{
	msg_send(net, m);
	msg_clear(m);
}

static void
send_request(uint32_t id)
{
	struct privsep_request req = { .origin = "192.0.2.1" };
	unsigned int cmd = script_byte(&script);
	size_t n = script_byte(&script);
	const uint8_t *p = script_bytes(&script, &n);
	struct msg m;

	req.cmd = cmd < 5 ? kinds[cmd].cmd : cmd;
	memcpy(req.host, p, n);
	msg_init(&m, PS_REQUEST, id);
	privsep_put_request(&m, &req);
	asked[id]++;
	send_msg(&m);
}

static void
send_raw(void)
{
	size_t n = script_byte(&script);
	const uint8_t *p = script_bytes(&script, &n);

	send(net, p, n, MSG_NOSIGNAL);
}

/* What the dialer has sent. */
static void
take_answers(void)
{
	struct privsep_reply reply;
	struct addr bnd;
	struct msg m;

	while (msg_recv(net, &m) == 1) {
		if (m.type == PS_REPLY) {
			check(privsep_get_reply(&m, &reply) == 0);
			check(m.id >= IDS || asked[m.id]-- > 0);
			check(m.fd == -1 || reply.rep == SOCKS_REP_OK);
		} else if (m.type == PS_BOUND) {
			privsep_get_addr(&m, &bnd);
			check(msg_end(&m) == 0 && m.fd == -1);
		} else
			check(m.type == PS_AUTH_ANSWER);
		msg_clear(&m);
	}
}

static void
play(void)
{
	unsigned int op = script_byte(&script);
	uint32_t id = op / 8 % IDS;
	struct msg m;

	switch (op % 8) {
	case 0: case 1:
		send_request(id);
		break;
	case 2:
		msg_init(&m, PS_CANCEL, id);
		send_msg(&m);
		break;
	case 3:
		msg_init(&m, PS_LOG, id);
		privsep_put_log(&m, op / 8 % (LOG_LEVEL_DEBUG2 + 1),
		    (const char[]){ (char)script_byte(&script), 0 });
		send_msg(&m);
		break;
	case 4:
		send_raw();
		break;
	case 5:
		if (live[id] != NULL)
			service_act(live[id]);
		break;
	case 6:
		take_answers();
		break;
	case 7:
		msg_init(&m, PS_CANCEL, id);
		m.fd = op & 64 ? dup(net) : -1;
		send_msg(&m);
		break;
	}
}

static void
step_cb(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval now = { 0, 0 };

	if (script.len > 0) {
		play();
		event_add(ev, &now);
	} else
		shutdown(net, SHUT_RDWR);
}

/* No name is looked up; but here the loop is known. */
struct resolver *
resolver_new(struct event_base *base, size_t nthreads)
{
	ev = evtimer_new(base, step_cb, NULL);
	event_active(ev, 0, 0);
	return NULL;
}

void
resolver_free(struct resolver *r)
{
	event_free(ev);
}

/* The services here send no datagrams; the pool is large. */
struct udpsock_pool *
udpsock_pool_new(struct event_base *base)
{
	return (struct udpsock_pool *)base;
}

void
udpsock_pool_free(struct udpsock_pool *pool)
{
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct context ctx = { .user = "alice", .peer = "test" };
	static struct servconf conf;
	static struct report report;
	static int log_fd[2];
	int fd[2], before, status;

	if (conf.max_flows == 0) {
		fuzz_watch_log();
		check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
		    log_fd) == 0);
	}
	report.fd = log_fd[0];
	before = fuzz_next_fd();
	script = (struct script){ data, size };
	conf.allow_forwarding = 1;
	conf.max_flows = 1 + (int)script_byte(&script) % IDS;
	conf.max_udp = 2;
	memset(asked, 0, sizeof(asked));
	check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd) == 0);
	net = fd[0];
	evutil_make_socket_nonblocking(net);
	status = dialer_main(&conf, fd[1], &report, &ctx);
	check(status == 0 || status == 255);
	take_answers();
	close(fd[0]);
	close(fd[1]);
	check(fuzz_next_fd() == before);
	return 0;
}
