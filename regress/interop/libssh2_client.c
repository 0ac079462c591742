/* SPDX-License-Identifier: ISC */
/*
 * An SSH client on libssh2, which shares no code with the daemon: what a
 * foreign client may have of sockstund, and what it must not have.
 *
 *	libssh2_client [-lu] address port user keyfile known_hosts echo-port
 *
 * It ends with 3 if there is no such key in known_hosts, or a key exchange
 * without one.  echo-port is that of tools/peer.py.  -u opens channels before it has
 * authenticated, which must be refused; -l uses one channel and no more.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh2.h>

#define TIMEOUT_MS	20000
#define MALFORMED_MS	2000
#define BLOCK		16000	/* less than the smallest window */
#define CHANNELS	50
#define NO_HOST		3	/* exit status */

static int	 failures;

static void
check(int good, const char *what)
{
	printf("%s: %s\n", good ? "ok" : "FAIL", what);
	failures += !good;
}

static int
tcp_connect(const char *host, const char *port)
{
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM }, *res;
	int		 fd, e;

	if ((e = getaddrinfo(host, port, &hints, &res)) != 0)
		errx(1, "%s: %s", host, gai_strerror(e));
	if ((fd = socket(res->ai_family, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, res->ai_addr, res->ai_addrlen) == -1)
		err(1, "%s port %s", host, port);
	freeaddrinfo(res);
	return (fd);
}

static LIBSSH2_SESSION *
session_start(int fd)
{
	LIBSSH2_SESSION	*session;
	char		*msg = NULL;

	if ((session = libssh2_session_init()) == NULL)
		errx(1, "libssh2_session_init");
	libssh2_session_set_blocking(session, 1);
	libssh2_session_set_timeout(session, TIMEOUT_MS);
	if (libssh2_session_handshake(session, fd) != 0) {
		libssh2_session_last_error(session, &msg, NULL, 0);
		errx(NO_HOST, "handshake: %s", msg);
	}
	return (session);
}

/* Is the host's key that of the file? */
static int
host_is_known(LIBSSH2_SESSION *session, const char *host, int port,
    const char *path)
{
	LIBSSH2_KNOWNHOSTS	*hosts;
	const char		*key;
	size_t			 len;
	int			 type, result;

	if ((hosts = libssh2_knownhost_init(session)) == NULL ||
	    libssh2_knownhost_readfile(hosts, path,
	    LIBSSH2_KNOWNHOST_FILE_OPENSSH) < 0)
		errx(1, "%s", path);
	key = libssh2_session_hostkey(session, &len, &type);
	result = libssh2_knownhost_checkp(hosts, host, port, key, len,
	    LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW, NULL);
	libssh2_knownhost_free(hosts);
	return (result == LIBSSH2_KNOWNHOST_CHECK_MATCH);
}

/* A channel to the echo server, with the order to echo given. */
static LIBSSH2_CHANNEL *
echo_open(LIBSSH2_SESSION *session, int port)
{
	LIBSSH2_CHANNEL	*ch;

	ch = libssh2_channel_direct_tcpip(session, "127.0.0.1", port);
	if (ch != NULL && libssh2_channel_write(ch, "echo\n", 5) != 5) {
		libssh2_channel_free(ch);
		return (NULL);
	}
	return (ch);
}

static int
write_all(LIBSSH2_CHANNEL *ch, const char *data, size_t len)
{
	ssize_t	 n;

	while (len > 0) {
		if ((n = libssh2_channel_write(ch, data, len)) <= 0)
			return (-1);
		data += n;
		len -= (size_t)n;
	}
	return (0);
}

static int
read_all(LIBSSH2_CHANNEL *ch, char *data, size_t len)
{
	ssize_t	 n;

	while (len > 0) {
		if ((n = libssh2_channel_read(ch, data, len)) <= 0)
			return (-1);
		data += n;
		len -= (size_t)n;
	}
	return (0);
}

/* Sends blocks and compares what comes back; 0 when all is the same. */
static int
echo_blocks(LIBSSH2_CHANNEL *ch, int blocks)
{
	static char	 out[BLOCK], in[BLOCK];
	size_t		 i;

	while (blocks-- > 0) {
		for (i = 0; i < sizeof(out); i++)
			out[i] = (char)random();
		if (write_all(ch, out, sizeof(out)) == -1 ||
		    read_all(ch, in, sizeof(in)) == -1 ||
		    memcmp(in, out, sizeof(in)) != 0)
			return (-1);
	}
	return (0);
}

/*
 * Every request that asks for more than a flow; all must be refused.  libssh2
 * sends one of the last three alone.
 */
static void
ask_too_much(LIBSSH2_CHANNEL *ch, const char *kind)
{
	char	 what[128];
	size_t	 i;
	struct {
		const char	*name;
		int		 granted;
	} asked[] = {
		{ "x11-req", libssh2_channel_x11_req(ch, 0) == 0 },
		{ "auth-agent-req",
		    libssh2_channel_request_auth_agent(ch) == 0 },
		{ "env", libssh2_channel_setenv(ch, "LANG", "C") == 0 },
		{ "subsystem sftp",
		    libssh2_channel_subsystem(ch, "sftp") == 0 },
		{ "exec", libssh2_channel_exec(ch, "id") == 0 },
		{ "shell", libssh2_channel_shell(ch) == 0 }
	};

	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		snprintf(what, sizeof(what), "%s is refused on %s",
		    asked[i].name, kind);
		check(!asked[i].granted, what);
	}
}

static void
try_session(LIBSSH2_SESSION *session)
{
	LIBSSH2_CHANNEL	*ch;

	if ((ch = libssh2_channel_open_session(session)) == NULL) {
		check(0, "a session channel");
		return;
	}
	ask_too_much(ch, "a session channel");
	libssh2_channel_free(ch);
}

/* Nothing is run, which the user is told, with a terminal or without. */
static void
try_command(LIBSSH2_SESSION *session, int terminal)
{
	LIBSSH2_CHANNEL	*ch;
	char		 text[512] = "";
	ssize_t		 n, len = 0;

	if ((ch = libssh2_channel_open_session(session)) == NULL ||
	    (terminal && libssh2_channel_request_pty(ch, "xterm") != 0) ||
	    libssh2_channel_exec(ch, "echo it runs") != 0) {
		check(0, "a command is answered");
		return;
	}
	while ((n = libssh2_channel_read_stderr(ch, text + len,
	    sizeof(text) - 1 - (size_t)len)) > 0)
		len += n;
	check(strstr(text, "there is no shell") != NULL, "the user is told");
	check(libssh2_channel_read(ch, text, sizeof(text)) == 0 &&
	    libssh2_channel_wait_closed(ch) == 0 &&
	    libssh2_channel_get_exit_status(ch) == 1, "nothing is run");
	libssh2_channel_free(ch);
}

/* Did the other end refuse the channel, instead of saying nothing? */
static int
is_refused(LIBSSH2_SESSION *session)
{
	return (libssh2_session_last_errno(session) ==
	    LIBSSH2_ERROR_CHANNEL_FAILURE);
}

static void
try_refused(LIBSSH2_SESSION *session)
{
	static const char	 x11[] = "\0\0\0\011127.0.0.1\0\0\027\160";
	LIBSSH2_LISTENER	*listener;
	LIBSSH2_CHANNEL		*ch;
	int			 bound;

	ch = libssh2_channel_direct_tcpip(session, "127.0.0.1", 1);
	check(ch == NULL && is_refused(session),
	    "a refused port is a failed open");
	if (ch != NULL)
		libssh2_channel_free(ch);
	ch = libssh2_channel_open_ex(session, "x11", 3, 64000, 32000,
	    x11, sizeof(x11) - 1);
	check(ch == NULL && is_refused(session), "an x11 channel is refused");
	ch = libssh2_channel_open_ex(session, "nonsense@example.org", 20,
	    64000, 32000, NULL, 0);
	check(ch == NULL && is_refused(session),
	    "an unknown channel type is refused");
	listener = libssh2_channel_forward_listen_ex(session, "127.0.0.1", 0,
	    &bound, 1);
	check(listener == NULL, "tcpip-forward is refused");
}

static void
try_many(LIBSSH2_SESSION *session, int port)
{
	LIBSSH2_CHANNEL	*ch[CHANNELS];
	int		 i, good = 0;

	for (i = 0; i < CHANNELS; i++)
		ch[i] = echo_open(session, port);
	for (i = CHANNELS - 1; i >= 0; i--)
		good += ch[i] != NULL && echo_blocks(ch[i], 2) == 0;
	for (i = 0; i < CHANNELS; i++)
		if (ch[i] != NULL)
			libssh2_channel_free(ch[i]);
	check(good == CHANNELS, "many channels at once");
}

/* The end of one half, then all that was sent comes back, then the end. */
static void
try_half_close(LIBSSH2_SESSION *session, int port)
{
	LIBSSH2_CHANNEL	*ch;
	char		 buf[64];

	if ((ch = echo_open(session, port)) == NULL) {
		check(0, "a channel to end by halves");
		return;
	}
	libssh2_channel_write(ch, "last words", 10);
	libssh2_channel_send_eof(ch);
	check(read_all(ch, buf, 10) == 0 &&
	    memcmp(buf, "last words", 10) == 0 &&
	    libssh2_channel_read(ch, buf, sizeof(buf)) == 0 &&
	    libssh2_channel_eof(ch), "each half ends by itself");
	libssh2_channel_free(ch);
}

static void
authenticated(LIBSSH2_SESSION *session, int port)
{
	LIBSSH2_CHANNEL	*ch;
	int		 next;

	if ((ch = echo_open(session, port)) == NULL) {
		check(0, "direct-tcpip");
		return;
	}
	check(echo_blocks(ch, 300) == 0, "4.8 MB there and back");
	check(libssh2_channel_request_pty(ch, "xterm") != 0,
	    "pty-req is refused on a direct-tcpip channel");
	ask_too_much(ch, "a direct-tcpip channel");
	check(echo_blocks(ch, 1) == 0, "the flow goes on");
	try_session(session);
	try_command(session, 0);
	try_command(session, 1);
	check(echo_blocks(ch, 1) == 0, "the flow goes on after that");
	try_many(session, port);
	try_half_close(session, port);
	libssh2_keepalive_config(session, 1, 1);
	check(libssh2_keepalive_send(session, &next) == 0, "a keepalive");
	try_refused(session);
	check(echo_blocks(ch, 1) == 0, "the flow goes on after all this");
	libssh2_channel_free(ch);
	/* To this there is no answer. */
	libssh2_session_set_timeout(session, MALFORMED_MS);
	check(libssh2_channel_open_ex(session, "direct-tcpip", 12, 64000,
	    32000, "\0\0\377\377x", 5) == NULL,
	    "a malformed direct-tcpip is refused");
}

static void
unauthenticated(LIBSSH2_SESSION *session, int port)
{
	check(libssh2_channel_direct_tcpip(session, "127.0.0.1", port) == NULL,
	    "direct-tcpip before authentication is refused");
	check(libssh2_channel_open_session(session) == NULL,
	    "a session before authentication is refused");
}

static void
one_channel(LIBSSH2_SESSION *session, int port)
{
	LIBSSH2_CHANNEL	*ch;

	try_refused(session);
	ch = echo_open(session, port);
	check(ch != NULL && echo_blocks(ch, 10) == 0, "a channel");
	if (ch != NULL)
		libssh2_channel_free(ch);
}

int
main(int argc, char *argv[])
{
	LIBSSH2_SESSION	*session;
	int		 c, fd, mode = 0, port;

	while ((c = getopt(argc, argv, "lu")) != -1)
		mode = c;
	argv += optind;
	if (argc - optind != 6 || mode == '?')
		errx(2, "usage: libssh2_client [-lu] address port user keyfile "
		    "known_hosts echo-port");
	if (libssh2_init(0) != 0)
		errx(1, "libssh2_init");
	fd = tcp_connect(argv[0], argv[1]);
	port = atoi(argv[5]);
	session = session_start(fd);
	if (!host_is_known(session, argv[0], atoi(argv[1]), argv[4]))
		errx(NO_HOST, "the host is not known");
	if (mode == 'u')
		unauthenticated(session, port);
	else {
		check(libssh2_userauth_publickey_fromfile(session, argv[2],
		    NULL, argv[3], NULL) == 0, "login by key");
		if (failures == 0 && mode == 'l')
			one_channel(session, port);
		else if (failures == 0)
			authenticated(session, port);
		libssh2_session_disconnect(session, "done");
	}
	libssh2_session_free(session);
	close(fd);
	libssh2_exit();
	return (failures > 0);
}
