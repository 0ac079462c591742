/* SPDX-License-Identifier: ISC */
/*
 * The monitor of one connection, which runs as root until a user has logged in
 * (or as the user who started sockstund).  It starts sockstund-signer
 * (signproc) and sockstund-net (netproc) without any right, gives net the
 * connection, and answers its questions; then it becomes the user who logged in
 * and executes the dialer in its own place.  It never reads a byte from the
 * network, and believes nothing that sockstund-net says: the signer tells it
 * whether a client has signed.
 *
 * Whether a user may log in is decided here: accounts, userkeys, authkeys.
 * Another method of authentication would have messages of its own in privsep.h,
 * asked by netauth and answered in the table below.
 *
 *	PS_SETUP sent -> SETUP --PS_READY--> AUTH --PS_KEY_PROVED--> dialer
 */
#include <sys/types.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sha2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "authdelay.h"
#include "authkeys.h"
#include "confined.h"
#include "congestion.h"
#include "context.h"
#include "hostkeys.h"
#include "log.h"
#include "logfrom.h"
#include "logging.h"
#include "monitor.h"
#include "monotime.h"
#include "msg.h"
#include "netproc.h"
#include "privsep.h"
#include "rexec.h"
#include "servconf.h"
#include "signproc.h"
#include "userkeys.h"
#include "xmalloc.h"

#define MONITOR_EXIT		255
#define MONITOR_QUERIES_MAX	64	/* keys asked for, good or not */
#define MONITOR_MESSAGES_MAX	10000	/* of any kind, log included */
#define MONITOR_ALARM_EXTRA	10	/* seconds, should a lookup hang */
#define MONITOR_PATH		"/usr/local/bin:/usr/bin:/bin"

/* Flags of a FIDO key's signature (WebAuthn, section 6.1). */
#define MONITOR_SK_TOUCHED	0x01	/* somebody was there */
#define MONITOR_SK_VERIFIED	0x04	/* and is who it should be */

/* Only the sanitizers write to the standard error of a dialer. */
#ifdef __SANITIZE_ADDRESS__
#define MONITOR_KEEP_STDERR	1
#else
#define MONITOR_KEEP_STDERR	0
#endif

/* States, in which a message is permitted or not. */
#define MONITOR_SETUP		0x01	/* PS_READY has not come yet */
#define MONITOR_AUTH		0x02	/* no user has logged in yet */

struct monitor {
	const struct servconf	*conf;
	const struct rexec	*self;
	struct confined		 net;
	struct confined		 signer;
	struct peer		 peer;
	struct logfrom		 log;		/* of net's lines */
	int			 state;		/* MONITOR_SETUP or _AUTH */
	uint32_t		 seen;		/* types that came */
	u_int			 nqueries;
	u_int			 nmessages;
	struct authdelay	 delay;
	int64_t			 since;		/* its message came */
	int			 asked;		/* user and permitted are set */
	int			 permitted;	/* account is the user's */
	char			 user[PRIVSEP_USER_MAX + 1];
	struct account		 account;
	struct userkeys		 keys;		/* of the account */
	u_int			 ngood;
	u_char	 good[MONITOR_QUERIES_MAX][SHA256_DIGEST_LENGTH];
};

/* What sockstund-net says of a client: this user, this key. */
struct monitor_claim {
	struct privsep_key	 key;
	u_char			*blob;	/* NULL: no key of that type */
	size_t			 len;
	u_char			 digest[SHA256_DIGEST_LENGTH];
};

typedef int answer_fn(struct monitor *, struct msg *);

static answer_fn answer_ready, answer_key_query, answer_key_proved, answer_log;

/* What sockstund-net may say to a monitor. */
static const struct {
	struct privsep_rule	 rule;
	answer_fn		*answer;	/* 0, or -1: end it all */
} monitor_table[] = {
	{ { PS_READY, MONITOR_SETUP | PRIVSEP_ONCE },	answer_ready },
	{ { PS_KEY_QUERY, MONITOR_AUTH },		answer_key_query },
	{ { PS_KEY_PROVED, MONITOR_AUTH },		answer_key_proved },
	{ { PS_LOG, MONITOR_SETUP | MONITOR_AUTH },	answer_log }
};

/* Answers yes at once, or no when it is this user's time for it (authdelay). */
static int
monitor_send_answer(struct monitor *mon, uint32_t type, uint32_t id, int yes)
{
	struct msg m;
	int ret;

	if (!yes)
		authdelay_wait(&mon->delay, mon->user, mon->since);
	msg_init(&m, type, id);
	msg_put_u32(&m, yes);
	if ((ret = msg_send_wait(mon->net.fd, &m)) == -1)
		log_verbose("%s: sockstund-net takes no answer: %s",
		    mon->peer.text, strerror(errno));
	msg_clear(&m);
	return ret;
}

static int
monitor_malformed(struct monitor *mon, const char *name)
{
	log_warnx("%s: malformed %s from sockstund-net", mon->peer.text, name);
	return -1;
}

/* The claim as a digest, so that many can be remembered. */
static void
monitor_digest(struct monitor_claim *claim)
{
	const struct privsep_key *key = &claim->key;
	const char *part[] = { key->user, key->type, key->base64 };
	SHA2_CTX ctx;
	size_t i;

	SHA256Init(&ctx);
	for (i = 0; i < 3; i++)
		SHA256Update(&ctx, (const u_char *)part[i],
		    strlen(part[i]) + 1);
	SHA256Final(claim->digest, &ctx);
}

/* Fills in the rest of a claim whose key was read from a message. */
static void
monitor_read_claim(struct monitor_claim *claim)
{
	monitor_digest(claim);
	if (authkeys_decode_blob(claim->key.type, claim->key.base64,
	    &claim->blob, &claim->len) == -1)
		claim->blob = NULL;
}

/* Looks user and keys up, unless that was the user asked for before. */
static void
monitor_get_account(struct monitor *mon, const char *user)
{
	if (!mon->asked || strcmp(mon->user, user) != 0) {
		account_clear(&mon->account);
		userkeys_clear(&mon->keys);
		mon->permitted = account_get(&mon->account,
		    mon->conf, user, &mon->peer);
		userkeys_load(&mon->keys, mon->conf, &mon->account);
		strlcpy(mon->user, user, sizeof(mon->user));
		mon->asked = 1;
	}
}

/* May this user log in with this key?  1 and the line's options, or 0. */
static int
monitor_check_claim(struct monitor *mon, const struct monitor_claim *claim,
    struct authkey *key)
{
	char where[USERKEYS_WHERE_MAX];

	if (!mon->conf->pubkey_auth || claim->blob == NULL)
		return 0;
	monitor_get_account(mon, claim->key.user);
	if (!userkeys_find(&mon->keys, &mon->account, &mon->peer, claim->blob,
	    claim->len, key, where, sizeof(where)))
		return 0;
	if (!mon->permitted) {
		authkeys_clear(key);
		return 0;
	}
	log_verbose("%s: key found at %s", mon->peer.text, where);
	return 1;
}

static int
answer_ready(struct monitor *mon, struct msg *m)
{
	if (msg_end(m) == -1)
		return monitor_malformed(mon, "PS_READY");
	mon->state = MONITOR_AUTH;
	return 0;
}

static int
answer_key_query(struct monitor *mon, struct msg *m)
{
	struct monitor_claim claim;
	struct authkey key;
	int yes;

	if (privsep_get_key(m, &claim.key) == -1)
		return monitor_malformed(mon, "PS_KEY_QUERY");
	monitor_read_claim(&claim);
	if (++mon->nqueries > MONITOR_QUERIES_MAX) {
		log_info("%s: too many keys", mon->peer.text);
		free(claim.blob);
		return -1;
	}
	if ((yes = monitor_check_claim(mon, &claim, &key)) == 1) {
		memcpy(mon->good[mon->ngood++], claim.digest,
		    sizeof(claim.digest));
		authkeys_clear(&key);
	}
	free(claim.blob);
	return monitor_send_answer(mon, PS_KEY_ANSWER, m->id, yes);
}

static int
monitor_was_good(const struct monitor *mon, const struct monitor_claim *claim)
{
	u_int i;

	for (i = 0; i < mon->ngood; i++) {
		if (memcmp(mon->good[i], claim->digest,
		    sizeof(claim->digest)) == 0)
			return 1;
	}
	return 0;
}

/* A descriptor on what the dialer must know, or -1 with errno. */
static int
monitor_make_context(const struct monitor *mon, const struct authkey *key)
{
	char none[] = "none", *words[] = { none }, *text;
	struct context ctx = {
		.user = mon->account.name,
		.peer = mon->peer.text,
		.permit_open = key->permit_open
	};
	size_t len;
	int fd;

	if (key->no_forwarding)
		ctx.permit_open = (struct conf_list){ words, 1 };
	text = context_pack(&ctx, &len);
	fd = rexec_make_memfd("sockstund context", text, len);
	free(text);
	return fd;
}

/*
 * A descriptor for the dialer's lines of log, whose other end the logger gets.
 * If there is no logger they are lost.
 */
static int
monitor_open_log(const struct monitor *mon)
{
	char who[LOGFROM_WHO_MAX];
	struct msg m;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, pair) == -1)
		fatal("socketpair");
	snprintf(who, sizeof(who), "%s from %s", mon->account.name,
	    mon->peer.text);
	msg_init(&m, LG_OPEN, 0);
	m.fd = pair[1];
	msg_put_string(&m, who);
	msg_put_u32(&m, (uint32_t)getpid());
	msg_put_u32(&m, (uint32_t)mon->net.pid);
	if (msg_send_wait(REXEC_MONITOR_LOGGER, &m) == -1)
		log_warn("%s: the logger cannot be reached", mon->peer.text);
	msg_clear(&m);
	return pair[0];
}

/*
 * Becomes the user, or for root a uid without rights, and executes the dialer,
 * which answers PS_KEY_PROVED.  The dialer keeps four descriptors: the pair,
 * the configuration, the context and one to the logger.  All others are closed,
 * also standard error, and the startup pipe, by which the listener learns that
 * somebody logged in.  The system reaps sockstund-net.
 */
static void
monitor_become_dialer(struct monitor *mon, const struct authkey *key)
{
	const struct account *a = &mon->account;
	char path[] = "PATH=" MONITOR_PATH;
	char *env[] = { NULL, NULL, NULL, path, NULL };
	int fds[] = { mon->net.fd, REXEC_MONITOR_CONF, -1, -1 };
	int r;

	if ((fds[2] = monitor_make_context(mon, key)) == -1)
		fatal("memfd");
	fds[3] = monitor_open_log(mon);
	xasprintf(&env[0], "HOME=%s", a->home);
	xasprintf(&env[1], "USER=%s", a->name);
	xasprintf(&env[2], "LOGNAME=%s", a->name);
	r = a->uid == 0 ? confined_become(mon->conf) : account_become(a);
	if (r == -1)
		exit(MONITOR_EXIT);
	if (chdir(a->home) == -1 && chdir("/") == -1)
		fatal("/");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		fatal("no_new_privs");
	alarm(0);
	signal(SIGCHLD, SIG_IGN);
	rexec_place_fds(fds, 4);
	if (!MONITOR_KEEP_STDERR)
		fcntl(STDERR_FILENO, F_SETFD, FD_CLOEXEC);
	rexec_run(mon->self, "dialer", env);
	fatal("%s", mon->self->path);
}

/*
 * Did the client sign with that key as its line of authorized_keys wants?  A
 * signature that is good says what the authenticator of a FIDO key saw.
 */
static int
monitor_check_proof(struct monitor *mon, const struct monitor_claim *claim,
    const struct privsep_proof *proof, const struct authkey *key)
{
	const char *missing = NULL;
	int r;

	r = signproc_verify(&mon->signer, claim->key.user, claim->blob,
	    claim->len, proof);
	if (r == 0)
		log_info("wrong signature from %s", mon->peer.text);
	if (r != 1)
		return r;
	if (!authkeys_is_sk(claim->key.type))
		return 1;
	if (!key->no_touch && !(proof->flags & MONITOR_SK_TOUCHED))
		missing = "touch";
	else if (key->verify && !(proof->flags & MONITOR_SK_VERIFIED))
		missing = "PIN or fingerprint";
	if (missing != NULL)
		log_info("%s: key of %s was used without a %s",
		    mon->peer.text, mon->account.name, missing);
	return missing == NULL;
}

/* A key that was found good: is it still, and did the client use it? */
static int
monitor_try_login(struct monitor *mon, const struct monitor_claim *claim,
    const struct privsep_proof *proof)
{
	char print[AUTHKEYS_PRINT_MAX];
	struct authkey key;
	int r;

	if (!monitor_check_claim(mon, claim, &key))
		return 0;
	if ((r = monitor_check_proof(mon, claim, proof, &key)) == 1) {
		log_info("Accepted publickey for %s from %s ssh2: %s %s",
		    mon->account.name, mon->peer.text,
		    authkeys_type_name(claim->key.type),
		    authkeys_format_print(claim->blob, claim->len, print,
		    sizeof(print)));
		monitor_become_dialer(mon, &key);
	}
	authkeys_clear(&key);
	return r;
}

static int
answer_key_proved(struct monitor *mon, struct msg *m)
{
	struct monitor_claim claim;
	struct privsep_proof proof;
	int r;

	if (privsep_get_proof(m, &claim.key, &proof) == -1)
		return monitor_malformed(mon, "PS_KEY_PROVED");
	monitor_read_claim(&claim);
	if (!monitor_was_good(mon, &claim)) {
		log_warnx("%s: sockstund-net claims a key that was not found "
		    "good", mon->peer.text);
		free(claim.blob);
		return -1;
	}
	r = monitor_try_login(mon, &claim, &proof);
	free(claim.blob);
	if (r == -1)
		return -1;
	return monitor_send_answer(mon, PS_AUTH_ANSWER, m->id, 0);
}

static int
answer_log(struct monitor *mon, struct msg *m)
{
	struct privsep_line line;

	if (privsep_get_log(m, &line) == -1)
		return monitor_malformed(mon, "PS_LOG");
	logfrom_line(&mon->log, "net", mon->net.pid, &line);
	return 0;
}

/* One message: is it permitted now?  Then its answer decides. */
static int
monitor_dispatch(struct monitor *mon, struct msg *m)
{
	size_t i, n = sizeof(monitor_table) / sizeof(monitor_table[0]);

	for (i = 0; i < n && !privsep_admit(&monitor_table[i].rule,
	    mon->state, &mon->seen, m); i++)
		;
	if (i == n) {
		log_warnx("%s: message %u of sockstund-net is not permitted "
		    "now", mon->peer.text, m->type);
		return -1;
	}
	if (++mon->nmessages > MONITOR_MESSAGES_MAX) {
		log_warnx("%s: too many messages from sockstund-net",
		    mon->peer.text);
		return -1;
	}
	mon->since = monotime_ns();
	return monitor_table[i].answer(mon, m);
}

/* Waits for a message until the deadline, of monotime_ns() (0: for ever). */
static int
monitor_wait(struct monitor *mon, int64_t deadline)
{
	struct pollfd pfd = { mon->net.fd, POLLIN, 0 };
	int64_t left = -1;
	int n;

	for (;;) {
		if (deadline != 0)
			left = MAX(deadline - monotime_ns(), 0) / 1000000;
		n = poll(&pfd, 1, (int)MIN(left, INT_MAX));
		if (n > 0)
			return 0;
		if (n == 0) {
			log_info("Timeout before authentication for %s",
			    mon->peer.text);
			return -1;
		}
		if (errno != EINTR) {
			log_warn("poll");
			return -1;
		}
	}
}

/* Serves sockstund-net until it is gone, or does what it may not. */
static void
monitor_loop(struct monitor *mon)
{
	int64_t deadline = 0;
	struct msg m;
	int n = 1;

	if (mon->conf->login_grace > 0) {
		deadline = monotime_ns() +
		    mon->conf->login_grace * MONOTIME_SECOND;
		alarm(mon->conf->login_grace + MONITOR_ALARM_EXTRA);
	}
	while (n == 1 && monitor_wait(mon, deadline) == 0) {
		if ((n = msg_recv(mon->net.fd, &m)) == 1) {
			if (monitor_dispatch(mon, &m) == -1)
				n = -1;
			msg_clear(&m);
		} else if (n == -1 && errno == EAGAIN)
			n = 1;
		else if (n == -1)
			log_warn("%s: sockstund-net", mon->peer.text);
		else
			log_verbose("%s: sockstund-net ended",
			    mon->peer.text);
	}
}

/* Who is at the other end; "UNKNOWN" for what has no address. */
static void
monitor_get_peer(struct peer *peer, int conn)
{
	char host[ADDR_STRLEN];

	if (addr_of_peer(&peer->addr, conn) == -1) {
		strlcpy(peer->text, "UNKNOWN", sizeof(peer->text));
		return;
	}
	addr_unmap(&peer->addr);
	addr_format_host(&peer->addr, host, sizeof(host));
	snprintf(peer->text, sizeof(peer->text), "%s port %u", host,
	    peer->addr.port);
}

/* The secret is made from the host keys, which nobody else knows. */
static void
monitor_init_delay(struct monitor *mon, int keys)
{
	u_char *data;
	size_t len;

	if ((data = rexec_read_memfd(keys, &len)) == NULL)
		fatal("inherited keys");
	authdelay_init(&mon->delay, data, len);
	freezero(data, len);
}

/*
 * Starts the processes of a connection; what they were given is closed here.
 * Returns how many were started, 2 unless the log says why not.
 */
static int
monitor_start(struct monitor *mon)
{
	int pair[2], n = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		fatal("socketpair");
	if (signproc_start(&mon->signer, mon->conf, REXEC_MONITOR_KEYS,
	    pair[0]) == 0 && ++n && netproc_start(&mon->net, mon->conf,
	    REXEC_MONITOR_CONN, pair[1]) == 0)
		n++;
	close(pair[0]);
	close(pair[1]);
	monitor_init_delay(mon, REXEC_MONITOR_KEYS);
	close(REXEC_MONITOR_KEYS);
	close(REXEC_MONITOR_CONN);
	return n;
}

/* Tells sockstund-net what to do, with the public halves of the keys. */
static int
monitor_setup(struct monitor *mon)
{
	struct hostkeys public;
	int ret;

	if (signproc_await_ready(&mon->signer, &public, NULL) == -1)
		return -1;
	ret = netproc_setup(&mon->net, mon->conf, &public, mon->peer.text, 0);
	if (ret == -1)
		log_warn("%s: sockstund-net", mon->peer.text);
	hostkeys_clear(&public);
	return ret;
}

/*
 * Serves the connection REXEC_MONITOR_CONN with REXEC_MONITOR_KEYS, by programs
 * that are put there.  Returns the status to exit with; if a user logs in it
 * does not return.
 */
int
monitor_main(const struct servconf *conf, const struct rexec *self,
    const struct nowhere *nowhere)
{
	const struct rlimit none = { 0, 0 };
	char congestion[CONGESTION_NAME_SIZE];
	struct monitor *mon;
	int n;

	mon = xcalloc(1, sizeof(*mon));
	mon->conf = conf;
	mon->self = self;
	mon->net.nowhere = mon->signer.nowhere = nowhere;
	mon->state = MONITOR_SETUP;
	monitor_get_peer(&mon->peer, REXEC_MONITOR_CONN);
	logfrom_init(&mon->log, mon->peer.text);
	congestion_get(REXEC_MONITOR_CONN, congestion);
	log_verbose("Connection from %s%s%s", mon->peer.text,
	    *congestion != '\0' ? ", congestion control " : "", congestion);
	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	n = monitor_start(mon);
	if (n == 2 && monitor_setup(mon) == 0)
		monitor_loop(mon);
	if (n == 2)
		confined_stop(&mon->net, mon->peer.text);
	if (n >= 1)
		signproc_stop(&mon->signer, mon->peer.text);
	logfrom_end(&mon->log);
	account_clear(&mon->account);
	userkeys_clear(&mon->keys);
	free(mon);
	return MONITOR_EXIT;
}
