/* SPDX-License-Identifier: ISC */
/*
 * What tells that the network has changed or the machine has slept.  Nothing
 * sleeps here and no clock is set: the timer of the wall clock is one of our
 * own, which is cancelled as the kernel does it on both occasions.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "clock.h"
#include "netwatch.h"

static struct event_base *base;
static struct netwatch *watch;
static int timer, far_end;	/* readable when the other is written to */
static int armed, changes;
static int read_error;		/* what the timer's next read comes to */

int	__wrap_timerfd_create(int, int);
int	__wrap_timerfd_settime(int, int, const struct itimerspec *,
	    struct itimerspec *);
ssize_t	__real_read(int, void *, size_t);
ssize_t	__wrap_read(int, void *, size_t);

int
__wrap_timerfd_create(int clock, int flags)
{
	int pair[2];

	assert_int_equal(clock, CLOCK_REALTIME);
	if (read_error == EMFILE) {
		errno = EMFILE;
		return -1;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	timer = pair[0];
	far_end = pair[1];
	return timer;
}

int
__wrap_timerfd_settime(int fd, int flags, const struct itimerspec *at,
    struct itimerspec *old)
{
	assert_int_equal(fd, timer);
	assert_int_equal(flags, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	assert_true(at->it_value.tv_sec > time(NULL) + 365 * 86400LL);
	armed++;
	return 0;
}

ssize_t
__wrap_read(int fd, void *buf, size_t size)
{
	ssize_t n = __real_read(fd, buf, size);

	if (fd != timer || read_error == 0)
		return n;
	errno = read_error;
	return -1;
}

static void
changed_cb(void *arg)
{
	changes++;
}

static void
set_up(int error)
{
	armed = changes = 0;
	read_error = error;
	timer = -1;
	base = event_base_new();
	watch = netwatch_new(base, changed_cb, NULL);
	assert_non_null(watch);
}

static void
tear_down(void)
{
	netwatch_free(watch);
	event_base_free(base);
	if (timer != -1)
		close(far_end);
}

/* What has happened is told when it has settled. */
static void
settle(int want)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(changes, 0);
	clock_move(CLOCK_SECOND);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(changes, want);
	changes = 0;
}

static void
wake_timer(void)
{
	assert_int_equal(write(far_end, "12345678", 8), 8);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

/* A clock that jumps thrice is one change, and its next jump another. */
static void
test_woken(void **state)
{
	set_up(ECANCELED);
	assert_int_equal(armed, 1);
	wake_timer();
	wake_timer();
	wake_timer();
	assert_int_equal(armed, 4);
	settle(1);
	settle(0);
	wake_timer();
	settle(1);
	tear_down();
}

/* It was readable for another reason, even for its time having come. */
static void
test_not_woken(void **state)
{
	static const int errors[] = { 0, EAGAIN, EINTR };
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		set_up(errors[i]);
		wake_timer();
		settle(0);
		assert_int_equal(armed, 2);
		tear_down();
	}
}

/* The only link of this network gets an address in the place of its last. */
static void
set_address(struct sockaddr_in *sin, const char *address)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sin->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, address, &sin->sin_addr), 1);
	memcpy(&ifr.ifr_addr, sin, sizeof(*sin));
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &ifr), 0);
	close(fd);
}

/* A network of our own, and no timer: is a connection's address still ours? */
static void
test_network(void **state)
{
	struct sockaddr_in sin = { 0 };
	int fd;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		skip();
	set_up(EMFILE);
	assert_int_equal(armed, 0);
	settle(0);
	set_address(&sin, "192.0.2.1");
	settle(1);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_true(netwatch_is_ours(fd));
	set_address(&sin, "192.0.2.2");
	settle(1);
	assert_false(netwatch_is_ours(fd));
	close(fd);
	assert_true(netwatch_is_ours(-1));
	tear_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_woken),
		cmocka_unit_test(test_not_woken),
		cmocka_unit_test(test_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
