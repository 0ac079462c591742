/* SPDX-License-Identifier: ISC */
/*
 * The bytes whose hash a server signs in a key exchange (RFC 4253, section 8;
 * RFC 4419 for groups that the client asks for): who speaks, what both
 * offered, the host key, and the values exchanged.  sockstund-net chooses
 * them all, so an exchange is taken only if it names sockstund as the server:
 * then its signature is of no use to stand in for an sshd with the same key.
 */
#include <sys/types.h>

#include <string.h>

#include "exchange.h"
#include "sshbytes.h"
#include "version.h"

#define EXCHANGE_VERSION_MAX	255
#define EXCHANGE_KEXINIT	20	/* number of the message */
#define EXCHANGE_KEXINIT_MIN	62	/* cookie, ten empty lists, the rest */

/* An identification, without the end of its line, that begins so? */
static int
exchange_is_version(struct sshstring s, const char *prefix)
{
	size_t i, len = strlen(prefix);

	if (s.len <= len || s.len > EXCHANGE_VERSION_MAX ||
	    memcmp(s.data, prefix, len) != 0)
		return 0;
	for (i = 0; i < s.len; i++) {
		if (s.data[i] < ' ' || s.data[i] == 0x7f)
			return 0;
	}
	return 1;
}

static int
exchange_is_kexinit(struct sshstring s)
{
	return s.len >= EXCHANGE_KEXINIT_MIN && s.data[0] == EXCHANGE_KEXINIT;
}

/* Are these so many numbers, so many strings, none empty, and no more? */
static int
exchange_has(struct sshread r, int numbers, int strings)
{
	while (numbers-- > 0)
		sshread_u32(&r);
	while (strings-- > 0) {
		if (sshread_string(&r).len == 0)
			return 0;
	}
	return sshread_end(&r) == 0;
}

/*
 * Takes the bytes apart; the strings stay inside them.  Returns 0, or -1 for
 * what is not an exchange with this program.
 */
int
exchange_decode(struct exchange *x, const u_char *data, size_t len)
{
	struct sshstring client, server;
	struct sshread r;

	sshread_init(&r, data, len);
	x->client_version = sshread_string(&r);
	x->server_version = sshread_string(&r);
	client = sshread_string(&r);
	server = sshread_string(&r);
	x->host_key = sshread_string(&r);
	if (r.bad || !exchange_is_version(x->server_version,
	    SOCKSTUN_BANNER_PREFIX) ||
	    (!exchange_is_version(x->client_version, "SSH-2.0-") &&
	    !exchange_is_version(x->client_version, "SSH-1.99-")) ||
	    !exchange_is_kexinit(client) || !exchange_is_kexinit(server))
		return -1;
	/* The client's value, ours, and the secret; before it the group. */
	if (!exchange_has(r, 0, 3) && !exchange_has(r, 3, 5))
		return -1;
	return 0;
}
