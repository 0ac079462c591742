/* SPDX-License-Identifier: ISC */
/*
 * A request on a stream that comes in any pieces, with any bytes behind it,
 * to services that end in all ways.  What is written are whole replies, at
 * most two, and then the service's own bytes; it is over once, and nothing is
 * left open.
 */
#include <sys/socket.h>

#include <event2/event.h>

#include "addr.h"
#include "fuzz.h"
#include "request.h"
#include "services.h"
#include "tube.h"

struct fake {
	struct service	 service;	/* first: the two are cast */
	struct stream	*stream;
	int		 bound;
};

static struct event_base *base;
static struct script script;
static struct service *live;
static struct request *request;
static int over, peer = -1, replies;

static void	fake_start(struct service *), fake_stop(struct service *);

#define KIND(cmd)	{ cmd, "test", sizeof(struct fake), fake_start, \
			    fake_stop }
static const struct service_kind bind_kind = KIND(SOCKS_CMD_BIND);
static const struct service_kind udp_kind = KIND(SOCKS_CMD_UDP);
static const struct service_kind name_kind = KIND(SOCKS_CMD_RESOLVE);

/* Ends the service as the script says, or lets it wait. */
static void
service_act(struct service *sv)
{
	struct fake *f = (struct fake *)sv;
	unsigned int how = script_byte(&script);
	struct service_link link;
	int fd[2];

	switch (how % 6) {
	case 0:
		if (sv->kind == &name_kind)
			service_done(sv, "done", &sv->dst, -1);
		break;
	case 1:
		if (!f->bound)
			break;
		check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
		    fd) == 0);
		peer = fd[1];
		service_done(sv, "done", &sv->dst, fd[0]);
		break;
	case 2:
		service_fail(sv, how / 6, "failed");
		break;
	case 3:
		service_fail_errno(sv, (int)how);
		break;
	case 4:
		if (sv->kind == &bind_kind && !f->bound) {
			f->bound = 1;
			sv->ops->bound(sv, &sv->dst);
		} else if (sv->kind == &udp_kind && f->stream == NULL) {
			if (sv->ops->link(sv, &sv->dst, &link) == 0)
				f->stream = link.stream;
			else
				service_fail(sv, SOCKS_REP_GENERAL, "no link");
		}
		break;
	}
}

static void
fake_stop(struct service *sv)
{
	struct fake *f = (struct fake *)sv;

	live = NULL;
	if (f->stream != NULL)
		f->stream->ops->close(f->stream, STREAM_CLOSE);
}

static void
fake_start(struct service *sv)
{
	live = sv;
	replies = sv->kind == &bind_kind ? 2 : 1;
	service_act(sv);
}

static const struct service_kind *const kinds[] = {
	&bind_kind, &udp_kind, &name_kind, NULL
};

static void
over_cb(enum request_end end, void *arg)
{
	check(!over);
	over = 1;
}

/* Replies, as far as the stream took them, and no more than the peer's. */
static void
check_written(const struct tube *t)
{
	struct socks_reply reply;
	ssize_t n = 1;
	size_t off = 0;
	int i;

	for (i = 0; i < replies && n > 0 && off < t->ngot; i++) {
		n = socks_decode_reply5(&reply, t->got + off, t->ngot - off);
		check(n >= 0);
		off += (size_t)n;
	}
}

static void
play(struct tube *t)
{
	unsigned int op = script_byte(&script);
	size_t n = op / 4;
	const uint8_t *p;

	switch (op % 4) {
	case 0: case 1:
		tube_act(t, &script);
		break;
	case 2:
		if (live != NULL)
			service_act(live);
		break;
	case 3:
		p = script_bytes(&script, &n);
		if (peer != -1)
			send(peer, p, n, MSG_NOSIGNAL);
		break;
	}
	event_base_loop(base, EVLOOP_NONBLOCK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct services env;
	struct tube *t;
	int before;

	if (base == NULL) {
		base = event_base_new();
		fuzz_watch_log();
	}
	before = fuzz_next_fd();
	script = (struct script){ data, size };
	services_init(&env, kinds);
	env.base = base;
	env.who = "test";
	over = 0;
	replies = 1;
	t = tube_new();
	t->space = script_byte(&script);
	request = request_start(&env, &t->chan.stream, over_cb, NULL);
	while (script.len > 0 && tubes[0] != NULL) {
		play(t);
		if (tubes[0] != NULL)
			check_written(t);
	}
	if (!over)
		request_stop(request);
	check(over && live == NULL);
	services_clear(&env);
	tubes_check_closed();
	if (peer != -1)
		close(peer);
	peer = -1;
	check(fuzz_next_fd() == before);
	return 0;
}
