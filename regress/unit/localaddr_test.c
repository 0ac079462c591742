/* SPDX-License-Identifier: ISC */
/*
 * Which addresses the kernel takes for this host's own; and what is made of a
 * kernel that answers otherwise (the other end of a pair), or not at all
 * (calls that are linked with --wrap).
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <linux/rtnetlink.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "localaddr.h"

int	__real_socket(int, int, int);
int	__wrap_socket(int, int, int);
int	__real_connect(int, const struct sockaddr *, socklen_t);
int	__wrap_connect(int, const struct sockaddr *, socklen_t);

static struct localaddr la;
static int no_socket, no_connect;	/* the errno, or 0 */

int
__wrap_socket(int family, int type, int protocol)
{
	errno = no_socket;
	return no_socket ? -1 : __real_socket(family, type, protocol);
}

int
__wrap_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	errno = no_connect;
	return no_connect ? -1 : __real_connect(fd, sa, len);
}

static int
setup(void **state)
{
	return localaddr_open(&la);
}

static int
teardown(void **state)
{
	localaddr_close(&la);
	localaddr_close(&la);
	return 0;
}

static int
ask(const char *host)
{
	struct addr a;

	assert_int_equal(addr_parse_host(&a, host, 0), 0);
	return localaddr_ask(&la, &a);
}

static void
test_literals(void **state)
{
	int i;

	for (i = 0; i < 1000; i++) {
		assert_int_equal(ask("127.0.0.1"), LOCALADDR_OWN);
		assert_int_equal(ask("127.9.9.9"), LOCALADDR_OWN);
		assert_int_equal(ask("198.51.100.1"), LOCALADDR_ELSEWHERE);
		assert_int_equal(ask("2001:db8:ffff::1"),
		    LOCALADDR_ELSEWHERE);
		assert_int_equal(ask("255.255.255.255"),
		    LOCALADDR_BROADCAST);
	}
}

/* Whatever interfaces there are. */
static void
test_interfaces(void **state)
{
	struct ifaddrs *list, *ifa;
	struct addr a;

	assert_int_equal(getifaddrs(&list), 0);
	for (ifa = list; ifa != NULL; ifa = ifa->ifa_next) {
		if (ifa->ifa_addr == NULL || !(ifa->ifa_flags & IFF_UP) ||
		    addr_from_sockaddr(&a, ifa->ifa_addr) == -1)
			continue;
		assert_int_equal(localaddr_ask(&la, &a), LOCALADDR_OWN);
		if (!(ifa->ifa_flags & IFF_BROADCAST) ||
		    ifa->ifa_broadaddr == NULL ||
		    addr_from_sockaddr(&a, ifa->ifa_broadaddr) == -1)
			continue;
		assert_int_equal(localaddr_ask(&la, &a),
		    LOCALADDR_BROADCAST);
	}
	freeifaddrs(list);
}

static void
test_closed(void **state)
{
	struct localaddr none = { .fd = -1 };
	struct addr a;

	assert_int_equal(addr_parse_host(&a, "198.51.100.1", 0), 0);
	assert_int_equal(localaddr_ask(&none, &a), -1);
	assert_int_equal(errno, EBADF);
}

/* An answer to the nth question, cut to len bytes. */
static void
put_answer(int fd, uint32_t n, uint16_t type, int what, size_t len)
{
	struct {
		struct nlmsghdr	 head;
		union {
			struct rtmsg	 route;
			struct nlmsgerr	 error;
		} u;
	} m;

	memset(&m, 0, sizeof(m));
	m.head.nlmsg_seq = n;
	m.head.nlmsg_type = type;
	if (type == NLMSG_ERROR)
		m.u.error.error = what;
	else
		m.u.route.rtm_type = (u_char)what;
	assert_int_equal(send(fd, &m, len < sizeof(m) ? len : sizeof(m), 0),
	    len < sizeof(m) ? len : sizeof(m));
}

/* Where there is no route, nobody of this host's is reached. */
static void
test_answers(void **state)
{
	static const struct {
		uint16_t	 type;
		int		 what;
		size_t		 len;
		const char	*host;
		int		 no_socket;
		int		 kind;
		int		 error;
	} table[] = {
		{ RTM_NEWROUTE, RTN_LOCAL, 64, "192.0.2.1", 0,
		    LOCALADDR_OWN, 0 },
		{ RTM_NEWROUTE, RTN_ANYCAST, 64, "2001:db8::1", 0,
		    LOCALADDR_OWN, 0 },
		{ RTM_NEWROUTE, RTN_UNICAST, 64, "192.0.2.1", 0,
		    LOCALADDR_ELSEWHERE, 0 },
		{ RTM_NEWROUTE, RTN_LOCAL, 20, "192.0.2.1", 0, -1, EPROTO },
		{ RTM_DELROUTE, RTN_LOCAL, 64, "192.0.2.1", 0, -1, EPROTO },
		{ NLMSG_ERROR, -EHOSTUNREACH, 64, "192.0.2.1", 0,
		    LOCALADDR_ELSEWHERE, 0 },
		{ NLMSG_ERROR, -EACCES, 64, "192.0.2.1", 0,
		    LOCALADDR_ELSEWHERE, 0 },
		{ NLMSG_ERROR, -ENOMEM, 64, "192.0.2.1", 0, -1, ENOMEM },
		{ NLMSG_ERROR, 0, 64, "192.0.2.1", 0, -1, EPROTO },
		{ NLMSG_ERROR, -ENOMEM, 20, "192.0.2.1", 0, -1, EPROTO },
		{ NLMSG_ERROR, -EOPNOTSUPP, 64, "192.0.2.1", EAFNOSUPPORT, -1,
		    EOPNOTSUPP },
		{ NLMSG_ERROR, -EOPNOTSUPP, 64, "2001:db8::1", EAFNOSUPPORT,
		    LOCALADDR_ELSEWHERE, 0 },
		{ NLMSG_ERROR, -EOPNOTSUPP, 64, "2001:db8::1", EMFILE, -1,
		    EMFILE },
	};
	struct localaddr played = { .seq = 0 };
	struct addr a;
	int fd[2];
	size_t i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd), 0);
	played.fd = fd[0];
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		/* What is late, or too short, is no answer to this. */
		put_answer(fd[1], played.seq, RTM_NEWROUTE, RTN_BROADCAST, 64);
		send(fd[1], "short", 5, 0);
		put_answer(fd[1], played.seq + 1, table[i].type,
		    table[i].what, table[i].len);
		assert_int_equal(addr_parse_host(&a, table[i].host, 0), 0);
		no_socket = table[i].no_socket;
		assert_int_equal(localaddr_ask(&played, &a), table[i].kind);
		if (table[i].kind == -1)
			assert_int_equal(errno, table[i].error);
		no_socket = 0;
	}
	/* The kernel says nothing. */
	assert_int_equal(localaddr_ask(&played, &a), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd[0]);
	close(fd[1]);
}

static void
assert_public(enum addr_type family, const char *want)
{
	char host[ADDR_STRLEN];
	struct addr a;

	localaddr_public(family, &a);
	assert_string_equal(addr_format_host(&a, host, sizeof(host)), want);
}

/* Without a way to anywhere there is loopback. */
static void
test_towards(void **state)
{
	struct addr dst, local;
	struct localaddr none;

	assert_int_equal(addr_parse_host(&dst, "127.0.0.1", 80), 0);
	assert_int_equal(localaddr_towards(&dst, &local), 0);
	assert_int_equal(local.port, 0);
	assert_true(addr_is_loopback(&local));
	assert_int_equal(addr_parse_host(&dst, "a.name", 80), 0);
	assert_int_equal(localaddr_towards(&dst, &local), -1);
	assert_int_equal(errno, EAFNOSUPPORT);
	no_connect = ENETUNREACH;
	assert_public(ADDR_IPV4, "127.0.0.1");
	assert_public(ADDR_IPV6, "::1");
	no_connect = 0;
	no_socket = EMFILE;
	assert_public(ADDR_IPV4, "127.0.0.1");
	assert_int_equal(localaddr_open(&none), -1);
	localaddr_close(&none);
	no_socket = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_towards)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
