/* SPDX-License-Identifier: ISC */
/*
 * sockstund-signer: the host keys and the check of users' signatures, for one
 * connection.  sockstund-net asks it to sign, the monitor to check; it believes
 * neither more than it must.  What net sends is hashed here, so that nothing
 * but key exchanges of this host is signed, with this host's keys.  The hash of
 * the first exchange is the session's name: only a signature over a request of
 * that session is found good.
 *
 *	KEX --SG_SIGN--> AUTH --SG_VERIFY, and the monitor ends--> REKEY
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "enclose.h"
#include "exchange.h"
#include "filter.h"
#include "keyfile.h"
#include "monotime.h"
#include "msg.h"
#include "pubkey.h"
#include "signature.h"
#include "signing.h"
#include "sshbytes.h"
#include "stdfds.h"

#define SIGNER_KEYS_MAX		16
#define SIGNER_FILES_MAX	65536	/* bytes of all key files */
#define SIGNER_USER_MAX		255
#define SIGNER_CHECKS_MAX	64	/* requests of one client */
#define SIGNER_HASH_MAX		64

/* So many rekeys at once, then one each SIGNER_REKEY_NS: the rest wait. */
#define SIGNER_REKEYS		20
#define SIGNER_REKEY_NS		(MONOTIME_SECOND / 20)

/* When a message is permitted. */
#define SIGNER_KEX		0x01	/* nothing was signed yet */
#define SIGNER_AUTH		0x02	/* the session has a name */
#define SIGNER_REKEY		0x04	/* a user was checked and let in */

struct signer_key {
	EVP_PKEY	*pkey;		/* NULL: cannot be used */
	struct sshwrite	 public;
};

struct signer {
	struct signer_key	 key[SIGNER_KEYS_MAX];
	size_t			 nkeys;
	int			 monitor;	/* descriptor, -1: it ended */
	int			 net;
	int			 state;
	u_char			 session_id[SIGNER_HASH_MAX];
	size_t			 session_id_len;
	u_char			 versions[SIGNER_HASH_MAX];
	u_int			 nchecks;
	int			 proved;	/* a check succeeded */
	int64_t			 rekey_ns;	/* when the next is due */
};

typedef int signer_fn(struct signer *, struct msg *, struct msg *);

static signer_fn signer_sign, signer_verify;

static const struct signer_request {
	enum signing_type	 type;
	int			 from_net;	/* else from the monitor */
	int			 when;
	signer_fn		*answer;	/* 0, or -1: end it all */
} signer_requests[] = {
	{ SG_SIGN,	1,	SIGNER_KEX | SIGNER_REKEY,	signer_sign },
	{ SG_VERIFY,	0,	SIGNER_AUTH,			signer_verify }
};

/* The key with this public half, or NULL. */
static EVP_PKEY *
signer_find_key(const struct signer *sg, struct sshstring public)
{
	const struct signer_key *k;

	for (k = sg->key; k < sg->key + sg->nkeys; k++) {
		if (k->pkey != NULL && k->public.len == public.len &&
		    memcmp(k->public.data, public.data, public.len) == 0)
			return k->pkey;
	}
	return NULL;
}

/* A session that rekeys faster than it may is slowed down. */
static void
signer_pace(struct signer *sg)
{
	int64_t now = monotime_ns(), wait;
	struct timespec ts;

	if (sg->rekey_ns < now - SIGNER_REKEYS * SIGNER_REKEY_NS)
		sg->rekey_ns = now - SIGNER_REKEYS * SIGNER_REKEY_NS;
	sg->rekey_ns += SIGNER_REKEY_NS;
	if ((wait = sg->rekey_ns - now) <= 0)
		return;
	ts.tv_sec = wait / MONOTIME_SECOND;
	ts.tv_nsec = wait % MONOTIME_SECOND;
	nanosleep(&ts, NULL);
}

/* Both ends' identifications are the same in every exchange of a session. */
static int
signer_check_versions(struct signer *sg, const struct exchange *x)
{
	struct sshwrite w = { 0 };
	u_char hash[SIGNER_HASH_MAX] = { 0 };
	int ok;

	sshwrite_string(&w, x->client_version.data, x->client_version.len);
	sshwrite_string(&w, x->server_version.data, x->server_version.len);
	ok = !w.bad && EVP_Digest(w.data, w.len, hash, NULL, EVP_sha256(),
	    NULL) == 1;
	sshwrite_clear(&w);
	if (!ok)
		return -1;
	if (sg->state == SIGNER_KEX)
		memcpy(sg->versions, hash, sizeof(hash));
	return memcmp(sg->versions, hash, sizeof(hash)) == 0 ? 0 : -1;
}

static int
signer_sign(struct signer *sg, struct msg *m, struct msg *answer)
{
	u_char hash[SIGNER_HASH_MAX], sig[SIGNING_SIGNATURE_MAX];
	u_int bits = msg_get_u32(m), rsa_bits = msg_get_u32(m), hashlen;
	size_t len, siglen = sizeof(sig);
	const u_char *data = msg_get_blob(m, &len);
	const EVP_MD *md = signature_hash(bits);
	struct exchange x;
	EVP_PKEY *pkey;

	if (msg_end(m) == -1 || md == NULL ||
	    exchange_decode(&x, data, len) == -1 ||
	    (pkey = signer_find_key(sg, x.host_key)) == NULL ||
	    signer_check_versions(sg, &x) == -1)
		return -1;
	if (sg->state == SIGNER_REKEY)
		signer_pace(sg);
	if (EVP_Digest(data, len, hash, &hashlen, md, NULL) != 1 ||
	    signature_make(pkey, rsa_bits, (struct sshstring){ hash, hashlen },
	    sig, &siglen) == -1)
		return -1;
	if (sg->state == SIGNER_KEX) {
		memcpy(sg->session_id, hash, hashlen);
		sg->session_id_len = hashlen;
		sg->state = SIGNER_AUTH;
	}
	msg_init(answer, SG_SIGNED, m->id);
	msg_put_blob(answer, sig, siglen);
	return 0;
}

static struct sshstring
signer_get_string(struct msg *m)
{
	struct sshstring s;

	s.data = msg_get_blob(m, &s.len);
	return s;
}

static int
signer_verify(struct signer *sg, struct msg *m, struct msg *answer)
{
	struct signature_request q = {
		.session_id = { sg->session_id, sg->session_id_len }
	};
	char user[SIGNER_USER_MAX + 1];
	int ok;

	q.user = msg_get_string(m, user, sizeof(user));
	q.algorithm = signer_get_string(m);
	q.key = signer_get_string(m);
	q.signature = signer_get_string(m);
	q.flags = msg_get_u32(m);
	q.counter = msg_get_u32(m);
	if (msg_end(m) == -1 || ++sg->nchecks > SIGNER_CHECKS_MAX)
		return -1;
	ok = signature_verify(&q);
	sg->proved |= ok;
	msg_init(answer, SG_VERIFIED, m->id);
	msg_put_u32(answer, ok);
	return 0;
}

/* One message: is it permitted now?  Then it is answered. */
static int
signer_dispatch(struct signer *sg, struct msg *m, int from_net)
{
	const struct signer_request *r;
	size_t i, n = sizeof(signer_requests) / sizeof(signer_requests[0]);
	struct msg answer;
	int ret;

	for (i = 0; i < n; i++) {
		r = &signer_requests[i];
		if (r->type == m->type && r->from_net == from_net &&
		    (r->when & sg->state))
			break;
	}
	if (i == n || m->fd != -1)
		return -1;
	msg_init(&answer, 0, 0);
	ret = r->answer(sg, m, &answer);
	if (ret == 0)
		ret = msg_send_wait(from_net ? sg->net : sg->monitor, &answer);
	msg_clear(&answer);
	return ret;
}

/* The monitor ended: it is the user's dialer now, or nobody logged in. */
static void
signer_lose_monitor(struct signer *sg)
{
	close(sg->monitor);
	sg->monitor = -1;
	sg->state = sg->proved ? SIGNER_REKEY : 0;
}

static int
signer_read(struct signer *sg, int fd)
{
	struct msg m;
	int r;

	if ((r = msg_recv(fd, &m)) == 1) {
		r = signer_dispatch(sg, &m, fd == sg->net);
		msg_clear(&m);
		return r;
	}
	if (fd == sg->monitor)
		signer_lose_monitor(sg);
	else
		sg->state = 0;
	return r;
}

/* Serves both until they are gone, or ask for what they may not have. */
static int
signer_loop(struct signer *sg)
{
	struct pollfd pfd[2];
	int r = 0;

	sg->state = SIGNER_KEX;
	while (r == 0 && sg->state != 0) {
		pfd[0] = (struct pollfd){ sg->monitor, POLLIN, 0 };
		pfd[1] = (struct pollfd){ sg->net, POLLIN, 0 };
		if (poll(pfd, 2, -1) == -1) {
			if (errno != EINTR)
				return 1;
		} else if (pfd[0].revents != 0)
			r = signer_read(sg, sg->monitor);
		else if (pfd[1].revents != 0)
			r = signer_read(sg, sg->net);
	}
	return r == 0 ? 0 : SIGNING_EXIT_REFUSED;
}

/* Tells the monitor which keys there are, and which cannot be used. */
static int
signer_send_ready(const struct signer *sg)
{
	struct msg m;
	size_t i;
	int ret;

	msg_init(&m, SG_READY, 0);
	msg_put_u32(&m, sg->nkeys);
	for (i = 0; i < sg->nkeys; i++) {
		msg_put_blob(&m, sg->key[i].public.data,
		    sg->key[i].public.len);
		msg_put_string(&m, sg->key[i].pkey != NULL ? "" :
		    "not a private key, protected by a passphrase, or of an "
		    "unsupported type");
	}
	ret = msg_send_wait(sg->monitor, &m);
	msg_clear(&m);
	return ret;
}

static void
signer_add_key(struct signer *sg, struct sshstring file)
{
	struct signer_key *k = &sg->key[sg->nkeys++];

	k->pkey = keyfile_parse(file.data, file.len);
	if (k->pkey != NULL && pubkey_encode(k->pkey, &k->public) == 0)
		return;
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
	sshwrite_clear(&k->public);
}

/* Loads what the listener packed; pread(2), as the offset is shared. */
static int
signer_load_keys(struct signer *sg, int fd)
{
	u_char *data = malloc(SIGNER_FILES_MAX);
	struct sshread r;
	ssize_t n;

	if (data == NULL ||
	    (n = pread(fd, data, SIGNER_FILES_MAX, 0)) == -1) {
		free(data);
		return -1;
	}
	sshread_init(&r, data, n);
	while (!r.bad && r.left > 0 && sg->nkeys < SIGNER_KEYS_MAX)
		signer_add_key(sg, sshread_string(&r));
	freezero(data, SIGNER_FILES_MAX);
	close(fd);
	return sshread_end(&r);
}

int
main(int argc, char **argv)
{
	static struct signer sg;
	int root;

	if (stdfds_open() == -1)
		return 1;
	root = enclose_inherited(SIGNING_FD_ROOT);
	filter_hide();
	signal(SIGPIPE, SIG_IGN);
	sg.monitor = SIGNING_FD_MONITOR;
	/* In a test of the keys there is none. */
	sg.net = enclose_inherited(SIGNING_FD_NET);
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    signer_load_keys(&sg, SIGNING_FD_KEYS) == -1 ||
	    confine_enter(root) == -1 || signer_send_ready(&sg) == -1)
		return 1;
	return signer_loop(&sg);
}
