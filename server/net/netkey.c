/* SPDX-License-Identifier: ISC */
/*
 * libssh serves with a private key only.  Here one is put together from its
 * public half, in OpenSSH's format (its PROTOCOL.key), with numbers of no
 * meaning where the secret would be.
 */
#include <sys/types.h>

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>

#include "netkey.h"
#include "sshbytes.h"

#define NETKEY_BEGIN	"-----BEGIN OPENSSH PRIVATE KEY-----\n"
#define NETKEY_END	"\n-----END OPENSSH PRIVATE KEY-----\n"
#define NETKEY_MAGIC	"openssh-key-v1"	/* and its NUL */
#define NETKEY_BLOCK	8
#define NETKEY_SEED_LEN	32

static void
netkey_put_ed25519(struct sshread *r, struct sshwrite *w)
{
	u_char pair[2 * NETKEY_SEED_LEN] = { 0 };
	struct sshstring k = sshread_string(r);

	if (k.len != NETKEY_SEED_LEN) {
		r->bad = 1;
		return;
	}
	memcpy(pair + NETKEY_SEED_LEN, k.data, k.len);
	sshwrite_string(w, k.data, k.len);
	sshwrite_string(w, pair, sizeof(pair));
}

static void
netkey_put_rsa(struct sshread *r, struct sshwrite *w)
{
	struct sshstring e = sshread_string(r), n = sshread_string(r);
	int i;

	sshwrite_string(w, n.data, n.len);
	sshwrite_string(w, e.data, e.len);
	/* d, iqmp, p, q */
	for (i = 0; i < 4; i++)
		sshwrite_mpint(w, "\3", 1);
}

static void
netkey_put_ecdsa(struct sshread *r, struct sshwrite *w)
{
	struct sshstring curve = sshread_string(r), q = sshread_string(r);

	sshwrite_string(w, curve.data, curve.len);
	sshwrite_string(w, q.data, q.len);
	sshwrite_mpint(w, "\1", 1);
}

/* The private part: as if it were not encrypted. */
static int
netkey_put_private(struct sshstring public, struct sshwrite *w)
{
	struct sshstring type;
	struct sshread r;
	u_char pad;

	sshread_init(&r, public.data, public.len);
	type = sshread_string(&r);
	sshwrite_u32(w, 0);
	sshwrite_u32(w, 0);
	sshwrite_string(w, type.data, type.len);
	if (sshstring_is(type, "ssh-ed25519"))
		netkey_put_ed25519(&r, w);
	else if (sshstring_is(type, "ssh-rsa"))
		netkey_put_rsa(&r, w);
	else
		netkey_put_ecdsa(&r, w);
	sshwrite_text(w, "");
	for (pad = 1; !w->bad && w->len % NETKEY_BLOCK != 0; pad++)
		sshwrite_u8(w, pad);
	return sshread_end(&r) == -1 || w->bad ? -1 : 0;
}

static int
netkey_put(struct sshstring public, struct sshwrite *w)
{
	struct sshwrite private = { 0 };
	int ret = netkey_put_private(public, &private);

	sshwrite_bytes(w, NETKEY_MAGIC, sizeof(NETKEY_MAGIC));
	sshwrite_text(w, "none");
	sshwrite_text(w, "none");
	sshwrite_text(w, "");
	sshwrite_u32(w, 1);
	sshwrite_string(w, public.data, public.len);
	sshwrite_string(w, private.data, private.len);
	sshwrite_clear(&private);
	return ret == -1 || w->bad ? -1 : 0;
}

/*
 * A key, to be freed or given to libssh, that has this public half (RFC 4253,
 * section 6.6), or NULL.  What is signed with it is worth nothing.
 */
ssh_key
netkey_new(const u_char *blob, size_t len)
{
	struct sshwrite w = { 0 }, text = { 0 };
	struct sshstring public = { blob, len };
	ssh_key key = NULL;
	u_char *base64;
	int n;

	if (netkey_put(public, &w) == 0 &&
	    (base64 = malloc(w.len / 3 * 4 + 8)) != NULL) {
		n = EVP_EncodeBlock(base64, w.data, (int)w.len);
		sshwrite_bytes(&text, NETKEY_BEGIN, strlen(NETKEY_BEGIN));
		sshwrite_bytes(&text, base64, n);
		sshwrite_bytes(&text, NETKEY_END, sizeof(NETKEY_END));
		free(base64);
		if (!text.bad && ssh_pki_import_privkey_base64((char *)
		    text.data, NULL, NULL, NULL, &key) != SSH_OK)
			key = NULL;
	}
	sshwrite_clear(&w);
	sshwrite_clear(&text);
	return key;
}
