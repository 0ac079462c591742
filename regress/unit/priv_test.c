/* SPDX-License-Identifier: ISC */
/*
 * net's talk with the monitor and the dialer: when memory is short, and when
 * they say what they should not.  msg_send() and what allocates the payloads
 * of messages are ours (linked with --wrap).
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "addr.h"
#include "log.h"
#include "msg.h"
#include "priv.h"
#include "privsep.h"
#include "socks.h"

int	 __real_msg_send(int, const struct msg *);
int	 __wrap_msg_send(int, const struct msg *);
void	*__real_recallocarray(void *, size_t, size_t, size_t);
void	*__wrap_recallocarray(void *, size_t, size_t, size_t);

static struct event_base *base;
static struct priv priv;
static int dialer, no_memory, failures, failure;
static int bounds, replies, rep, gone;

int
__wrap_msg_send(int fd, const struct msg *m)
{
	if (failures == 0)
		return __real_msg_send(fd, m);
	failures--;
	errno = failure;
	return -1;
}

void *
__wrap_recallocarray(void *p, size_t old, size_t n, size_t size)
{
	return no_memory ? NULL : __real_recallocarray(p, old, n, size);
}

static void
bound(uint32_t id, const struct addr *bnd, void *arg)
{
	bounds++;
}

static void
reply(uint32_t id, const struct privsep_reply *r, int fd, void *arg)
{
	assert_int_equal(id, 9);
	if (fd != -1)
		close(fd);
	replies++;
	rep = (int)r->rep;
}

static void
gone_cb(const char *why, void *arg)
{
	gone++;
}

static const struct priv_ops ops = { bound, reply, gone_cb };

static int
setup_questions(void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    fds), 0);
	base = event_base_new();
	dialer = fds[1];
	priv_init(&priv, fds[0]);
	log_set_sink(priv_log, &priv);
	return 0;
}

static int
setup(void **state)
{
	setup_questions(state);
	assert_int_equal(priv_start(&priv, base, &ops, NULL), 0);
	bounds = replies = gone = 0;
	return 0;
}

static int
teardown(void **state)
{
	priv_clear(&priv);
	close(priv.fd);
	close(dialer);
	event_base_free(base);
	return 0;
}

/* One turn of net's loop. */
static void
turn(void)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
expect_line(const char *text)
{
	struct privsep_line line;
	struct msg m;

	assert_int_equal(msg_recv(dialer, &m), 1);
	assert_int_equal(m.type, PS_LOG);
	assert_int_equal(privsep_get_log(&m, &line), 0);
	assert_string_equal(line.text, text);
	msg_clear(&m);
}

/* Without memory one goes that need not wait. */
static void
test_lost_lines(void **state)
{
	no_memory = 1;
	log_info("one");
	failure = ENOBUFS;
	failures = 2;
	log_info("two");
	log_info("three");
	no_memory = 0;
	log_info("four");
	log_info("five");
	expect_line("one");
	expect_line("2 lines were lost");
	expect_line("four");
	expect_line("five");
}

/* A shortage in the kernel delays them, and ends nothing. */
static void
test_shortage(void **state)
{
	failure = ENOBUFS;
	failures = 5;
	log_info("one");
	log_info("two");
	while (failures > 0 || priv.queue.n > 0)
		event_base_loop(base, EVLOOP_ONCE);
	expect_line("one");
	expect_line("two");
	assert_int_equal(gone, 0);
}

static void
test_request(void **state)
{
	struct privsep_request req = { .cmd = SOCKS_CMD_CONNECT, .port = 1 };
	struct msg m;

	no_memory = 1;
	assert_int_equal(priv_request(&priv, 9, &req), -1);
	assert_int_equal(errno, ENOMEM);
	no_memory = 0;
	assert_int_equal(priv_request(&priv, 10, &req), 0);
	assert_int_equal(msg_recv(dialer, &m), 1);
	assert_int_equal(m.id, 10);
	msg_clear(&m);
}

/* What the dialer says and net has no memory for fails that flow. */
static void
test_answers(void **state)
{
	struct privsep_reply ok = { .rep = SOCKS_REP_OK };
	struct addr bnd = { .type = ADDR_IPV4 };
	struct msg m;

	msg_init(&m, PS_REPLY, 9);
	privsep_put_reply(&m, &ok);
	m.fd = dup(dialer);
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
	no_memory = 1;
	turn();
	no_memory = 0;
	assert_int_equal(replies, 1);
	assert_int_equal(rep, SOCKS_REP_GENERAL);
	msg_init(&m, PS_BOUND, 9);
	privsep_put_addr(&m, &bnd);
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
	no_memory = 1;
	turn();
	no_memory = 0;
	assert_int_equal(bounds, 0);
	assert_int_equal(replies, 2);
	assert_int_equal(rep, SOCKS_REP_GENERAL);
	expect_line("flow 9: out of memory");
	/* It waits for its peer no longer. */
	assert_int_equal(msg_recv(dialer, &m), 1);
	assert_int_equal(m.type, PS_CANCEL);
	assert_int_equal(m.id, 9);
	msg_clear(&m);
	assert_int_equal(priv.lost, 0);
	assert_int_equal(gone, 0);
}

static void
send_from_dialer(uint32_t type, const void *data, size_t len, int with_fd)
{
	struct msg m;

	msg_init(&m, type, 9);
	msg_put_blob(&m, data, len);
	m.fd = with_fd ? dup(dialer) : -1;
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
}

/* A process of its own does this: its status, and its last words. */
static int
status_of(void (*fn)(void), const char *words)
{
	struct privsep_line line = { .text = "" };
	struct msg m;
	pid_t pid;
	int status;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		fn();
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	while (recv(dialer, &m, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
		assert_int_equal(msg_recv(dialer, &m), 1);
		if (m.type == PS_LOG)
			assert_int_equal(privsep_get_log(&m, &line), 0);
		msg_clear(&m);
	}
	assert_memory_equal(line.text, words, strlen(words));
	return WEXITSTATUS(status);
}

/* The dialer is trusted: what it may not say is the end of the connection. */
static void
test_not_understood(void **state)
{
	static const struct {
		uint32_t	 type;
		int		 with_fd;
		const char	*words;
	} table[] = {
		{ PS_BOUND, 0, "dialer sent a malformed address" },
		{ PS_BOUND, 1, "dialer sent a malformed address" },
		{ PS_REPLY, 0, "dialer sent a malformed reply" },
		{ PS_ALIVE, 0, "dialer sent message" },
		{ PS_SETUP, 1, "dialer sent message" },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		send_from_dialer(table[i].type, "x", 1, table[i].with_fd);
		assert_int_equal(status_of(turn, table[i].words), 255);
	}
	assert_int_equal(gone, 0);
}

/* No message at all, and the end of them. */
static void
test_gone(void **state)
{
	send(dialer, "x", 1, 0);
	turn();
	assert_int_equal(gone, 1);
	expect_line("message from the dialer: Bad message");
	event_add(priv.ev_read, NULL);
	shutdown(dialer, SHUT_WR);
	turn();
	assert_int_equal(gone, 2);
}

static void
cancel_one(void)
{
	priv_cancel(&priv, 9);
}

/* That something does not pass is told, if it still can be; no end is. */
static void
test_broken(void **state)
{
	failures = 1;
	failure = EBADF;
	assert_int_equal(status_of(cancel_one, "message to the process with "
	    "the rights: Bad file descriptor"), 255);
	failure = EPIPE;
	cancel_one();
	assert_true(priv.queue.broken);
	failures = 1;
	log_info("one");
	assert_int_equal(priv.lost, 1);
}

static void
test_stuck(void **state)
{
	priv_stuck("stuck for 8 s", &priv);
	expect_line("stuck for 8 s");
}

/* Lines wait for a dialer that is slow, but not without end. */
static void
test_many_lines(void **state)
{
	char c;
	int i;

	for (i = 0; priv.lost == 0; i++)
		log_info("line");
	assert_in_range(i, 256, 100000);
	while (priv.queue.n > 0) {
		expect_line("line");
		turn();
	}
	while (recv(dialer, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
		expect_line("line");
	log_info("last");
	expect_line("1 lines were lost");
	expect_line("last");
}

/* Before the user is in, questions wait for the monitor's answers. */
static int
ask_key(void)
{
	return priv_key_query(&priv, "alice", "ssh-ed25519", "AAAA");
}

static void
ask_and_tell(void)
{
	exit(ask_key() ? 1 : 2);
}

static void
ask_starved(void)
{
	no_memory = 1;
	ask_and_tell();
}

static void
answer(uint32_t type, uint32_t n)
{
	struct msg m;

	msg_init(&m, type, 0);
	msg_put_u32(&m, n);
	assert_int_equal(msg_send(dialer, &m), 0);
	msg_clear(&m);
}

static void
test_questions(void **state)
{
	static const struct privsep_proof proof = { .algorithm = "a" };

	answer(PS_KEY_ANSWER, 1);
	assert_int_equal(status_of(ask_and_tell, ""), 1);
	answer(PS_KEY_ANSWER, 2);
	assert_int_equal(status_of(ask_and_tell, ""), 2);
	answer(PS_AUTH_ANSWER, 1);
	assert_int_equal(status_of(ask_and_tell, "monitor sent message"), 255);
	send_from_dialer(PS_KEY_ANSWER, "long", 4, 0);
	assert_int_equal(status_of(ask_and_tell, "answer of the monitor"),
	    255);
	assert_int_equal(status_of(ask_starved, "question to the monitor"),
	    255);
	answer(PS_AUTH_ANSWER, 0);
	assert_false(priv_key_proved(&priv, "alice", "ssh-ed25519", "AAAA",
	    &proof));
	/* Nobody is there: nobody can be told. */
	shutdown(dialer, SHUT_RDWR);
	assert_int_equal(status_of(ask_and_tell, ""), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lost_lines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_shortage, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_understood, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_lines, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_questions,
		    setup_questions, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
