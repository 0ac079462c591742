/* SPDX-License-Identifier: ISC */
/*
 * The dialer as sockstund-net sees it: a child runs dialer_main(), the test
 * speaks to it over the pair.  getaddrinfo(3) is ours (linked with --wrap):
 * "hang" never answers, "fail" fails, any other name is 127.0.0.1.  The lines
 * of the dialer's log come as the logger gets them.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "context.h"
#include "dialer.h"
#include "log.h"
#include "logging.h"
#include "msg.h"
#include "privsep.h"
#include "report.h"
#include "servconf.h"
#include "socks.h"

int	__real_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
int	__wrap_getaddrinfo(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);

/* A PS_REPLY as it came, and the address as text. */
struct answer {
	uint32_t	 id;
	uint32_t	 rep;
	uint32_t	 atyp;
	char		 host[ADDR_STRLEN];
	uint32_t	 port;
	int		 fd;
};

int	__wrap_pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);
int	__real_pthread_create(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *);
void	*__real_recallocarray(void *, size_t, size_t, size_t);
void	*__wrap_recallocarray(void *, size_t, size_t, size_t);

static int no_threads;
static int fail_at;		/* the allocation of a message that fails */
static int peer = -1, log_fd[2] = { -1, -1 };
static int log_process;		/* whose the last line was */
static pid_t child;
static int listening;
static uint16_t port, closed_port;

int
__wrap_getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **res)
{
	if (hints->ai_flags & AI_NUMERICHOST)
		return __real_getaddrinfo(host, service, hints, res);
	if (strcmp(host, "fail") == 0)
		return EAI_NONAME;
	if (strcmp(host, "hang") == 0)
		sleep(30);
	return __real_getaddrinfo("127.0.0.1", service, hints, res);
}

void *
__wrap_recallocarray(void *p, size_t old, size_t n, size_t size)
{
	if (fail_at > 0 && --fail_at == 0)
		return NULL;
	return __real_recallocarray(p, old, n, size);
}

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *), void *arg)
{
	return no_threads ? EAGAIN :
	    __real_pthread_create(thread, attr, run, arg);
}

static uint16_t
listen_on_loopback(int *fd)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(*fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(*fd, 4096) == -1 ||
	    getsockname(*fd, (struct sockaddr *)&sin, &len) == -1)
		return 0;
	return ntohs(sin.sin_port);
}

static int
group_setup(void **state)
{
	int fd;

	port = listen_on_loopback(&listening);
	closed_port = listen_on_loopback(&fd);
	close(fd);
	log_init("dialer_test", LOG_LEVEL_QUIET, 1);
	return port == 0 || closed_port == 0 ? -1 : 0;
}

static int
group_teardown(void **state)
{
	close(listening);
	return 0;
}

static void
conf_fill(struct servconf *conf, struct context *ctx)
{
	memset(conf, 0, sizeof(*conf));
	conf->allow_forwarding = 1;
	conf->max_flows = 1000;
	conf->dial_timeout = 5;
	conf->gateway_ports = 1;
	conf->permit_local = 1;
	conf->max_udp = 2;
	memset(ctx, 0, sizeof(*ctx));
	ctx->user = "alice";
	ctx->peer = "192.0.2.1 port 5";
}

/* What the dialer has logged since this was last asked. */
static const char *
log_lines(void)
{
	static char lines[65536];
	struct privsep_line line;
	struct msg m;

	lines[0] = '\0';
	while (msg_recv(log_fd[0], &m) == 1) {
		assert_int_equal(m.type, LG_LINE);
		log_process = (int)m.id;
		assert_int_equal(privsep_get_log(&m, &line), 0);
		msg_clear(&m);
		strlcat(lines, line.text, sizeof(lines));
		strlcat(lines, "\n", sizeof(lines));
	}
	return lines;
}

static void
start(const struct servconf *conf, const struct context *ctx)
{
	struct report report;
	struct msg m;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    fd), 0);
	close(log_fd[0]);
	close(log_fd[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, log_fd), 0);
	fflush(NULL);
	child = fork();
	assert_int_not_equal(child, -1);
	if (child == 0) {
		close(fd[0]);
		log_set_level(LOG_LEVEL_VERBOSE);
		report_open(&report, log_fd[1]);
		exit(dialer_main(conf, fd[1], &report, ctx));
	}
	close(fd[1]);
	peer = fd[0];
	assert_int_equal(msg_recv(peer, &m), 1);
	assert_int_equal(m.type, PS_AUTH_ANSWER);
	assert_int_equal(msg_get_u32(&m), 1);
	assert_int_equal(msg_end(&m), 0);
	msg_clear(&m);
}

static void
start_plain(void)
{
	struct servconf conf;
	struct context ctx;

	conf_fill(&conf, &ctx);
	start(&conf, &ctx);
}

/* The dialer's exit status, once it is gone. */
static int
reap(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (peer != -1)
		close(peer);
	peer = -1;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
stop(void)
{
	close(peer);
	peer = -1;
	return reap();
}

static void
send_request(uint32_t id, uint32_t cmd, const char *host, uint32_t to)
{
	struct msg m;

	msg_init(&m, PS_REQUEST, id);
	msg_put_u32(&m, cmd);
	msg_put_string(&m, host);
	msg_put_u32(&m, to);
	msg_put_string(&m, "192.0.2.9");
	msg_put_u32(&m, 4711);
	assert_int_equal(msg_send(peer, &m), 0);
	msg_clear(&m);
}

static void
send_connect(uint32_t id, const char *host, uint32_t to)
{
	send_request(id, SOCKS_CMD_CONNECT, host, to);
}

static void
send_cancel(uint32_t id)
{
	struct msg m;

	msg_init(&m, PS_CANCEL, id);
	assert_int_equal(msg_send(peer, &m), 0);
	msg_clear(&m);
}

static struct answer
recv_reply(void)
{
	struct privsep_reply reply;
	struct answer a;
	struct msg m;

	assert_int_equal(msg_recv(peer, &m), 1);
	assert_int_equal(m.type, PS_REPLY);
	assert_int_equal(privsep_get_reply(&m, &reply), 0);
	a.id = m.id;
	a.rep = reply.rep;
	a.atyp = reply.bnd.type;
	a.port = reply.bnd.port;
	addr_format_host(&reply.bnd, a.host, sizeof(a.host));
	a.fd = m.fd;
	m.fd = -1;
	msg_clear(&m);
	return a;
}

static struct answer
recv_answer(void)
{
	struct answer a = recv_reply();

	assert_int_equal(a.rep == 0, a.fd != -1);
	return a;
}

static struct answer
dial(const char *host, uint32_t to)
{
	send_connect(77, host, to);
	return recv_answer();
}

/* Dials and wants this reply; anything that was connected is closed. */
static void
expect(const char *host, uint32_t to, uint32_t rep, const char *reason)
{
	char end[256];
	struct answer a;
	const char *log;

	log_lines();
	a = dial(host, to);
	log = log_lines();
	assert_int_equal(a.id, 77);
	if (a.rep != rep)
		fail_msg("%s:%u: reply %u: %s", host, to, a.rep, log);
	/* One line, with the number of the flow. */
	snprintf(end, sizeof(end), "%s%s\n", rep == 0 ? " " : ": ", reason);
	assert_non_null(strstr(log, end));
	assert_string_equal(strchr(log, '\n'), "\n");
	assert_memory_equal(log, "flow 77: ", 9);
	assert_int_equal(strstr(log, " refused: ") != NULL, rep == 2);
	assert_int_equal(strstr(log, " for alice from 192.0.2.1 port 5: ") !=
	    NULL, rep == 2);
	if (a.fd != -1)
		close(a.fd);
}

static void
test_connects(void **state)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	struct answer a;
	char c;
	int s;

	start_plain();
	a = dial("127.0.0.1", port);
	assert_int_equal(a.rep, 0);
	assert_int_equal(a.atyp, 1);
	assert_string_equal(a.host, "127.0.0.1");
	s = accept(listening, (struct sockaddr *)&sin, &len);
	assert_int_equal(ntohs(sin.sin_port), a.port);
	assert_int_equal(write(a.fd, "x", 1), 1);
	assert_int_equal(read(s, &c, 1), 1);
	/*
	 * Nobody else holds the socket: the end is seen at once, as a reset,
	 * since no flow has ended as it should.
	 */
	close(a.fd);
	assert_int_equal(read(s, &c, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(s);
	expect("localhost", port, 0, "connected");
	expect("::ffff:127.0.0.1", port, 0, "connected");
	assert_int_equal(stop(), 0);
}

/*
 * Whichever message of the dialer's has no memory, its request is answered and
 * the dialer lives.
 */
static void
test_no_memory(void **state)
{
	struct answer a;
	int failures = 0, n;

	/* The first is for the answer that the user is in. */
	for (n = 2; n < 10; n++) {
		fail_at = n;
		start_plain();
		fail_at = 0;
		a = dial("127.0.0.1", port);
		assert_int_equal(a.id, 77);
		if (a.rep == SOCKS_REP_GENERAL)
			failures++;
		else
			assert_int_equal(a.rep, SOCKS_REP_OK);
		if (a.fd != -1)
			close(a.fd);
		assert_int_equal(dial("127.0.0.1", closed_port).id, 77);
		assert_int_equal(stop(), 0);
	}
	assert_int_equal(failures, 2);
}

/* Of lines that the logger does not take in time their number is told. */
static void
test_lost_lines(void **state)
{
	const char *p;
	u_int taken = 0, lost = 0;
	int i;

	start_plain();
	for (i = 0; i < 1000; i++)
		dial("127.0.0.1", closed_port);
	for (p = log_lines(); (p = strchr(p, '\n')) != NULL; p++)
		taken++;
	dial("127.0.0.1", closed_port);
	assert_int_equal(sscanf(log_lines(), "%u lines were lost", &lost), 1);
	assert_int_equal(taken + lost, 1000);
	assert_int_equal(stop(), 0);
}

/* Neither a line that net lost nor the watchdog's last one is kept quiet. */
static void
test_report(void **state)
{
	struct report report;
	const char *lines;

	start_plain();
	assert_int_equal(stop(), 0);
	report_open(&report, log_fd[1]);
	report_lost(&report);
	report_stuck("stuck for 8 s", &report);
	log_set_level(LOG_LEVEL_INFO);
	log_info("next");
	log_set_level(LOG_LEVEL_QUIET);
	log_set_sink(NULL, NULL);
	lines = log_lines();
	assert_non_null(strstr(lines, "stuck for 8 s\n"));
	assert_non_null(strstr(lines, "1 lines were lost\nnext\n"));
}

/* net is gone, or takes no messages any more: there is nobody to dial for. */
static void
test_nobody_listens(void **state)
{
	start_plain();
	assert_int_equal(shutdown(peer, SHUT_RD), 0);
	send_connect(1, "127.0.0.1", port);
	send_connect(2, "127.0.0.1", closed_port);
	assert_int_equal(reap(), 0);
}

/* That no thread can be started is not the fault of the name. */
static void
test_no_threads(void **state)
{
	struct answer a;

	no_threads = 1;
	start_plain();
	no_threads = 0;
	a = dial("name", port);
	assert_int_equal(a.rep, SOCKS_REP_GENERAL);
	assert_non_null(strstr(log_lines(), "no names are resolved now"));
	assert_int_equal(stop(), 0);
}

static void
test_failures(void **state)
{
	start_plain();
	expect("127.0.0.1", closed_port, 5, "Connection refused");
	expect("name", closed_port, 5, "Connection refused");
	expect("fail", 80, 4, "Name or service not known");
	expect("", 80, 4, "not a host name");
	expect("a b", 80, 4, "not a host name");
	expect("127.0.0.1", 0, 1, "Cannot assign requested address");
	assert_int_equal(stop(), 0);
}

static void
test_resolver_timeout(void **state)
{
	struct servconf conf;
	struct context ctx;

	conf_fill(&conf, &ctx);
	conf.dial_timeout = 1;
	start(&conf, &ctx);
	expect("hang", 80, 4, "name resolution timed out");
	expect("127.0.0.1", port, 0, "connected");
	assert_int_equal(stop(), 0);
}

#define CONF_REFUSED	"not permitted by rules (PermitOpen)"
#define KEY_REFUSED	"not permitted by rules (permitopen of the key)"

static void
test_rules(void **state)
{
	struct servconf conf;
	struct context ctx;
	char by_name[64], by_addr[64];
	char *names[] = { by_name }, *addrs[] = { by_addr }, *none[] = {
	    by_addr };

	snprintf(by_name, sizeof(by_name), "good.example:%u", port);
	snprintf(by_addr, sizeof(by_addr), "127.0.0.1:%u", port);

	conf_fill(&conf, &ctx);
	conf.permit_open = (struct conf_list){ names, 1 };
	start(&conf, &ctx);
	expect("good.example", port, 0, "connected");
	expect("bad.example", port, 2, CONF_REFUSED);
	expect("good.example", closed_port, 2, CONF_REFUSED);
	expect("127.0.0.1", port, 2, CONF_REFUSED);
	assert_int_equal(stop(), 0);

	/* A rule about an address holds for a name that resolves to it. */
	conf_fill(&conf, &ctx);
	conf.permit_open = (struct conf_list){ addrs, 1 };
	start(&conf, &ctx);
	expect("any.example", port, 0, "connected");
	expect("::ffff:127.0.0.1", port, 0, "connected");
	expect("127.0.0.2", port, 2, CONF_REFUSED);
	assert_int_equal(stop(), 0);

	/* One about another address is asked after resolving, and refuses. */
	snprintf(by_addr, sizeof(by_addr), "192.0.2.1:%u", port);
	start(&conf, &ctx);
	expect("any.example", port, 2, CONF_REFUSED);
	assert_int_equal(stop(), 0);

	/* Both must permit. */
	snprintf(by_addr, sizeof(by_addr), "127.0.0.1:%u", port);
	conf_fill(&conf, &ctx);
	ctx.permit_open = (struct conf_list){ names, 1 };
	conf.permit_open = (struct conf_list){ none, 1 };
	start(&conf, &ctx);
	expect("good.example", port, 0, "connected");
	expect("127.0.0.1", port, 2, KEY_REFUSED);
	expect("any.example", port, 2, KEY_REFUSED);
	assert_int_equal(stop(), 0);
}

static void
test_rules_closed(void **state)
{
	struct servconf conf;
	struct context ctx;
	char none_word[] = "none", any_word[] = "any";
	char *none[] = { none_word }, *any[] = { any_word };

	conf_fill(&conf, &ctx);
	conf.permit_open = (struct conf_list){ none, 1 };
	start(&conf, &ctx);
	expect("127.0.0.1", port, 2, CONF_REFUSED);
	assert_int_equal(stop(), 0);

	conf_fill(&conf, &ctx);
	conf.permit_open = (struct conf_list){ any, 1 };
	ctx.permit_open = (struct conf_list){ none, 1 };
	start(&conf, &ctx);
	expect("127.0.0.1", port, 2, KEY_REFUSED);
	assert_int_equal(stop(), 0);

	conf_fill(&conf, &ctx);
	conf.allow_forwarding = 0;
	start(&conf, &ctx);
	expect("127.0.0.1", port, 2,
	    "not permitted by rules (AllowTcpForwarding)");
	assert_int_equal(stop(), 0);
}

static void
test_cancel(void **state)
{
	struct answer a;
	struct pollfd pfd;

	start_plain();
	send_connect(1, "hang", 80);
	send_cancel(1);
	send_cancel(1);
	send_cancel(99);
	/* Its number may be used again, and gets one answer. */
	send_connect(1, "127.0.0.1", port);
	a = recv_answer();
	assert_int_equal(a.id, 1);
	assert_int_equal(a.rep, 0);
	close(a.fd);
	pfd.fd = peer;
	pfd.events = POLLIN;
	assert_int_equal(poll(&pfd, 1, 50), 0);
	assert_int_equal(stop(), 0);
}

/* More answers than the pair holds, and nobody who reads them for a while. */
static void
test_answers_wait(void **state)
{
	static char seen[900];
	struct answer a;
	int i;

	memset(seen, 0, sizeof(seen));
	start_plain();
	for (i = 0; i < 900; i++)
		send_connect(i, "127.0.0.1", i % 3 ? port : closed_port);
	usleep(300000);
	for (i = 0; i < 900; i++) {
		a = recv_answer();
		assert_in_range(a.id, 0, 899);
		assert_int_equal(seen[a.id]++, 0);
		assert_int_equal(a.rep, a.id % 3 ? 0 : 5);
		if (a.fd != -1)
			close(a.fd);
	}
	assert_int_equal(stop(), 0);
}

static void
test_too_many(void **state)
{
	struct servconf conf;
	struct context ctx;
	struct answer a;
	int i;

	conf_fill(&conf, &ctx);
	conf.max_flows = 4;
	start(&conf, &ctx);
	for (i = 0; i < 4; i++)
		send_connect(i, "hang", 80);
	expect("127.0.0.1", port, 1, "too many requests under way");
	send_cancel(0);
	send_connect(5, "127.0.0.1", port);
	a = recv_answer();
	assert_int_equal(a.rep, 0);
	close(a.fd);
	assert_int_equal(stop(), 0);
}

static void
send_raw(uint32_t type, const void *data, size_t n, int fd)
{
	struct msg m;
	u_char payload[64];

	memcpy(payload, data, n);
	msg_init(&m, type, 1);
	m.data = payload;
	m.len = n;
	m.fd = fd;
	assert_int_equal(msg_send(peer, &m), 0);
}

static void
test_violations(void **state)
{
	static const u_char log_line[] = { 0, 0, 0, 2, 0, 0, 0, 1, 'x' };
	static const u_char log_level[] = { 0, 0, 0, 9, 0, 0, 0, 1, 'x' };
	static const u_char log_more[] = { 0, 0, 0, 2, 0, 0, 0, 0, 'x' };

	start_plain();
	send_raw(PS_LOG, log_line, sizeof(log_line), -1);
	close(dial("127.0.0.1", port).fd);
	assert_memory_equal(log_lines(), "x\n", 2);
	assert_int_equal(log_process, LOGGING_DIALER);
	send_raw(PS_LOG, log_level, sizeof(log_level), -1);
	assert_int_equal(reap(), 255);
	start_plain();
	send_raw(PS_LOG, log_more, sizeof(log_more), -1);
	assert_int_equal(reap(), 255);
	start_plain();
	send_raw(PS_LOG, log_line, sizeof(log_line), listening);
	assert_int_equal(reap(), 255);
	start_plain();
	send_raw(PS_READY, "", 0, -1);
	assert_int_equal(reap(), 255);
	start_plain();
	send_raw(PS_REQUEST, log_line, sizeof(log_line), -1);
	assert_int_equal(reap(), 255);
	start_plain();
	send_raw(PS_CANCEL, log_line, sizeof(log_line), -1);
	assert_int_equal(reap(), 255);
	start_plain();
	assert_int_equal(send(peer, "abc", 3, 0), 3);
	assert_int_equal(reap(), 255);
	start_plain();
	send_connect(1, "hang", 80);
	send_connect(1, "hang", 80);
	assert_int_equal(reap(), 255);
	start_plain();
	send_connect(1, "127.0.0.1", 65536);
	assert_int_equal(reap(), 255);
}

/* The port at which a BIND waits. */
static uint16_t
recv_bound(uint32_t id)
{
	struct addr bnd;
	struct msg m;

	assert_int_equal(msg_recv(peer, &m), 1);
	assert_int_equal(m.type, PS_BOUND);
	assert_int_equal(m.id, id);
	privsep_get_addr(&m, &bnd);
	assert_int_equal(msg_end(&m), 0);
	msg_clear(&m);
	assert_int_equal(bnd.type, ADDR_IPV4);
	assert_true(addr_is_loopback(&bnd));
	return bnd.port;
}

static int
connect_to(uint16_t to)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(to);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
test_bind(void **state)
{
	struct answer a;
	uint16_t at;
	int s;
	char c;

	start_plain();
	send_request(5, 2, "127.0.0.1", 0);
	at = recv_bound(5);
	s = connect_to(at);
	a = recv_answer();
	assert_int_equal(a.id, 5);
	assert_int_equal(a.rep, 0);
	assert_string_equal(a.host, "127.0.0.1");
	assert_int_equal(write(s, "x", 1), 1);
	assert_int_equal(recv(a.fd, &c, 1, MSG_WAITALL), 1);
	close(a.fd);
	assert_int_equal(read(s, &c, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	close(s);
	/* Nobody waits for one that is cancelled. */
	send_request(6, 2, "127.0.0.1", 0);
	at = recv_bound(6);
	send_cancel(6);
	expect("127.0.0.1", closed_port, 5, "Connection refused");
	assert_int_equal(connect_to(at), -1);
	send_request(7, 2, "127.0.0.1", 0);
	recv_bound(7);
	assert_int_equal(stop(), 0);
}

static void
test_udp(void **state)
{
	static const u_char frame[] = { 0, 1, 0, 1, 127, 0, 0, 1, 0, 0, 'x' };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	struct answer a, b;
	u_char buf[sizeof(frame)];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	start_plain();
	send_request(5, 3, "0.0.0.0", 0);
	a = recv_answer();
	assert_int_equal(a.rep, 0);
	assert_int_not_equal(a.port, 0);
	memcpy(buf, frame, sizeof(frame));
	memcpy(buf + 8, &sin.sin_port, 2);
	assert_int_equal(write(a.fd, buf, sizeof(buf)), sizeof(buf));
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 1);
	/* Two at once are permitted, and one that ended does not count. */
	send_request(6, 3, "0.0.0.0", 0);
	b = recv_answer();
	assert_int_equal(b.rep, 0);
	send_request(7, 3, "0.0.0.0", 0);
	assert_int_equal(recv_answer().rep, 1);
	close(a.fd);
	usleep(50000);
	send_request(8, 3, "0.0.0.0", 0);
	a = recv_answer();
	assert_int_equal(a.rep, 0);
	assert_int_equal(stop(), 0);
	/* With the dialer they are gone. */
	assert_int_equal(read(a.fd, buf, 1), 0);
	assert_int_equal(read(b.fd, buf, 1), 0);
	close(a.fd);
	close(b.fd);
	close(fd);
}

static void
test_resolve(void **state)
{
	struct answer a;

	start_plain();
	send_request(5, 0xf0, "name", 4);
	a = recv_reply();
	assert_int_equal(a.rep, 0);
	assert_int_equal(a.fd, -1);
	assert_int_equal(a.atyp, ADDR_IPV4);
	assert_string_equal(a.host, "127.0.0.1");
	send_request(6, 0xf0, "fail", 4);
	assert_int_equal(recv_answer().rep, 4);
	send_request(7, 0xf1, "name", 4);
	assert_int_equal(recv_answer().rep, 8);
	send_request(8, 0xf0, "a b", 4);
	assert_int_equal(recv_answer().rep, 4);
	assert_int_equal(stop(), 0);
}

static void
test_request_violations(void **state)
{
	static const uint32_t bad[] = { 0, 4, 0xf2, 0x103 };
	char name[300];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start_plain();
		send_request(1, bad[i], "127.0.0.1", 80);
		assert_int_equal(reap(), 255);
	}
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	start_plain();
	send_request(1, 1, name, 80);
	assert_int_equal(reap(), 255);
	start_plain();
	send_request(1, 2, "127.0.0.1", 65536);
	assert_int_equal(reap(), 255);
	start_plain();
	send_raw(PS_BOUND, "", 0, -1);
	assert_int_equal(reap(), 255);
	start_plain();
	send_raw(PS_REQUEST, "\0\0\0\2", 4, -1);
	assert_int_equal(reap(), 255);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_lost_lines),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_no_threads),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_resolver_timeout),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_rules_closed),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_answers_wait),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_violations),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_request_violations)
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
