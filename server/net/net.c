/* SPDX-License-Identifier: ISC */
/*
 * sockstund-net: the process that speaks SSH to one client and carries the
 * bytes of its flows.  The monitor started it without any right and without a
 * key (monitor/netproc.c), and it closes its sandbox before it reads the first
 * byte of the network.  From then on it can use the descriptors that it has or
 * is sent, and nothing else; what it needs done it asks for (priv), and nobody
 * believes what it says of its client.
 *
 *	netkey    host keys without a private half
 *	netsign   signatures that libssh wants made or checked
 *	netauth   the user logs in
 *	netopen   which channels the client may open
 *	netflow   what becomes of them
 */
#include <sys/types.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "enclose.h"
#include "fdlimit.h"
#include "filter.h"
#include "log.h"
#include "msg.h"
#include "netauth.h"
#include "netflow.h"
#include "netkey.h"
#include "netopen.h"
#include "netsign.h"
#include "priv.h"
#include "privsep.h"
#include "sandbox.h"
#include "sshloop.h"
#include "sshwire.h"
#include "stdfds.h"
#include "version.h"
#include "watchdog.h"
#include "xmalloc.h"

/* Seconds.  The monitor enforces LoginGraceTime; libssh must not end first. */
#define NET_PATIENCE	(24 * 60 * 60L)
/* Milliseconds to send the reason to a client that must go. */
#define NET_FLUSH_MS	1000

struct net {
	struct priv		 priv;
	struct event_base	*base;
	struct sshloop		*loop;
	struct netflows		 flows;
	struct privsep_setup	 setup;
	ssh_bind		 bind;
};

static void
net_import_key(struct net *n, uint32_t i)
{
	ssh_key key;

	key = netkey_new(n->setup.key[i].data, n->setup.key[i].len);
	if (key == NULL)
		fatalx("host key %u is of a type that libssh does not know",
		    i);
	if (netsign_open(PRIVSEP_FD_SIGNER, key) == -1)
		fatalx("libssh would sign and check by itself");
	if (ssh_bind_options_set(n->bind, SSH_BIND_OPTIONS_IMPORT_KEY,
	    key) != 0)
		fatalx("host key %u: %s", i, ssh_get_error(n->bind));
}

static void
net_take_setup(struct net *n)
{
	struct msg m;
	uint32_t i;

	priv_recv_setup(&n->priv, &m);
	if (privsep_get_setup(&m, &n->setup) == -1)
		fatalx("monitor sent a malformed setup");
	log_set_level((enum log_level)n->setup.log_level);
	for (i = 0; i < n->setup.nkeys; i++)
		net_import_key(n, i);
	msg_clear(&m);
}

static void
net_set_bind(struct net *n, enum ssh_bind_options_e option, const void *value,
    const char *what)
{
	if (ssh_bind_options_set(n->bind, option, value) != 0)
		fatalx("%s: %s", what, ssh_get_error(n->bind));
}

/* Sets a list, less what the library lacks; it fails if nothing is left. */
static void
net_set_list(struct net *n, enum ssh_bind_options_e option, const char *list,
    const char *what)
{
	if (ssh_bind_options_set(n->bind, option, list) != 0)
		fatalx("%s %s: this version of the SSH library has none of "
		    "them", what, list);
}

static void
net_configure(struct net *n)
{
	static const struct {
		enum ssh_bind_options_e	 option[2];
		const char		*name;
	} lists[] = {
		{ { SSH_BIND_OPTIONS_CIPHERS_C_S,
		    SSH_BIND_OPTIONS_CIPHERS_S_C }, "Ciphers" },
		{ { SSH_BIND_OPTIONS_HMAC_C_S,
		    SSH_BIND_OPTIONS_HMAC_S_C }, "MACs" },
		{ { SSH_BIND_OPTIONS_KEY_EXCHANGE,
		    SSH_BIND_OPTIONS_KEY_EXCHANGE }, "KexAlgorithms" },
	};
	const char *value[] = {
		n->setup.ciphers, n->setup.macs, n->setup.kex
	};
	size_t i;

	net_set_bind(n, SSH_BIND_OPTIONS_BANNER, SOCKSTUN_BANNER, "banner");
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		net_set_list(n, lists[i].option[0], value[i], lists[i].name);
		net_set_list(n, lists[i].option[1], value[i], lists[i].name);
	}
}

static void
net_log_cb(int level, const char *function, const char *text, void *arg)
{
	log_debug2("libssh: %s", text);
}

/* The client's connection as a session with its keys exchanged, or NULL. */
static ssh_session
net_handshake(struct net *n)
{
	ssh_session session;
	long patience = NET_PATIENCE;

	if ((session = ssh_new()) == NULL)
		fatalx("out of memory");
	ssh_options_set(session, SSH_OPTIONS_TIMEOUT, &patience);
	/* A few compressed bytes could become millions. */
	ssh_options_set(session, SSH_OPTIONS_COMPRESSION, "none");
	sshwire_watch(PRIVSEP_FD_CONN);
	if (ssh_bind_accept_fd(n->bind, session, PRIVSEP_FD_CONN) != SSH_OK)
		fatalx("%s", ssh_get_error(n->bind));
	/*
	 * Otherwise libssh writes only after it has read, and would tell
	 * nothing to a client that closes its side at once or does not speak
	 * SSH.
	 */
	ssh_set_fd_towrite(session);
	ssh_set_auth_methods(session, n->setup.pubkey_auth ?
	    SSH_AUTH_METHOD_PUBLICKEY : 0);
	if (ssh_handle_key_exchange(session) == SSH_OK)
		return session;
	log_info("Connection closed by %s before the end of the key "
	    "exchange: %s", n->setup.peer, ssh_get_error(session));
	ssh_free(session);
	return NULL;
}

static void
net_lost_cb(const char *why, void *arg)
{
	struct net *n = arg;

	log_info("Connection from %s ended: %s", n->setup.peer, why);
	event_base_loopbreak(n->base);
}

static int
net_message_cb(ssh_message msg, void *arg)
{
	struct net *n = arg;

	return netopen_message(msg, &n->flows);
}

static const struct sshloop_ops net_loop_ops = {
	.message = net_message_cb,
	.lost = net_lost_cb,
};

/* The authenticated client's channels, until one side ends. */
static void
net_serve(struct net *n, ssh_session session, const char *user)
{
	const struct sshloop_options options = {
		.server = 1,
		.window_budget = (size_t)n->setup.window_budget << 20,
		.alive_interval = (int)n->setup.alive_interval,
		.alive_max = (int)n->setup.alive_count,
		.queue_delay = (int)n->setup.queue_delay,
	};
	char safe[PRIVSEP_USER_MAX + 1], *who;

	xasprintf(&who, "%s from %s", log_safe(user, strlen(user), safe,
	    sizeof(safe)), n->setup.peer);
	if (sandbox_net_grow() == -1)
		fatal("RLIMIT_DATA");
	if (priv_start(&n->priv, n->base, &netflows_priv_ops,
	    &n->flows) == -1)
		fatal("events");
	if (netflows_init(&n->flows, n->base, &n->priv, n->setup.max_flows,
	    (int)n->setup.dial_timeout, who) == -1)
		fatalx("out of memory");
	n->loop = sshloop_new(n->base, session, &options, &net_loop_ops, n);
	if (n->loop == NULL)
		fatalx("out of memory");
	n->flows.loop = n->loop;
	if (watchdog_start(n->base, PRIVSEP_WATCHDOG, priv_stuck,
	    &n->priv) == -1)
		fatalx("out of memory");
	sshconn_start(&n->loop->conn);
	event_base_dispatch(n->base);
	watchdog_stop();
	sshloop_free(n->loop);
	netflows_clear(&n->flows);
	free(who);
}

/* Sends the client the reason why it must go; libssh only queues it. */
static void
net_dismiss(ssh_session session)
{
	ssh_blocking_flush(session, NET_FLUSH_MS);
	ssh_set_fd_towrite(session);
	ssh_disconnect(session);
	ssh_free(session);
}

static void
net_run(struct net *n)
{
	struct netauth auth = {
		.priv = &n->priv,
		.peer = n->setup.peer,
		.max_tries = n->setup.max_auth_tries,
		.pubkey = (int)n->setup.pubkey_auth,
	};
	ssh_session session;

	if ((session = net_handshake(n)) == NULL)
		return;
	if (netauth_run(&auth, session) == 0)
		net_serve(n, session, auth.user);
	else
		net_dismiss(session);
	free(auth.user);
	free(auth.good_key);
}

/* For good; what holds without the filter need not be there. */
static void
net_confine(int root)
{
	int missing;

	if (sandbox_net_enter(root, &missing) == -1)
		fatal("sandbox");
	if (missing & ENCLOSE_NO_ROOT)
		log_debug("sandbox without an empty root");
	if (missing & ENCLOSE_NO_LANDLOCK)
		log_debug("sandbox without landlock");
}

int
main(int argc, char **argv)
{
	int no = 0, root;
	struct net n;

	if (stdfds_open() == -1)
		return 1;
	root = enclose_inherited(PRIVSEP_FD_ROOT);
	filter_hide();
	memset(&n, 0, sizeof(n));
	setproctitle("[net]");
	signal(SIGPIPE, SIG_IGN);
	fdlimit_raise();
	priv_init(&n.priv, PRIVSEP_FD_PEER);
	log_init("sockstund-net", LOG_LEVEL_INFO, 1);
	log_set_sink(priv_log, &n.priv);
	if ((n.bind = ssh_bind_new()) == NULL ||
	    (n.base = event_base_new()) == NULL)
		fatalx("out of memory");
	ssh_set_log_callback(net_log_cb);
	net_set_bind(&n, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no, "options");
	net_take_setup(&n);
	net_configure(&n);
	net_confine(root);
	priv_send_ready(&n.priv);
	if (!n.setup.test)
		net_run(&n);
	priv_clear(&n.priv);
	ssh_bind_free(n.bind);
	event_base_free(n.base);
	privsep_clear_setup(&n.setup);
	return 0;
}
