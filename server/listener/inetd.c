/* SPDX-License-Identifier: ISC */
/*
 * The connection of -i.  Standard input is a socket when inetd(8) starts the
 * program.  Where it is a pipe, as under ssh's ProxyCommand, two processes
 * copy between standard input and output and a socket, for sockstund-net can
 * use nothing else.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "inetd.h"
#include "log.h"

#define INETD_BUFFER	65536

/* Copies until the end of either side. */
static void
inetd_copy(int from, int to)
{
	static char buf[INETD_BUFFER];
	ssize_t n, done, m;

	for (;;) {
		n = read(from, buf, sizeof(buf));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		for (done = 0; done < n; done += m) {
			m = write(to, buf + done, (size_t)(n - done));
			if (m == -1 && errno == EINTR)
				m = 0;
			else if (m == -1)
				return;
		}
	}
}

/* Until the session ends, which ends the input too. */
static void __attribute__((noreturn))
inetd_copy_both(int sock)
{
	pid_t input;

	setproctitle("[inetd]");
	signal(SIGPIPE, SIG_IGN);
	if ((input = fork()) == 0) {
		close(STDOUT_FILENO);
		inetd_copy(STDIN_FILENO, sock);
		shutdown(sock, SHUT_WR);
		_exit(0);
	}
	close(STDIN_FILENO);
	if (input != -1)
		inetd_copy(sock, STDOUT_FILENO);
	shutdown(sock, SHUT_RDWR);
	if (input != -1)
		kill(input, SIGTERM);
	_exit(0);
}

/*
 * The connection on standard input and output as a socket, which is the
 * caller's to close.  Returns -1 after the reason was logged.
 */
int
inetd_open(void)
{
	struct stat st;
	int conn, pair[2];
	pid_t pid;

	if (fstat(STDIN_FILENO, &st) == 0 && S_ISSOCK(st.st_mode)) {
		conn = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC,
		    STDERR_FILENO + 1);
		if (conn == -1)
			log_warn("standard input");
		return conn;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		log_warn("socketpair");
		return -1;
	}
	if ((pid = fork()) == 0) {
		close(pair[0]);
		inetd_copy_both(pair[1]);
	}
	close(pair[1]);
	if (pid != -1)
		return pair[0];
	log_warn("fork");
	close(pair[0]);
	return -1;
}
