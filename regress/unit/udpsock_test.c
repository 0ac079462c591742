/* SPDX-License-Identifier: ISC */
/* UDP sockets in the loop, on loopback. */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "udpsock.h"

#define LARGEST	65507

struct end {
	struct udpsock	*sock;		/* NULL: closed */
	struct sockaddr_in addr;
	unsigned int	 got;
	unsigned int	 close_after;	/* datagrams */
	int		 numbered;	/* they hold 0, 1, 2 ... */
	struct sockaddr_in from;
	u_char		 last[LARGEST];
	size_t		 last_len;
};

struct fixture {
	struct event_base *base;
	struct udpsock_pool *pool;
	struct end	 a, b;
};

static void
datagram(const struct sockaddr *from, const void *data, size_t len, void *arg)
{
	struct end *e = arg;

	assert_non_null(e->sock);
	assert_true(len <= sizeof(e->last));
	memcpy(&e->from, from, sizeof(e->from));
	memcpy(e->last, data, len);
	e->last_len = len;
	if (e->numbered)
		assert_memory_equal(data, &e->got, sizeof(e->got));
	if (++e->got == e->close_after) {
		udpsock_close(e->sock);
		e->sock = NULL;
	}
}

static int
make_socket(struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_not_equal(fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK,
	    0), -1);
	assert_int_equal(bind(fd, (struct sockaddr *)sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	return fd;
}

static void
make_end(struct fixture *fx, struct end *e)
{
	int fd = make_socket(&e->addr);

	assert_non_null(e->sock = udpsock_new(fx->pool, fd, datagram, e));
	udpsock_start(e->sock);
}

static int
setup(void **state)
{
	struct fixture *fx;

	assert_non_null(fx = calloc(1, sizeof(*fx)));
	assert_non_null(fx->base = event_base_new());
	assert_non_null(fx->pool = udpsock_pool_new(fx->base));
	make_end(fx, &fx->a);
	make_end(fx, &fx->b);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	if (fx->a.sock != NULL)
		udpsock_close(fx->a.sock);
	if (fx->b.sock != NULL)
		udpsock_close(fx->b.sock);
	udpsock_pool_free(fx->pool);
	event_base_free(fx->base);
	free(fx);
	return 0;
}

static int
send_to(struct end *from, const struct end *to, const void *data, size_t len)
{
	return udpsock_send(from->sock, (const struct sockaddr *)&to->addr,
	    sizeof(to->addr), data, len);
}

static void
run(struct fixture *fx)
{
	int i;

	for (i = 0; i < 5; i++)
		event_base_loop(fx->base, EVLOOP_NONBLOCK);
}

static void
assert_from(const struct end *e, const struct end *other)
{
	assert_int_equal(e->from.sin_port, other->addr.sin_port);
	assert_int_equal(e->from.sin_addr.s_addr,
	    other->addr.sin_addr.s_addr);
}

static void
test_exchange(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(send_to(&fx->a, &fx->b, "ping", 4), 0);
	run(fx);
	assert_int_equal(fx->b.got, 1);
	assert_int_equal(fx->b.last_len, 4);
	assert_memory_equal(fx->b.last, "ping", 4);
	assert_from(&fx->b, &fx->a);
	assert_int_equal(send_to(&fx->b, &fx->a, "", 0), 0);
	run(fx);
	assert_int_equal(fx->a.got, 1);
	assert_int_equal(fx->a.last_len, 0);
	assert_from(&fx->a, &fx->b);
}

/* More than a batch, queued in one round of the loop: all, and in order. */
static void
test_batches(void **state)
{
	struct fixture *fx = *state;
	unsigned int i;

	fx->b.numbered = 1;
	for (i = 0; i < 100; i++)
		assert_int_equal(send_to(&fx->a, &fx->b, &i, sizeof(i)), 0);
	run(fx);
	assert_int_equal(fx->b.got, 100);
	assert_int_equal(udpsock_dropped(fx->a.sock), 0);
}

/* What was queued leaves when the round is over, not before. */
static void
test_queue(void **state)
{
	struct fixture *fx = *state;
	struct sockaddr_in sin;
	int fd = make_socket(&sin);
	char c;

	assert_int_equal(udpsock_send(fx->a.sock, (struct sockaddr *)&sin,
	    sizeof(sin), "x", 1), 0);
	assert_int_equal(recv(fd, &c, 1, 0), -1);
	run(fx);
	assert_int_equal(recv(fd, &c, 1, 0), 1);
	close(fd);
}

/* Large ones are sent at once, and stay in their place. */
static void
test_sizes(void **state)
{
	static u_char data[LARGEST];
	static const size_t sizes[] = { 0, 1, 4096, 4097, LARGEST, 1 };
	struct fixture *fx = *state;
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (u_char)(i * 13);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(send_to(&fx->a, &fx->b, data, sizes[i]), 0);
		run(fx);
		assert_int_equal(fx->b.got, i + 1);
		assert_int_equal(fx->b.last_len, sizes[i]);
		assert_memory_equal(fx->b.last, data, sizes[i]);
	}
	assert_int_equal(send_to(&fx->a, &fx->b, "s", 1), 0);
	assert_int_equal(send_to(&fx->a, &fx->b, data, 5000), 0);
	run(fx);
	assert_int_equal(fx->b.last_len, 5000);
	assert_int_equal(udpsock_dropped(fx->a.sock), 0);
}

/* Two sockets of a pool that send in turns. */
static void
test_two_senders(void **state)
{
	struct fixture *fx = *state;
	int i;

	for (i = 0; i < 20; i++) {
		assert_int_equal(send_to(&fx->a, &fx->b, &i, sizeof(i)), 0);
		assert_int_equal(send_to(&fx->b, &fx->a, &i, sizeof(i)), 0);
	}
	run(fx);
	assert_int_equal(fx->a.got, 20);
	assert_from(&fx->a, &fx->b);
	assert_int_equal(fx->b.got, 20);
	assert_from(&fx->b, &fx->a);
}

/* A datagram that cannot be sent takes no other with it. */
static void
test_refused(void **state)
{
	static const u_char big[LARGEST + 1];
	struct fixture *fx = *state;
	struct end nowhere = fx->b;

	nowhere.addr.sin_port = 0;
	assert_int_equal(send_to(&fx->a, &fx->b, "1", 1), 0);
	assert_int_equal(send_to(&fx->a, &nowhere, "2", 1), 0);
	assert_int_equal(send_to(&fx->a, &fx->b, "3", 1), 0);
	assert_int_equal(send_to(&fx->a, &nowhere, "4", 1), 0);
	run(fx);
	assert_int_equal(fx->b.got, 2);
	assert_memory_equal(fx->b.last, "3", 1);
	assert_int_equal(udpsock_dropped(fx->a.sock), 2);
	assert_int_equal(send_to(&fx->a, &fx->b, big, sizeof(big)), -1);
	assert_int_equal(udpsock_dropped(fx->a.sock), 3);
	assert_int_equal(udpsock_send(fx->a.sock,
	    (const struct sockaddr *)&fx->b.addr, 4096, "5", 1), -1);
	assert_int_equal(udpsock_dropped(fx->a.sock), 4);
}

/* The owner closes in the middle of a batch, with something queued. */
static void
test_close_inside(void **state)
{
	struct fixture *fx = *state;
	int i;

	fx->b.close_after = 3;
	for (i = 0; i < 10; i++)
		assert_int_equal(send_to(&fx->a, &fx->b, "x", 1), 0);
	assert_int_equal(send_to(&fx->b, &fx->a, "bye", 3), 0);
	run(fx);
	assert_int_equal(fx->b.got, 3);
	assert_null(fx->b.sock);
	assert_int_equal(fx->a.got, 1);
}

static void
test_close_sends(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(send_to(&fx->a, &fx->b, "last", 4), 0);
	udpsock_close(fx->a.sock);
	fx->a.sock = NULL;
	run(fx);
	assert_int_equal(fx->b.got, 1);
	assert_memory_equal(fx->b.last, "last", 4);
}

/* Sends without an address; nobody listens there any more. */
static void
test_connected(void **state)
{
	struct fixture *fx = *state;
	struct end c = { .sock = NULL };
	int fd = make_socket(&c.addr);

	assert_int_equal(connect(fd, (struct sockaddr *)&fx->b.addr,
	    sizeof(fx->b.addr)), 0);
	assert_non_null(c.sock = udpsock_new(fx->pool, fd, datagram, &c));
	udpsock_start(c.sock);
	assert_int_equal(udpsock_send(c.sock, NULL, 0, "hi", 2), 0);
	run(fx);
	assert_int_equal(fx->b.got, 1);
	udpsock_close(fx->b.sock);
	fx->b.sock = NULL;
	assert_int_equal(udpsock_send(c.sock, NULL, 0, "hi", 2), 0);
	run(fx);
	assert_int_equal(send_to(&fx->a, &c, "not for it", 10), 0);
	run(fx);
	assert_int_equal(c.got, 0);
	udpsock_close(c.sock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_exchange, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_senders, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_inside, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_close_sends, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_connected, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
