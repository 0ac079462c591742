/* SPDX-License-Identifier: ISC */
/*
 * This folder leads from the name of a host to an authenticated SSH session.
 * Here is the order of the steps, and who is asked at each of them:
 *
 *	REACH	a TCP connection (hostconnect.c), or a command's (proxy.c)
 *	KEX	keys are exchanged, with the algorithms of algs.c
 *		is it the right server? (hostkey.c, which reads knownhosts.c)
 *	AUTH	the user is authenticated (auth.c, with identity.c, agent.c
 *		and prompt.c)
 *
 * Each call of libssh polls the descriptor once and leaves what it wants to
 * wait for in ssh_get_poll_flags(); the event here follows those flags.
 * libssh makes the descriptor blocking when it connects: that is undone after
 * each call, lest it stop the loop.
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <libssh/libssh.h>

#include "algs.h"
#include "auth.h"
#include "cliconf.h"
#include "eventloop.h"
#include "hostkey.h"
#include "log.h"
#include "monotime.h"
#include "proxy.h"
#include "hostconnect.h"
#include "sshconnect.h"
#include "sshwire.h"
#include "xmalloc.h"

#define SSHCONNECT_KEX_TIMEOUT	120	/* seconds, without ConnectTimeout */
#define SSHCONNECT_AUTH_TIMEOUT	300	/* for one answer of the server */
#define SSHCONNECT_RSA_MIN	1024	/* bits of any RSA key */
#define SSHCONNECT_FD_MAX	0xffff	/* libssh keeps 16 bits of it */

enum sshconnect_state {
	SSHCONNECT_START,
	SSHCONNECT_REACH,
	SSHCONNECT_KEX,
	SSHCONNECT_AUTH
};

struct sshconnect {
	struct event_base	*base;
	struct resolver		*resolver;
	const struct cliconf	*conf;
	struct remembered	*remembered;
	enum log_level		 level;		/* of what may pass */
	sshconnect_cb		*cb;
	void			*arg;
	enum sshconnect_state	 state;
	struct event		*ready;		/* the descriptor */
	short			 interest;	/* what it waits for */
	struct event		*timer;
	int64_t			 started;	/* monotime_ns() */
	struct hostconnect		*hostconnect;
	const char		*through;	/* a command, or NULL */
	struct auth		*auth;
	ssh_session		 session;
	int			 fd;		/* until the session has it */
};

/*
 * Frees a session together with its descriptor, which libssh leaves open
 * when it was given from outside.
 */
static void
sshconnect_free_session(ssh_session session)
{
	int	fd;

	fd = ssh_get_fd(session);
	ssh_disconnect(session);
	ssh_free(session);
	if (fd != -1)
		close(fd);
}

static void
sshconnect_free(struct sshconnect *sc)
{
	hostconnect_cancel(sc->hostconnect);
	auth_free(sc->auth);
	if (sc->ready != NULL)
		event_free(sc->ready);
	if (sc->timer != NULL)
		event_free(sc->timer);
	if (sc->session != NULL)
		sshconnect_free_session(sc->session);
	if (sc->fd != -1)
		close(sc->fd);
	free(sc);
}

/* Stops; the callback is not called.  NULL is ignored. */
void
sshconnect_cancel(struct sshconnect *sc)
{
	if (sc != NULL)
		sshconnect_free(sc);
}

static void
sshconnect_end(struct sshconnect *sc, ssh_session session,
    enum sshconnect_result result)
{
	sshconnect_cb	*cb = sc->cb;
	void		*arg = sc->arg;

	sshconnect_free(sc);
	cb(session, result, arg);
}

static void
sshconnect_fail(struct sshconnect *sc)
{
	sshconnect_end(sc, NULL, SSHCONNECT_UNREACHED);
}

/* Gives the session to the callback and frees all the rest. */
static void
sshconnect_succeed(struct sshconnect *sc)
{
	ssh_session	 session = sc->session;

	log_verbose("Authenticated to %s using \"%s\".", sc->conf->hostname,
	    auth_method(sc->auth));
	sc->session = NULL;
	sshconnect_end(sc, session, SSHCONNECT_MADE);
}

/* The rest of the text after a prefix, or NULL when it begins otherwise. */
static const char *
sshconnect_after(const char *text, const char *prefix)
{
	size_t	len;

	len = strlen(prefix);
	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/*
 * The name that ssh(1) has for the kind of algorithm on which the two ends do
 * not agree, by libssh's error, and the keyword for that kind or NULL; NULL if
 * the error is a different one.
 */
static const char *
sshconnect_unmatched(const char *text, const char **keyword)
{
	static const struct {
		const char	*theirs;
		const char	*name;
		const char	*keyword;
	} kinds[] = {
		{ "kex algos", "key exchange method", "KexAlgorithms" },
		{ "server host key algo", "host key type",
		    "HostKeyAlgorithms" },
		{ "encryption ", "cipher", "Ciphers" },
		{ "mac algo ", "MAC", "MACs" },
		{ "compression algo ", "compression method", NULL },
	};
	size_t	i;

	text = sshconnect_after(text, "kex error : no match for method ");
	for (i = 0; text != NULL && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (sshconnect_after(text, kinds[i].theirs) != NULL) {
			*keyword = kinds[i].keyword;
			return kinds[i].name;
		}
	return NULL;
}

/* The two ends have no algorithm of some kind in common. */
static void
sshconnect_log_kex_error(struct sshconnect *sc, const char *text)
{
	const char	*kind, *offer, *keyword = NULL;

	kind = sshconnect_unmatched(text, &keyword);
	offer = strstr(text, ": server [");
	if (kind != NULL && offer != NULL) {
		offer += strlen(": server [");
		log_warnx("Unable to negotiate with %s port %d: no matching "
		    "%s found. Their offer: %.*s", sc->conf->hostname,
		    sc->conf->port, kind, (int)strcspn(offer, "]"), offer);
		if (keyword != NULL)
			log_info("If one of them is good enough, permit it "
			    "with -o %s=+NAME.", keyword);
	} else
		log_warnx("Unable to negotiate with %s port %d: %s",
		    sc->conf->hostname, sc->conf->port, text);
}

/* Did the connection just end, for no reason of libssh's? */
static int
sshconnect_is_closed(const char *text)
{
	const char	*why = sshconnect_after(text, "Socket error: ");

	if (why == NULL)
		why = text;
	return *why == '\0' || strcmp(why, "Success") == 0 ||
	    strcmp(why, "disconnected") == 0 ||
	    strcmp(why, strerror(ECONNRESET)) == 0 ||
	    strcmp(why, strerror(EPIPE)) == 0;
}

/*
 * Says why libssh lost the session, in the words of ssh(1) where it can.  What
 * that means for the attempt is returned.
 */
static enum sshconnect_result
sshconnect_log_lost(struct sshconnect *sc)
{
	const char	*host = sc->conf->hostname, *error, *rest;
	char		 text[1024];
	int		 port = sc->conf->port;

	error = ssh_get_error(sc->session);
	log_safe(error, strlen(error), text, sizeof(text));
	if ((rest = sshconnect_after(text, "Received SSH_MSG_DISCONNECT: ")) !=
	    NULL)
		log_add(sc->level, 0, "Received disconnect from %s port %d:%.*s: %s", host,
		    port, (int)strcspn(rest, ":"), rest,
		    rest[strcspn(rest, ":")] == '\0' ? "" :
		    rest + strcspn(rest, ":") + 1);
	else if (sshconnect_after(text, "kex error") != NULL)
		sshconnect_log_kex_error(sc, text);
	else if (sc->through != NULL && sshconnect_is_closed(text) &&
	    ssh_get_serverbanner(sc->session) == NULL)
		log_add(sc->level, 0, "%s port %d was not reached: %s ended without a "
		    "word from it", host, port, sc->through);
	else if (sshconnect_is_closed(text)) {
		log_add(sc->level, 0, "Connection closed by %s port %d", host, port);
		return SSHCONNECT_CLOSED;
	} else {
		rest = sshconnect_after(text, "Socket error: ");
		log_add(sc->level, 0, "Connection to %s port %d: %s%s", host,
		    port, rest != NULL ? rest : text, strstr(text,
		    "hostkey signature") != NULL &&
		    sc->conf->required_rsa_size > SSHCONNECT_RSA_MIN ?
		    " (is its RSA key shorter than RequiredRSASize?)" : "");
	}
	return SSHCONNECT_UNREACHED;
}

static void
sshconnect_set_nonblocking(struct sshconnect *sc)
{
	int	fd, flags;

	fd = ssh_get_fd(sc->session);
	if (fd != -1 && (flags = fcntl(fd, F_GETFL)) != -1 &&
	    (flags & O_NONBLOCK) == 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/*
 * sshd does not set TCP_NODELAY before a session has a terminal: it keeps its
 * second small message until the first is acknowledged.
 */
static void
sshconnect_acknowledge(struct sshconnect *sc)
{
#ifdef TCP_QUICKACK
	int	on = 1;

	/* What leads to a ProxyCommand is not of TCP, and needs none. */
	setsockopt(ssh_get_fd(sc->session), IPPROTO_TCP, TCP_QUICKACK, &on,
	    sizeof(on));
#endif
}

static void	 sshconnect_ready_cb(evutil_socket_t, short, void *);

/* Waits for what libssh waits for, or for the user's agent. */
static void
sshconnect_wait(struct sshconnect *sc)
{
	short	interest = EV_READ | EV_PERSIST;
	int	fd = sc->auth != NULL ? auth_late_fd(sc->auth) : -1;

	sshconnect_set_nonblocking(sc);
	sshconnect_acknowledge(sc);
	if (fd == -1) {
		fd = ssh_get_fd(sc->session);
		if (ssh_get_poll_flags(sc->session) & SSH_WRITE_PENDING)
			interest |= EV_WRITE;
	}
	if (interest == sc->interest && event_get_fd(sc->ready) == fd)
		return;
	if (sc->ready != NULL)
		event_free(sc->ready);
	sc->interest = interest;
	sc->ready = event_new(sc->base, fd, interest, sshconnect_ready_cb,
	    sc);
	if (sc->ready == NULL || eventloop_watch(sc->ready, NULL) == -1)
		fatalx("event_new");
}

static void
sshconnect_set_timer(struct sshconnect *sc, int seconds)
{
	struct timeval	tv = { seconds, 0 };

	eventloop_watch(sc->timer, &tv);
}

static void
sshconnect_auth_step(struct sshconnect *sc)
{
	switch (auth_step(sc->auth)) {
	case AUTH_AGAIN:
		sshconnect_set_timer(sc, SSHCONNECT_AUTH_TIMEOUT);
		sshconnect_wait(sc);
		return;
	case AUTH_OK:
		sshconnect_set_nonblocking(sc);
		sshconnect_succeed(sc);
		return;
	case AUTH_LOST:
		sshconnect_end(sc, NULL, sshconnect_log_lost(sc));
		return;
	case AUTH_DENIED:
		sshconnect_end(sc, NULL, SSHCONNECT_DENIED);
		return;
	}
}

static void
sshconnect_log_kex(struct sshconnect *sc)
{
	const char	*version;
	char		 text[256];

	version = ssh_get_serverbanner(sc->session);
	if (version != NULL)
		log_verbose("Remote protocol version: %s", log_safe(version,
		    strlen(version), text, sizeof(text)));
	log_verbose("kex: algorithm: %s", ssh_get_kex_algo(sc->session));
	log_verbose("kex: server->client cipher: %s, client->server cipher: "
	    "%s", ssh_get_cipher_in(sc->session),
	    ssh_get_cipher_out(sc->session));
}

/* Keys are exchanged.  Goes on only if it is the right server. */
static void
sshconnect_begin_auth(struct sshconnect *sc)
{
	enum hostkey_verdict	verdict;

	sshconnect_set_nonblocking(sc);
	sshconnect_log_kex(sc);
	verdict = hostkey_verify(sc->session, sc->conf);
	if (verdict == HOSTKEY_REFUSED) {
		sshconnect_end(sc, NULL, SSHCONNECT_OTHER_KEY);
		return;
	}
	sc->state = SSHCONNECT_AUTH;
	sc->auth = auth_new(sc->session, sc->conf, sc->remembered,
	    verdict == HOSTKEY_UNSAFE ? AUTH_NO_PASSWORDS : 0);
	sshconnect_auth_step(sc);
}

static void
sshconnect_kex_step(struct sshconnect *sc)
{
	int	rc;

	rc = ssh_connect(sc->session);
	if (rc == SSH_AGAIN && ssh_get_fd(sc->session) != -1)
		sshconnect_wait(sc);
	else if (rc == SSH_OK)
		sshconnect_begin_auth(sc);
	else
		sshconnect_end(sc, NULL, sshconnect_log_lost(sc));
}

static void
sshconnect_ready_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshconnect	*sc = arg;

	if (sc->state == SSHCONNECT_KEX)
		sshconnect_kex_step(sc);
	else
		sshconnect_auth_step(sc);
}

/*
 * Sets the options of a new session.  libssh is kept from reading any
 * configuration or known_hosts by itself.  The name of the host serves its
 * messages only, and it refuses some names that a resolver takes: then any
 * other name does.
 */
static int
sshconnect_set_options(struct sshconnect *sc)
{
	const struct cliconf	*conf = sc->conf;
	const bool		 process = false;
	uint64_t		 bytes = conf->rekey_limit.bytes;
	uint32_t		 seconds = MAX(conf->rekey_limit.seconds, 0);
	int			 rsa = MAX(conf->required_rsa_size,
				    SSHCONNECT_RSA_MIN);
	char			*types, errstr[512];
	int			 ret;

	if (sc->fd > SSHCONNECT_FD_MAX) {
		log_warnx("descriptor %d is too large", sc->fd);
		return -1;
	}
	if (ssh_options_set(sc->session, SSH_OPTIONS_HOST,
	    conf->hostname) != 0 &&
	    ssh_options_set(sc->session, SSH_OPTIONS_HOST, "server") != 0)
		goto fail;
	if (ssh_options_set(sc->session, SSH_OPTIONS_PROCESS_CONFIG,
	    &process) != 0 ||
	    ssh_options_set(sc->session, SSH_OPTIONS_USER, conf->user) != 0 ||
	    ssh_options_set(sc->session, SSH_OPTIONS_KNOWNHOSTS,
	    "/dev/null") != 0 ||
	    ssh_options_set(sc->session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS,
	    "/dev/null") != 0 ||
	    /* Or a few bytes of a hostile peer could unpack to millions. */
	    ssh_options_set(sc->session, SSH_OPTIONS_COMPRESSION,
	    "none") != 0 ||
	    ssh_options_set(sc->session, SSH_OPTIONS_RSA_MIN_SIZE,
	    &rsa) != 0 ||
	    ssh_options_set(sc->session, SSH_OPTIONS_REKEY_DATA,
	    &bytes) != 0 ||
	    ssh_options_set(sc->session, SSH_OPTIONS_REKEY_TIME,
	    &seconds) != 0 ||
	    ssh_options_set(sc->session, SSH_OPTIONS_FD, &sc->fd) != 0)
		goto fail;
	sshwire_watch(sc->fd);
	types = hostkey_known_types(conf);
	ret = algs_apply(sc->session, conf, types, errstr, sizeof(errstr));
	free(types);
	if (ret == -1)
		log_warnx("%s", errstr);
	return ret;
 fail:
	log_warnx("libssh: %s", ssh_get_error(sc->session));
	return -1;
}

/* What is left of ConnectTimeout, for the banner and the key exchange. */
static int
sshconnect_kex_timeout(const struct sshconnect *sc)
{
	int64_t	left;

	if (sc->conf->connect_timeout <= 0)
		return SSHCONNECT_KEX_TIMEOUT;
	left = sc->conf->connect_timeout -
	    (monotime_ns() - sc->started) / MONOTIME_SECOND;
	return left > 0 ? (int)left : 1;
}

/* Connected: begins the session, which owns the descriptor from then on. */
static void
sshconnect_begin_kex(struct sshconnect *sc, int fd)
{
	sc->fd = fd;
	sc->session = ssh_new();
	if (sc->session == NULL)
		fatalx("ssh_new");
	ssh_set_blocking(sc->session, 0);
	if (sshconnect_set_options(sc) == -1) {
		sshconnect_fail(sc);
		return;
	}
	log_verbose("Connection established.");
	sc->fd = -1;
	sc->state = SSHCONNECT_KEX;
	sshconnect_set_timer(sc, sshconnect_kex_timeout(sc));
	sshconnect_kex_step(sc);
}

/* What an errno says, or HOSTCONNECT_UNKNOWN. */
static enum sshconnect_result
sshconnect_unreached(int error)
{
	switch (error) {
	case HOSTCONNECT_UNKNOWN:
		return SSHCONNECT_UNKNOWN;
	case ECONNREFUSED:
		return SSHCONNECT_REFUSED;
	case ETIMEDOUT:
		return SSHCONNECT_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
		return SSHCONNECT_NO_ROUTE;
	default:
		return SSHCONNECT_UNREACHED;
	}
}

/*
 * The kernel gives the connection up when nothing was acknowledged for as long
 * as the server may stay without a sign of life.
 */
static void
sshconnect_limit_silence(struct sshconnect *sc, int fd)
{
#ifdef TCP_USER_TIMEOUT
	unsigned int	ms = (unsigned int)MIN(sc->conf->alive_interval *
	    (int64_t)sc->conf->alive_count * 1000, INT_MAX);

	if (ms > 0 && setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms,
	    sizeof(ms)) == -1)
		log_debug("TCP_USER_TIMEOUT: %s", strerror(errno));
#endif
}

static void
sshconnect_reach_cb(int fd, int error, void *arg)
{
	struct sshconnect	*sc = arg;
	int			 on = 1;

	sc->hostconnect = NULL;
	if (fd == -1) {
		sshconnect_end(sc, NULL, sshconnect_unreached(error));
		return;
	}
	if (sc->conf->tcp_keepalive &&
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == -1)
		log_debug("SO_KEEPALIVE: %s", strerror(errno));
	sshconnect_limit_silence(sc, fd);
	sshconnect_begin_kex(sc, fd);
}

/* ProxyUseFdpass: the command has sent the connection, or has ended. */
static void
sshconnect_passed_cb(evutil_socket_t sock, short what, void *arg)
{
	struct sshconnect	*sc = arg;
	int			 fd;

	fd = proxy_receive(sock);
	event_free(sc->ready);
	sc->ready = NULL;
	close(sc->fd);
	sc->fd = -1;
	sshconnect_reach_cb(fd, 0, sc);
}

/* Waits, at most ConnectTimeout, for the command to pass the connection. */
static void
sshconnect_await_descriptor(struct sshconnect *sc, int sock)
{
	sc->fd = sock;
	sc->ready = event_new(sc->base, sock, EV_READ, sshconnect_passed_cb,
	    sc);
	if (sc->ready == NULL || eventloop_watch(sc->ready, NULL) == -1)
		fatalx("event_new");
	sshconnect_set_timer(sc, sshconnect_kex_timeout(sc));
}

static void
sshconnect_begin(struct sshconnect *sc)
{
	char	*command, errstr[256];
	int	 fd, rc;

	sc->started = monotime_ns();
	sc->state = SSHCONNECT_REACH;
	rc = proxy_command(sc->conf, &command, errstr, sizeof(errstr));
	if (rc == 0) {
		sc->hostconnect = hostconnect_start(sc->base, sc->resolver,
		    sc->conf, sc->level, sshconnect_reach_cb, sc);
		return;
	}
	if (rc == -1) {
		log_warnx("%s", errstr);
		sshconnect_fail(sc);
		return;
	}
	sc->through = sc->conf->proxy_command != NULL ? "the ProxyCommand" :
	    "the way by ProxyJump";
	fd = proxy_open(command);
	free(command);
	if (fd == -1)
		sshconnect_fail(sc);
	else if (sc->conf->proxy_command != NULL && sc->conf->proxy_fdpass)
		sshconnect_await_descriptor(sc, fd);
	else
		sshconnect_begin_kex(sc, fd);
}

static void
sshconnect_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	struct sshconnect	*sc = arg;
	enum sshconnect_result	 result = SSHCONNECT_UNREACHED;
	const char		*during;

	if (sc->state == SSHCONNECT_START) {
		sshconnect_begin(sc);
		return;
	}
	if (sc->session == NULL)
		during = "the ProxyCommand";
	else if (sc->state == SSHCONNECT_AUTH)
		during = "authentication";
	else if (ssh_get_serverbanner(sc->session) == NULL) {
		during = "banner exchange";
		if (sc->through == NULL)
			result = SSHCONNECT_SILENT;
	} else
		during = "key exchange";
	log_add(sc->level, 0, "Connection to %s port %d timed out during %s",
	    sc->conf->hostname, sc->conf->port, during);
	sshconnect_end(sc, NULL, result);
}

/*
 * Begins to connect; what may pass by itself, as an unreachable host, is
 * logged at a level.  The callback comes from the loop, never from inside
 * this call; the configuration, and what is remembered, must live until then.
 * The owner of the session must close its descriptor too, which it takes by
 * ssh_get_fd() before it frees the session: ssh_disconnect() leaves it open.
 */
struct sshconnect *
sshconnect_start(struct event_base *base, struct resolver *resolver,
    const struct cliconf *conf, struct remembered *remembered,
    enum log_level level, sshconnect_cb *cb, void *arg)
{
	struct sshconnect	*sc;

	sc = xcalloc(1, sizeof(*sc));
	sc->base = base;
	sc->resolver = resolver;
	sc->conf = conf;
	sc->remembered = remembered;
	sc->level = level;
	sc->cb = cb;
	sc->arg = arg;
	sc->fd = -1;
	sc->state = SSHCONNECT_START;
	sc->timer = evtimer_new(base, sshconnect_timer_cb, sc);
	if (sc->timer == NULL)
		fatalx("evtimer_new");
	sshconnect_set_timer(sc, 0);
	return sc;
}

/* Is there a connection with the server, or a command that leads to it? */
int
sshconnect_is_reached(const struct sshconnect *sc)
{
	return sc->state >= SSHCONNECT_KEX || sc->through != NULL;
}

/*
 * Says in words what it does; nothing if that is a command's affair, which may
 * use the terminal itself.
 */
void
sshconnect_describe(const struct sshconnect *sc, char *buf, size_t size)
{
	const struct cliconf	*conf = sc->conf;

	*buf = '\0';
	if (sc->through != NULL)
		return;
	if (sc->hostconnect != NULL)
		hostconnect_describe(sc->hostconnect, buf, size);
	else if (sc->state == SSHCONNECT_KEX)
		snprintf(buf, size, "exchanging keys with %s port %d",
		    conf->hostname, conf->port);
	else if (sc->state == SSHCONNECT_AUTH)
		snprintf(buf, size, "authenticating to %s as %s by %s",
		    conf->hostname, conf->user, auth_method(sc->auth));
}
