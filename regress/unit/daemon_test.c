/* SPDX-License-Identifier: ISC */
/*
 * The listener, in a process of its own.  What it executes as monitors and as
 * loggers is a script: such a monitor does what its client says.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "daemon.h"
#include "log.h"
#include "rexec.h"
#include "servconf.h"

#define SORRY	"Exceeded MaxStartups\r\n"

/* The connection does not block; who is to stay stays while there is a file. */
static const char script[] =
    "#!/bin/sh\n"
    "dir=${0%/*}\n"
    "[ \"$2\" = monitor ] || { echo $$ >\"$dir/logger\"; exec cat <&3; }\n"
    "until read -r what <&5; do sleep 0.02; done\n"
    "echo \"$what\" >&5\n"
    "case $what in\n"
    "exit*)	exit \"${what#exit}\" ;;\n"
    "kill)	kill -9 $$ ;;\n"
    "in)	exec 6>&- ;;\n"
    "esac\n"
    "while [ -e \"$dir/stay\" ]; do sleep 0.02; done\n";

static char dir[] = "/tmp/daemon_test.XXXXXX";
static char logger[64], stay[64];
static struct servconf conf;
static struct rexec self;
static struct daemon_config cfg;
static pid_t child;
static int lines;		/* where its log comes out */
static char text[16384];	/* all of it until now */
static uint16_t port;

static void
note_line(enum log_level level, const char *line, void *arg)
{
	dprintf(lines, "%s\n", line);
}

static int
group_setup(void **state)
{
	int fd;

	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(logger, sizeof(logger), "%s/logger", dir);
	snprintf(stay, sizeof(stay), "%s/stay", dir);
	snprintf(self.path, sizeof(self.path), "%s/program", dir);
	fd = open(self.path, O_WRONLY | O_CREAT, 0700);
	if (write(fd, script, sizeof(script) - 1) == -1)
		return -1;
	close(fd);
	log_init("daemon_test", LOG_LEVEL_INFO, 1);
	return 0;
}

static int
group_teardown(void **state)
{
	unlink(logger);
	unlink(stay);
	unlink(self.path);
	return rmdir(dir);
}

/* The configuration says this. */
static int
setup_with(const char *words)
{
	char err[256];

	unlink(logger);
	servconf_init(&conf);
	if (servconf_read_text(&conf, words, "test", err, sizeof(err)) == -1)
		return -1;
	servconf_finish(&conf);
	memset(&cfg, 0, sizeof(cfg));
	memset(&cfg.nowhere, -1, sizeof(cfg.nowhere));
	cfg.conf = &conf;
	cfg.self = &self;
	cfg.logger = (struct logproc){ -1, -1 };
	cfg.conf_fd = rexec_make_memfd("conf", "", 0);
	cfg.keys_fd = rexec_make_memfd("keys", "", 0);
	text[0] = '\0';
	return 0;
}

static void
clear(void)
{
	size_t i;

	for (i = 0; i < cfg.nsockets; i++)
		close(cfg.sockets[i]);
	close(cfg.conf_fd);
	close(cfg.keys_fd);
	servconf_clear(&conf);
}

/* Of several addresses those that there are; all that fails is told. */
static void
test_bind(void **state)
{
	struct addr first, second;
	int out[2];

	assert_int_equal(setup_with("Port 0\nListenAddress 192.0.2.1\n"
	    "ListenAddress 127.0.0.1\nListenAddress 127.0.0.2\n"), 0);
	assert_int_equal(pipe(out), 0);
	lines = out[1];
	log_set_sink(note_line, NULL);
	assert_int_equal(daemon_bind(&cfg), 0);
	assert_int_equal(cfg.nsockets, 2);
	assert_int_equal(addr_of_socket(&first, cfg.sockets[0]), 0);
	assert_int_equal(addr_of_socket(&second, cfg.sockets[1]), 0);
	assert_int_equal(first.port, second.port);
	clear();
	assert_int_equal(setup_with("ListenAddress 192.0.2.1:2022\n"), 0);
	assert_int_equal(daemon_bind(&cfg), -1);
	log_set_sink(NULL, NULL);
	clear();
	text[read(out[0], text, sizeof(text) - 1)] = '\0';
	assert_non_null(strstr(text, "Bind to port 2022 on 192.0.2.1 failed: "
	    "Cannot assign requested address."));
	close(out[0]);
	close(out[1]);
}

/* Ends with 10 after a signal to stop, with 11 after one to start again. */
static void
start(const char *words)
{
	struct addr a;
	int out[2], sig;

	assert_int_equal(setup_with(words), 0);
	assert_int_equal(daemon_bind(&cfg), 0);
	assert_int_equal(addr_of_socket(&a, cfg.sockets[0]), 0);
	port = a.port;
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	fflush(NULL);
	if ((child = fork()) == 0) {
		lines = out[1];
		log_set_sink(note_line, NULL);
		if (logproc_start(&cfg.logger, &self, cfg.conf_fd) == -1)
			exit(1);
		exit(daemon_run(&cfg, &sig) == DAEMON_RESTART ? 11 : 10);
	}
	assert_int_not_equal(child, -1);
	clear();
	close(out[1]);
	lines = out[0];
}

/* A signal ends it so. */
static void
stop(int sig, int status)
{
	int how;

	assert_int_equal(kill(child, sig), 0);
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), status);
	close(lines);
}

/* Waits until the log says this. */
static void
wait_for(const char *what)
{
	struct pollfd pfd = { lines, POLLIN, 0 };
	size_t len = strlen(text);
	ssize_t n;

	while (strstr(text, what) == NULL) {
		if (poll(&pfd, 1, 30000) != 1)
			fail_msg("no %s in: %s", what, text);
		n = read(lines, text + len, sizeof(text) - 1 - len);
		assert_true(n > 0);
		text[len += (size_t)n] = '\0';
	}
}

/* A client that says this, once the monitor or the listener has answered. */
static int
come(const char *what, const char *answer)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	char buf[64] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons(port);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	if (what != NULL)
		(void)!send(fd, what, strlen(what), MSG_NOSIGNAL);
	if (answer != NULL) {
		assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
		assert_string_equal(buf, answer);
	}
	return fd;
}

/* How a monitor ended is told, but not again by who has told it. */
static void
test_ends(void **state)
{
	start("ListenAddress 127.0.0.1:0\n");
	wait_for("Server listening on 127.0.0.1 port ");
	close(come("exit0\n", "exit0\n"));
	close(come("exit255\n", "exit255\n"));
	close(come("exit3\n", "exit3\n"));
	wait_for(": exit status 3\n");
	close(come("kill\n", "kill\n"));
	wait_for(" killed by signal 9 (Killed)\n");
	assert_null(strstr(text, "status 255"));
	assert_null(strstr(text, "status 0"));
	stop(SIGTERM, 10);
}

/* Only who is not in yet is counted. */
static void
test_too_many(void **state)
{
	int fd[4];

	close(open(stay, O_WRONLY | O_CREAT, 0600));
	start("ListenAddress 127.0.0.1:0\nMaxStartups 1:100:1\n"
	    "ClientTimeout 0\nTCPKeepAlive no\n");
	fd[0] = come("hold\n", "hold\n");
	fd[1] = come(NULL, SORRY);
	unlink(stay);
	assert_int_equal(recv(fd[0], text, 1, 0), 0);
	close(open(stay, O_WRONLY | O_CREAT, 0600));
	fd[2] = come("in\n", "in\n");
	usleep(200000);
	fd[3] = come("in\n", "in\n");
	unlink(stay);
	assert_int_equal(recv(fd[3], text, 1, 0), 0);
	stop(SIGHUP, 11);
	close(fd[0]);
	close(fd[1]);
	close(fd[2]);
	close(fd[3]);
}

/* Waits for another logger than this one; its process ID. */
static pid_t
logger_after(pid_t before)
{
	pid_t pid = 0;
	FILE *f;
	int i, n;

	for (i = 0; i < 3000; i++) {
		usleep(10000);
		if ((f = fopen(logger, "r")) == NULL)
			continue;
		n = fscanf(f, "%d\n", &pid);
		fclose(f);
		if (n == 1 && pid != before)
			return pid;
	}
	fail_msg("no logger");
	return 0;
}

/* A logger that was killed is replaced for the next connection. */
static void
test_logger(void **state)
{
	pid_t pid;

	start("ListenAddress 127.0.0.1:0\n");
	pid = logger_after(0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	wait_for("the logger ended\n");
	close(come("exit0\n", "exit0\n"));
	logger_after(pid);
	stop(SIGINT, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_logger),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
