/* SPDX-License-Identifier: ISC */
/*
 * Messages between our processes: what is put comes out, what is short, long
 * or left over is noticed, and descriptors neither leak nor get lost.
 */
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "msg.h"

/* Linked with --wrap: as often as is asked, they fail. */
void	*__real_recallocarray(void *, size_t, size_t, size_t);
void	*__wrap_recallocarray(void *, size_t, size_t, size_t);
ssize_t	 __real_sendmsg(int, const struct msghdr *, int);
ssize_t	 __wrap_sendmsg(int, const struct msghdr *, int);
ssize_t	 __real_recvmsg(int, struct msghdr *, int);
ssize_t	 __wrap_recvmsg(int, struct msghdr *, int);

static int pair[2];
static int no_memory, short_calls, shortage;

void *
__wrap_recallocarray(void *p, size_t old, size_t n, size_t size)
{
	return no_memory ? NULL : __real_recallocarray(p, old, n, size);
}

static int
fails(void)
{
	if (short_calls == 0)
		return 0;
	short_calls--;
	errno = shortage;
	return 1;
}

ssize_t
__wrap_sendmsg(int s, const struct msghdr *mh, int flags)
{
	return fails() ? -1 : __real_sendmsg(s, mh, flags);
}

ssize_t
__wrap_recvmsg(int s, struct msghdr *mh, int flags)
{
	return fails() ? -1 : __real_recvmsg(s, mh, flags);
}

static int
setup(void **state)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair);
}

static int
teardown(void **state)
{
	close(pair[0]);
	close(pair[1]);
	return 0;
}

/* The lowest free descriptor: the same before and after if nothing leaked. */
static int
lowest_free(void)
{
	int fd = dup(pair[0]);

	assert_int_not_equal(fd, -1);
	close(fd);
	return fd;
}

static void
test_roundtrip(void **state)
{
	struct msg m;
	const u_char *blob;
	char buf[16], *s;
	size_t n;

	msg_init(&m, 7, 0xdeadbeef);
	msg_put_u32(&m, 42);
	msg_put_string(&m, "alice");
	msg_put_blob(&m, "a\0b", 3);
	msg_put_string(&m, NULL);
	msg_put_string(&m, "tail");
	assert_int_equal(msg_send(pair[0], &m), 0);
	msg_clear(&m);

	assert_int_equal(msg_recv(pair[1], &m), 1);
	assert_int_equal(m.type, 7);
	assert_int_equal(m.id, 0xdeadbeef);
	assert_int_equal(m.fd, -1);
	assert_int_equal(msg_get_u32(&m), 42);
	assert_string_equal(msg_get_string(&m, buf, sizeof(buf)), "alice");
	blob = msg_get_blob(&m, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(blob, "a\0b", 3);
	assert_string_equal(msg_get_string(&m, buf, sizeof(buf)), "");
	assert_int_equal(msg_end(&m), -1);
	s = msg_dup_string(&m, 4);
	assert_string_equal(s, "tail");
	free(s);
	assert_int_equal(msg_end(&m), 0);
	msg_clear(&m);
}

static void
test_short(void **state)
{
	static const u_char number[] = { 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9 };
	static const u_char text[] = { 0, 0, 0, 1, 0, 0, 0, 2,
	    0, 0, 0, 5, 'a', 'b' };
	static const u_char huge[] = { 0, 0, 0, 1, 0, 0, 0, 2,
	    0xff, 0xff, 0xff, 0xff, 'a' };
	struct msg m;
	char buf[16];
	size_t n = 1;

	assert_int_equal(msg_decode(&m, number, 7), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(msg_decode(&m, number, sizeof(number)), 0);
	assert_int_equal(msg_get_u32(&m), 0);
	assert_int_equal(m.bad, EBADMSG);
	assert_int_equal(msg_end(&m), -1);
	assert_int_equal(errno, EBADMSG);
	msg_clear(&m);

	assert_int_equal(msg_decode(&m, text, sizeof(text)), 0);
	strlcpy(buf, "old", sizeof(buf));
	assert_null(msg_get_string(&m, buf, sizeof(buf)));
	assert_string_equal(buf, "");
	assert_null(msg_dup_string(&m, 100));
	msg_clear(&m);

	assert_int_equal(msg_decode(&m, huge, sizeof(huge)), 0);
	assert_null(msg_get_blob(&m, &n));
	assert_int_equal(n, 0);
	assert_int_equal(msg_end(&m), -1);
	msg_clear(&m);

	/* No payload at all is a message too. */
	assert_int_equal(msg_decode(&m, number, 8), 0);
	assert_int_equal(msg_end(&m), 0);
	assert_int_equal(msg_get_u32(&m), 0);
	assert_int_equal(msg_end(&m), -1);
	msg_clear(&m);
}

static void
test_bad_strings(void **state)
{
	struct msg m;
	char buf[4];

	msg_init(&m, 1, 1);
	msg_put_blob(&m, "a\0b", 3);
	assert_null(msg_get_string(&m, buf, sizeof(buf)));
	msg_clear(&m);

	msg_init(&m, 1, 1);
	msg_put_string(&m, "abcd");
	assert_null(msg_get_string(&m, buf, sizeof(buf)));
	msg_clear(&m);

	msg_init(&m, 1, 1);
	msg_put_string(&m, "abcd");
	assert_null(msg_dup_string(&m, 3));
	assert_int_equal(msg_end(&m), -1);
	msg_clear(&m);
}

static void
test_limits(void **state)
{
	static u_char big[MSG_MAX];
	struct msg m;
	size_t n;

	msg_init(&m, 1, 1);
	msg_put_blob(&m, big, MSG_MAX - 8 - 4);
	assert_int_equal(m.bad, 0);
	assert_int_equal(msg_send(pair[0], &m), 0);
	msg_put_u32(&m, 1);
	assert_int_equal(msg_send(pair[0], &m), -1);
	assert_int_equal(errno, EMSGSIZE);
	msg_clear(&m);
	assert_int_equal(msg_recv(pair[1], &m), 1);
	assert_non_null(msg_get_blob(&m, &n));
	assert_int_equal(n, MSG_MAX - 12);
	assert_int_equal(msg_end(&m), 0);
	msg_clear(&m);

	msg_init(&m, 1, 1);
	msg_put_blob(&m, big, MSG_MAX);
	assert_int_equal(m.bad, EMSGSIZE);
	msg_put_blob(&m, big, SIZE_MAX);
	msg_clear(&m);

	/* A packet larger than any message. */
	assert_int_equal(send(pair[0], big, MSG_MAX, 0), MSG_MAX);
	assert_int_equal(msg_recv(pair[1], &m), 1);
	msg_clear(&m);
	{
		static u_char larger[MSG_MAX + 1];

		assert_int_equal(send(pair[0], larger, sizeof(larger), 0),
		    sizeof(larger));
	}
	assert_int_equal(msg_recv(pair[1], &m), -1);
	assert_int_equal(errno, EBADMSG);
}

static void
test_full_and_closed(void **state)
{
	struct msg m;
	int i, sent = 0;

	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(msg_recv(pair[1], &m), -1);
	assert_int_equal(errno, EAGAIN);
	msg_init(&m, 1, 1);
	while (msg_send(pair[0], &m) == 0 && sent < 100000)
		sent++;
	assert_int_equal(errno, EAGAIN);
	msg_clear(&m);
	close(pair[0]);
	for (i = 0; i < sent; i++) {
		assert_int_equal(msg_recv(pair[1], &m), 1);
		msg_clear(&m);
	}
	assert_int_equal(msg_recv(pair[1], &m), 0);
	msg_init(&m, 1, 1);
	assert_int_equal(msg_send(pair[1], &m), -1);
	assert_int_equal(errno, EPIPE);
	pair[0] = dup(pair[1]);
}

static void
test_descriptor(void **state)
{
	struct msg m;
	int fd[2], got;
	char c;

	assert_int_equal(pipe(fd), 0);
	msg_init(&m, 1, 1);
	m.fd = fd[1];
	assert_int_equal(msg_send(pair[0], &m), 0);
	assert_int_equal(m.fd, fd[1]);
	msg_clear(&m);
	assert_int_equal(fcntl(fd[1], F_GETFD), -1);

	assert_int_equal(msg_recv(pair[1], &m), 1);
	got = m.fd;
	assert_int_not_equal(got, -1);
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(fd[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	msg_clear(&m);
	assert_int_equal(fcntl(got, F_GETFD), -1);
	close(fd[0]);
}

/* Sends n bytes with several descriptors, as msg_send() never does. */
static void
send_descriptors(const void *data, size_t len, int n)
{
	union {
		struct cmsghdr	hdr;
		u_char		space[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr mh;
	struct cmsghdr *cm;
	int i, fd = STDERR_FILENO;

	memset(&mh, 0, sizeof(mh));
	memset(&control, 0, sizeof(control));
	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	mh.msg_control = &control;
	mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
	cm = CMSG_FIRSTHDR(&mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (i = 0; i < n; i++)
		memcpy(CMSG_DATA(cm) + i * sizeof(int), &fd, sizeof(fd));
	assert_int_equal(sendmsg(pair[0], &mh, 0), (ssize_t)len);
}

static void
test_extra_descriptors(void **state)
{
	static const u_char packet[8];
	struct msg m;
	int n, before = lowest_free();

	for (n = 2; n <= 8; n++) {
		send_descriptors(packet, sizeof(packet), n);
		assert_int_equal(msg_recv(pair[1], &m), -1);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(lowest_free(), before);
	}
	/* One, but with something that is no message. */
	send_descriptors(packet, 5, 1);
	assert_int_equal(msg_recv(pair[1], &m), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(lowest_free(), before);
}

static void
test_no_room_for_descriptor(void **state)
{
	static const u_char packet[8] = { 0, 0, 0, 9 };
	struct rlimit saved, rl;
	struct msg m;
	int ret;

	send_descriptors(packet, sizeof(packet), 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	rl = saved;
	rl.rlim_cur = lowest_free();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &rl), 0);
	ret = msg_recv(pair[1], &m);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	assert_int_equal(ret, 1);
	assert_int_equal(m.type, 9);
	assert_int_equal(m.fd, -1);
	msg_clear(&m);
}

/* What cannot be built is not sent; what cannot be kept is still announced. */
static void
test_no_memory(void **state)
{
	struct msg m;

	msg_init(&m, 7, 11);
	no_memory = 1;
	msg_put_u32(&m, 1);
	no_memory = 0;
	msg_put_u32(&m, 2);
	assert_int_equal(msg_send(pair[0], &m), -1);
	assert_int_equal(errno, ENOMEM);
	msg_clear(&m);
	msg_init(&m, 7, 11);
	msg_put_string(&m, "text");
	m.fd = dup(pair[0]);
	assert_int_equal(msg_send(pair[0], &m), 0);
	msg_clear(&m);
	no_memory = 1;
	assert_int_equal(msg_recv(pair[1], &m), 1);
	no_memory = 0;
	assert_int_equal(m.type, 7);
	assert_int_equal(m.id, 11);
	assert_int_not_equal(m.fd, -1);
	assert_int_equal(msg_get_u32(&m), 0);
	assert_int_equal(msg_end(&m), -1);
	assert_int_equal(errno, ENOMEM);
	msg_clear(&m);
}

static void
test_shortage(void **state)
{
	static const int errors[] = { ENOBUFS, ENOMEM, ETOOMANYREFS };
	struct msg m;
	size_t i;

	for (i = 0; i < 3; i++) {
		shortage = errors[i];
		msg_init(&m, 1, (uint32_t)i);
		short_calls = 1;
		assert_int_equal(msg_send(pair[0], &m), -1);
		assert_int_equal(errno, shortage);
		short_calls = 2;
		assert_int_equal(msg_send_wait(pair[0], &m), 0);
		short_calls = 2;
		assert_int_equal(msg_recv(pair[1], &m), 1);
		assert_int_equal(m.id, i);
		msg_clear(&m);
	}
	/* For good, and of another kind. */
	short_calls = 1000;
	assert_int_equal(msg_send_wait(pair[0], &m), -1);
	shortage = EIO;
	short_calls = 1;
	assert_int_equal(msg_send_wait(pair[0], &m), -1);
	assert_int_equal(short_calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_roundtrip, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_short, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_strings, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_and_closed, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_descriptor, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_extra_descriptors, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_room_for_descriptor,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_shortage, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
