/* SPDX-License-Identifier: ISC */
/*
 * The sockstund-signer process: it gets the host keys in a descriptor that the
 * monitor does not read, tells their public halves, and checks what the
 * clients of sockstund-net have signed.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "confined.h"
#include "hostkeys.h"
#include "log.h"
#include "msg.h"
#include "privsep.h"
#include "signing.h"
#include "signproc.h"
#include "xmalloc.h"

#define SIGNPROC_TIMEOUT	10000	/* ms for an answer */

/*
 * Starts sockstund-signer with the packed keys and a pair to sockstund-net
 * (-1: none, for a test); the caller still has both.  Returns 0, or -1 after
 * the reason was logged.
 */
int
signproc_start(struct confined *sp, const struct servconf *conf, int keys,
    int net)
{
	const int fds[] = { keys, net };

	return confined_start(sp, "sockstund-signer", conf, fds, 2);
}

/* Waits for a message of that type.  Returns 0, or -1 with a line of log. */
static int
signproc_receive(struct confined *sp, struct msg *m, uint32_t type)
{
	struct pollfd pfd = { sp->fd, POLLIN, 0 };
	int n;

	while ((n = poll(&pfd, 1, SIGNPROC_TIMEOUT)) == -1 && errno == EINTR)
		;
	if (n <= 0 || msg_recv(sp->fd, m) != 1) {
		log_warnx("sockstund-signer does not answer");
		return -1;
	}
	if (m->type == type)
		return 0;
	log_warnx("sockstund-signer sent message %u", m->type);
	msg_clear(m);
	return -1;
}

/* One key of SG_READY: kept if usable, else logged and taken out of files. */
static void
signproc_take_key(struct msg *m, struct hostkeys *public,
    struct hostkeys *files, size_t *at)
{
	struct hostkey *key;
	const u_char *blob;
	char why[128];
	size_t len;

	blob = msg_get_blob(m, &len);
	msg_get_string(m, why, sizeof(why));
	if (m->bad || public->n == HOSTKEYS_MAX)
		return;
	if (len > 0) {
		key = &public->key[public->n++];
		key->data = xmalloc(len);
		memcpy(key->data, blob, len);
		key->len = len;
		(*at)++;
	} else if (files == NULL)
		log_info("host key %zu: %s", *at, why);
	else if (*at < files->n) {
		log_warnx("Unable to load host key: %s: %s",
		    files->key[*at].path, why);
		hostkeys_remove(files, *at);
	}
}

/*
 * Waits until the keys are loaded, and takes their public halves, which the
 * caller clears.  One that cannot be used is logged, and taken out of files,
 * if these are given.  Returns 0, or -1 after the reason was logged.
 */
int
signproc_await_ready(struct confined *sp, struct hostkeys *public,
    struct hostkeys *files)
{
	struct msg m;
	uint32_t i, n;
	size_t at = 0;
	int ret;

	memset(public, 0, sizeof(*public));
	if (signproc_receive(sp, &m, SG_READY) == -1)
		return -1;
	n = msg_get_u32(&m);
	for (i = 0; i < n && !m.bad; i++)
		signproc_take_key(&m, public, files, &at);
	if ((ret = msg_end(&m)) == -1)
		log_warnx("malformed SG_READY from sockstund-signer");
	msg_clear(&m);
	return ret;
}

/*
 * Did the client of this session sign this user's request with this key?
 * Returns 1 or 0, or -1 when the signer is of no use any more.
 */
int
signproc_verify(struct confined *sp, const char *user, const u_char *key,
    size_t len, const struct privsep_proof *proof)
{
	struct msg m;
	uint32_t yes;
	int r;

	msg_init(&m, SG_VERIFY, 0);
	msg_put_string(&m, user);
	msg_put_string(&m, proof->algorithm);
	msg_put_blob(&m, key, len);
	msg_put_blob(&m, proof->signature, proof->len);
	msg_put_u32(&m, proof->flags);
	msg_put_u32(&m, proof->counter);
	if ((r = msg_send_wait(sp->fd, &m)) == -1)
		log_warn("sockstund-signer");
	msg_clear(&m);
	if (r == -1 || signproc_receive(sp, &m, SG_VERIFIED) == -1)
		return -1;
	yes = msg_get_u32(&m);
	r = msg_end(&m);
	msg_clear(&m);
	return r == -1 ? -1 : yes == 1;
}

/*
 * Ends it, and logs, with that peer's name, if it ended because it was asked
 * for what it does not do.  Returns -1 if it was never executed.
 */
int
signproc_stop(struct confined *sp, const char *peer)
{
	int ret = confined_stop(sp, peer);

	if (WIFEXITED(sp->status) &&
	    WEXITSTATUS(sp->status) == SIGNING_EXIT_REFUSED)
		log_warnx("%s: sockstund-signer refused what it was asked for",
		    peer);
	return ret;
}
