/* SPDX-License-Identifier: ISC */
/*
 * Datagrams over a stream that the test plays, which stands for either kind:
 * it takes as many bytes as the test says, and gives or offers them.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "addr.h"
#include "dgramlink.h"
#include "socksudp.h"
#include "starve.h"
#include "streamtest.h"

#define HEADER_LEN	10		/* for IPv4 */
#define LIMIT		(1 << 20)

struct fixture {
	struct event_base *base;
	struct fake	 fake;
	struct dgramlink *link;
	char		 log[4096];	/* datagrams that came, as text */
	size_t		 last_len;
	u_char		 last[SOCKSUDP_PAYLOAD_MAX];
	int		 ended;
	char		 why[128];
};

static void
datagram(const struct addr *a, const void *data, size_t len, void *arg)
{
	struct fixture *fx = arg;
	size_t used = strlen(fx->log);
	char host[ADDR_STRLEN];

	assert_false(fx->ended);
	assert_true(len <= sizeof(fx->last));
	memcpy(fx->last, data, len);
	fx->last_len = len;
	snprintf(fx->log + used, sizeof(fx->log) - used, "%s=%.*s ",
	    addr_format(a, host, sizeof(host)), len > 20 ? 20 : (int)len,
	    (const char *)data);
}

static void
ended(const char *why, void *arg)
{
	struct fixture *fx = arg;

	assert_false(fx->ended);
	fx->ended = 1;
	snprintf(fx->why, sizeof(fx->why), "%s", why == NULL ? "end" : why);
	dgramlink_close(fx->link, STREAM_ABORT);
	fx->link = NULL;
}

static const struct dgramlink_ops ops = { datagram, ended };

static void
make_link(struct fixture *fx, size_t limit)
{
	if (fx->link != NULL)
		dgramlink_close(fx->link, STREAM_ABORT);
	memset(&fx->fake, 0, sizeof(fx->fake));
	fx->fake.stream.ops = &fake_ops;
	fx->fake.space = SPACE_ALL;
	fx->log[0] = '\0';
	fx->ended = 0;
	fx->link = dgramlink_new(fx->base, &fx->fake.stream, limit, &ops, fx);
	assert_non_null(fx->link);
}

static int
setup(void **state)
{
	struct fixture *fx;

	assert_non_null(fx = calloc(1, sizeof(*fx)));
	assert_non_null(fx->base = event_base_new());
	make_link(fx, LIMIT);
	assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	if (fx->link != NULL)
		dgramlink_close(fx->link, STREAM_CLOSE);
	assert_int_equal(fx->fake.closed, 1);
	assert_int_equal(fx->fake.ended, 0);
	event_base_free(fx->base);
	free(fx);
	return 0;
}

static void
run(struct fixture *fx)
{
	event_base_loop(fx->base, EVLOOP_NONBLOCK);
}

static void
tell(struct fixture *fx, enum stream_event ev)
{
	fx->fake.stream.cb(&fx->fake.stream, ev, fx->fake.stream.arg);
}

/* The stream takes so many bytes more, as an SSH channel in its turn. */
static void
take(struct fixture *fx, size_t space)
{
	assert_true(fx->fake.want & STREAM_WANT_WRITE);
	fx->fake.want &= ~STREAM_WANT_WRITE;
	fx->fake.space = space;
	tell(fx, STREAM_WRITABLE);
	fx->fake.space = 0;
}

static void
send_text(struct fixture *fx, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, "127.0.0.1", 7), 0);
	dgramlink_send(fx->link, &a, text, strlen(text));
}

static size_t
put_frame(u_char *p, const char *host, const void *data, size_t len)
{
	struct addr a;
	size_t n;

	assert_int_equal(addr_parse_host(&a, host, 7), 0);
	n = socksudp_encode_header(p, SOCKSUDP_HEADER_MAX, (uint16_t)len, &a);
	memcpy(p + n, data, len);
	return n + len;
}

/* What was written, as text; all of it must be whole frames. */
static const char *
written(struct fixture *fx)
{
	static char text[1024];
	struct socksudp d;
	size_t off = 0, used = 0;
	ssize_t n;

	text[0] = '\0';
	while (off < fx->fake.out_len) {
		n = socksudp_decode_frame(&d, fx->fake.out + off,
		    fx->fake.out_len - off);
		assert_true(n > 0);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "%.*s ", (int)d.len, (const char *)d.data);
		off += (size_t)n;
	}
	return text;
}

static void
assert_count(struct fixture *fx, unsigned int sent, unsigned int dropped)
{
	const struct dgramlink_count *count = dgramlink_count(fx->link);

	assert_int_equal(count->sent, sent);
	assert_int_equal(count->dropped, dropped);
}

/* All that one round of the loop brings leaves in one write. */
static void
test_batch(void **state)
{
	struct fixture *fx = *state;
	char text[2] = "0", want[64] = "";

	for (; text[0] <= '9'; text[0]++) {
		strlcat(want, text, sizeof(want));
		strlcat(want, " ", sizeof(want));
		send_text(fx, text);
	}
	assert_int_equal(fx->fake.writes, 0);
	run(fx);
	assert_int_equal(fx->fake.writes, 1);
	assert_string_equal(written(fx), want);
	assert_count(fx, 10, 0);
	assert_int_equal(fx->fake.want, STREAM_WANT_READ);
}

/* The stream takes the first bytes, then the rest, or one after another. */
static void
test_partial_writes(void **state)
{
	struct fixture *fx = *state;
	size_t total = 3 * HEADER_LEN + 2 + 3, i;

	for (i = 0; i <= total; i++) {
		make_link(fx, LIMIT);
		assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
		fx->fake.space = i;
		send_text(fx, "ab");
		send_text(fx, "");
		send_text(fx, "cde");
		run(fx);
		assert_int_equal(fx->fake.out_len, i);
		assert_count(fx, (i >= HEADER_LEN + 2) +
		    (i >= 2 * HEADER_LEN + 2) + (i >= total), 0);
		while (fx->fake.out_len < total)
			take(fx, i % 2 == 0 ? 1 : 3 * HEADER_LEN);
		assert_string_equal(written(fx), "ab  cde ");
		assert_count(fx, 3, 0);
		assert_int_equal(fx->fake.want, STREAM_WANT_READ);
	}
}

static void
test_drop_oldest(void **state)
{
	struct fixture *fx = *state;

	make_link(fx, 3 * (HEADER_LEN + 1));
	assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
	fx->fake.space = 0;
	send_text(fx, "a");
	send_text(fx, "b");
	send_text(fx, "c");
	assert_count(fx, 0, 0);
	send_text(fx, "d");
	send_text(fx, "ef");
	assert_count(fx, 0, 3);
	run(fx);
	assert_int_equal(fx->fake.out_len, 0);
	take(fx, SPACE_ALL);
	assert_string_equal(written(fx), "d ef ");
	assert_count(fx, 2, 3);
}

/* A frame of which a part is on its way is not dropped, at any cut. */
static void
test_drop_not_the_partly_written(void **state)
{
	struct fixture *fx = *state;
	size_t frame = HEADER_LEN + 1, i;

	for (i = 1; i < frame; i++) {
		make_link(fx, 3 * frame);
		assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
		fx->fake.space = frame + i;
		send_text(fx, "a");
		send_text(fx, "b");
		send_text(fx, "c");
		run(fx);
		send_text(fx, "d");
		send_text(fx, "e");
		send_text(fx, "f");
		send_text(fx, "g");
		assert_count(fx, 1, 3);
		while (fx->fake.want & STREAM_WANT_WRITE)
			take(fx, i % 3 + 1);
		assert_string_equal(written(fx), "a b f g ");
		assert_count(fx, 4, 3);
	}
}

/* Nothing is lost in a burst while the stream takes bytes. */
static void
test_burst(void **state)
{
	static const char data[1000];
	struct fixture *fx = *state;
	struct addr a;
	int i;

	make_link(fx, 4000);
	assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
	assert_int_equal(addr_parse_host(&a, "::1", 7), 0);
	for (i = 0; i < 100; i++)
		dgramlink_send(fx->link, &a, data, sizeof(data));
	run(fx);
	assert_count(fx, 100, 0);
	assert_int_equal(fx->fake.out_len, 100 * 1022);
}

static void
test_impossible(void **state)
{
	static const char big[SOCKSUDP_PAYLOAD_MAX + 1];
	struct fixture *fx = *state;
	struct addr a = { .type = ADDR_NONE };

	dgramlink_send(fx->link, &a, "x", 1);
	assert_int_equal(addr_parse_host(&a, "::1", 7), 0);
	dgramlink_send(fx->link, &a, big, sizeof(big));
	assert_count(fx, 0, 2);
	make_link(fx, 1000);
	assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
	send_text(fx, "a");
	dgramlink_send(fx->link, &a, big, 1000);
	run(fx);
	assert_string_equal(written(fx), "a ");
	assert_count(fx, 1, 1);
}

static void
test_sizes(void **state)
{
	static u_char big[SOCKSUDP_PAYLOAD_MAX];
	struct fixture *fx = *state;
	struct addr a;
	size_t i, n;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (u_char)(i * 7);
	assert_int_equal(addr_parse_host(&a, "host.example", 7), 0);
	dgramlink_send(fx->link, &a, big, sizeof(big));
	send_text(fx, "");
	run(fx);
	assert_count(fx, 2, 0);
	memcpy(fx->fake.in, fx->fake.out, fx->fake.out_len);
	n = fx->fake.in_len = fx->fake.out_len;
	tell(fx, STREAM_READABLE);
	assert_int_equal(dgramlink_count(fx->link)->received, 2);
	assert_int_equal(fx->last_len, 0);
	fx->fake.stream.offer(&fx->fake.stream, fx->fake.out, n - HEADER_LEN,
	    fx->fake.stream.arg);
	assert_int_equal(fx->last_len, sizeof(big));
	assert_memory_equal(fx->last, big, sizeof(big));
}

#define THREE_FRAMES	"[::1]:7=one 1.2.3.4:7= a.bc:7=three "

static size_t
put_frames(u_char *p)
{
	size_t n;

	n = put_frame(p, "::1", "one", 3);
	n += put_frame(p + n, "1.2.3.4", "", 0);
	return n + put_frame(p + n, "a.bc", "three", 5);
}

static void
offer(struct fixture *fx, const u_char *p, size_t len)
{
	u_char *copy;

	assert_non_null(copy = malloc(len == 0 ? 1 : len));
	memcpy(copy, p, len);
	assert_int_equal(fx->fake.stream.offer(&fx->fake.stream, copy, len,
	    fx->fake.stream.arg), len);
	free(copy);
}

static void
give(struct fixture *fx, const u_char *p, size_t len)
{
	memcpy(fx->fake.in + fx->fake.in_len, p, len);
	fx->fake.in_len += len;
	tell(fx, STREAM_READABLE);
}

/* In two parts, which come in any of the three ways. */
static void
test_receive(void **state)
{
	struct fixture *fx = *state;
	u_char bytes[256];
	size_t total = put_frames(bytes), i;
	int way;

	for (i = 0; i <= total; i++) {
		for (way = 0; way < 4; way++) {
			make_link(fx, LIMIT);
			assert_int_equal(dgramlink_start(fx->link, bytes,
			    way < 2 ? i : 0), 0);
			if (way == 2)
				give(fx, bytes, i);
			else if (way == 3)
				offer(fx, bytes, i);
			if (way % 2 == 0)
				offer(fx, bytes + i, total - i);
			else
				give(fx, bytes + i, total - i);
			assert_string_equal(fx->log, THREE_FRAMES);
		}
	}
	assert_int_equal(dgramlink_count(fx->link)->received, 3);
}

static void
test_receive_bytes(void **state)
{
	struct fixture *fx = *state;
	u_char bytes[256];
	size_t total = put_frames(bytes), i;

	for (i = 0; i < total; i++) {
		if (i % 2 == 0)
			offer(fx, bytes + i, 1);
		else
			give(fx, bytes + i, 1);
	}
	assert_string_equal(fx->log, THREE_FRAMES);
	assert_int_equal(fx->fake.want, STREAM_WANT_READ);
}

/* From the loop, and nothing is taken meanwhile. */
static void
test_malformed_offer(void **state)
{
	struct fixture *fx = *state;
	u_char bytes[256];
	size_t n = put_frame(bytes, "::1", "one", 3);

	memcpy(bytes + n, "\0\0\0\2", 4);
	offer(fx, bytes, n + 4);
	assert_string_equal(fx->log, "[::1]:7=one ");
	assert_false(fx->ended);
	assert_int_equal(fx->fake.stream.offer(&fx->fake.stream, bytes, n,
	    fx->fake.stream.arg), 0);
	run(fx);
	assert_true(fx->ended);
	assert_string_equal(fx->why, "unknown address type");
}

static void
test_malformed(void **state)
{
	struct fixture *fx = *state;

	give(fx, (const u_char *)"\0\0", 2);
	assert_false(fx->ended);
	give(fx, (const u_char *)"\1", 1);
	assert_true(fx->ended);
	assert_string_equal(fx->why, "field has an impossible value");
	make_link(fx, LIMIT);
	assert_int_equal(dgramlink_start(fx->link, "\0\0\0\3\0", 5), -1);
	run(fx);
	assert_false(fx->ended);
}

static void
test_end(void **state)
{
	struct fixture *fx = *state;
	u_char bytes[256];
	size_t n = put_frames(bytes);

	fx->fake.in_end = 1;
	give(fx, bytes, n - 1);
	assert_false(fx->ended);
	tell(fx, STREAM_READABLE);
	assert_true(fx->ended);
	assert_string_equal(fx->why, "end");
	assert_string_equal(fx->log, "[::1]:7=one 1.2.3.4:7= ");
}

static void
test_reset(void **state)
{
	struct fixture *fx = *state;

	send_text(fx, "a");
	tell(fx, STREAM_RESET);
	assert_true(fx->ended);
	assert_string_equal(fx->why, strerror(ECONNRESET));
	assert_int_equal(fx->fake.out_len, 0);
}

/* What the peer sent before it went is still told. */
static void
test_hangup(void **state)
{
	struct fixture *fx = *state;

	send_text(fx, "a");
	fx->fake.in_len = put_frames(fx->fake.in);
	fx->fake.in_end = 1;
	tell(fx, STREAM_HANGUP);
	assert_string_equal(fx->log, THREE_FRAMES);
	assert_true(fx->ended);
	assert_string_equal(fx->why, "end");
	assert_int_equal(fx->fake.out_len, 0);
}

static void
test_write_fails(void **state)
{
	struct fixture *fx = *state;

	fx->fake.in_len = put_frames(fx->fake.in);
	fx->fake.error = EPIPE;
	send_text(fx, "a");
	assert_false(fx->ended);
	run(fx);
	assert_string_equal(fx->log, THREE_FRAMES);
	assert_true(fx->ended);
	assert_string_equal(fx->why, "end");
	make_link(fx, HEADER_LEN + 1);
	assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
	fx->fake.error = ETIMEDOUT;
	send_text(fx, "a");
	send_text(fx, "b");
	send_text(fx, "c");
	assert_false(fx->ended);
	run(fx);
	assert_true(fx->ended);
	assert_string_equal(fx->why, strerror(ETIMEDOUT));
}

/* What was queued before the start, and what waits at the end. */
static void
test_before_and_after(void **state)
{
	struct fixture *fx = *state;

	make_link(fx, LIMIT);
	send_text(fx, "a");
	run(fx);
	assert_int_equal(fx->fake.out_len, 0);
	assert_int_equal(dgramlink_start(fx->link, NULL, 0), 0);
	run(fx);
	assert_string_equal(written(fx), "a ");
	send_text(fx, "b");
	dgramlink_close(fx->link, STREAM_CLOSE);
	fx->link = NULL;
	assert_string_equal(written(fx), "a b ");
	assert_int_equal(fx->fake.ending, STREAM_CLOSE);
}

struct pair {
	struct dgramlink *link[2];
	unsigned int	 got;
};

static void
pair_datagram(const struct addr *a, const void *data, size_t len, void *arg)
{
	struct pair *p = arg;

	assert_int_equal(a->port, p->got);
	assert_int_equal(len, (p->got * 37) % 3000);
	if (len > 0)
		assert_int_equal(((const u_char *)data)[len - 1],
		    p->got & 0xff);
	p->got++;
}

static void
pair_ended(const char *why, void *arg)
{
	fail();
}

/* Over a real socket: all of them, once, and in order. */
static void
test_pair(void **state)
{
	static const struct dgramlink_ops pair_ops = {
		pair_datagram, pair_ended
	};
	struct fixture *fx = *state;
	struct pair p = { .got = 0 };
	struct addr a;
	u_char data[3000];
	unsigned int i, j;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	for (i = 0; i < 2; i++) {
		p.link[i] = dgramlink_new(fx->base,
		    sockstream_new(fx->base, sv[i]), LIMIT, &pair_ops, &p);
		assert_non_null(p.link[i]);
		assert_int_equal(dgramlink_start(p.link[i], NULL, 0), 0);
	}
	for (i = 0; i < 5000; i += 100) {
		for (j = i; j < i + 100; j++) {
			assert_int_equal(addr_parse_host(&a, "::1",
			    (uint16_t)j), 0);
			memset(data, (int)(j & 0xff), sizeof(data));
			dgramlink_send(p.link[0], &a, data, (j * 37) % 3000);
		}
		while (p.got < i + 100)
			event_base_loop(fx->base, EVLOOP_ONCE);
	}
	assert_int_equal(dgramlink_count(p.link[0])->sent, 5000);
	assert_int_equal(dgramlink_count(p.link[0])->dropped, 0);
	assert_int_equal(dgramlink_count(p.link[1])->received, 5000);
	dgramlink_close(p.link[0], STREAM_CLOSE);
	dgramlink_close(p.link[1], STREAM_CLOSE);
}

/* Without memory a datagram is dropped, or the link ends; or there is none. */
static void
test_starved(void **state)
{
	struct fixture *fx = *state;
	u_char in[64];
	size_t len = put_frame(in, "127.0.0.1", "abcdef", 6);
	int n;

	for (n = 1; n == 1 || starved(); n++) {
		make_link(fx, LIMIT);
		dgramlink_close(fx->link, STREAM_ABORT);
		fx->fake.closed = 0;
		starve(n);
		fx->link = dgramlink_new(fx->base, &fx->fake.stream, LIMIT,
		    &ops, fx);
		if (fx->link == NULL) {
			starve(0);
			continue;
		}
		if (dgramlink_start(fx->link, in, len / 2) == -1) {
			starve(0);
			continue;
		}
		fx->fake.space = 3;
		send_text(fx, "one");
		run(fx);
		memcpy(fx->fake.in, in + len / 2, len - len / 2);
		fx->fake.in_len = len - len / 2;
		tell(fx, STREAM_READABLE);
		run(fx);
		starve(0);
		if (!fx->ended)
			assert_string_equal(fx->log, "127.0.0.1:7=abcdef ");
		else
			assert_true(starved());
	}
	assert_true(n > 3);
	assert_false(starved());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_partial_writes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_drop_oldest, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_drop_not_the_partly_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_burst, setup, teardown),
		cmocka_unit_test_setup_teardown(test_impossible, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_receive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_receive_bytes, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_malformed_offer, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hangup, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_fails, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_before_and_after, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_pair, setup, teardown),
		cmocka_unit_test_setup_teardown(test_starved, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
