/* SPDX-License-Identifier: ISC */
/*
 * Signatures.  What a user has signed is put together here (RFC 4252, section
 * 7), not taken from anybody; what a host signs, the caller must have checked.
 * Only SHA-2 is used, and each key only with its own algorithms.
 */
#include <sys/types.h>

#include <openssl/evp.h>
#include <string.h>

#include "pubkey.h"
#include "signature.h"
#include "sshbytes.h"

#define SIGNATURE_REQUEST	50	/* SSH_MSG_USERAUTH_REQUEST */
#define SIGNATURE_SHA256_LEN	32

/* SHA-2 of so many bits, or NULL. */
const EVP_MD *
signature_hash(unsigned int bits)
{
	switch (bits) {
	case 256:
		return EVP_sha256();
	case 384:
		return EVP_sha384();
	case 512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

/*
 * Signs data with a host's key, by RSA with a hash of so many bits.  *lenp is
 * the room in out and becomes the length.  Returns 0, or -1.
 */
int
signature_make(EVP_PKEY *pkey, unsigned int rsa_bits, struct sshstring data,
    u_char *out, size_t *lenp)
{
	const struct pubkey_type *t = pubkey_type_of(pkey);
	unsigned int bits;
	EVP_MD_CTX *ctx;
	int ok;

	if (t == NULL)
		return -1;
	bits = t->kind == PUBKEY_RSA ? rsa_bits : t->bits;
	if (t->kind == PUBKEY_RSA && bits != 256 && bits != 512)
		return -1;
	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return -1;
	ok = EVP_DigestSignInit(ctx, NULL, signature_hash(bits), NULL,
	    pkey) == 1 && EVP_DigestSign(ctx, out, lenp, data.data,
	    data.len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -1;
}

/* The bits of an algorithm's hash (0: it has its own), -1 if not the key's. */
static int
signature_get_bits(const struct pubkey_type *t, struct sshstring algorithm)
{
	if (t->kind != PUBKEY_RSA)
		return sshstring_is(algorithm, t->name) ? (int)t->bits : -1;
	if (sshstring_is(algorithm, "rsa-sha2-256"))
		return 256;
	if (sshstring_is(algorithm, "rsa-sha2-512"))
		return 512;
	return -1;
}

/* What the user signed. */
static void
signature_put_request(const struct signature_request *q, struct sshwrite *w)
{
	sshwrite_string(w, q->session_id.data, q->session_id.len);
	sshwrite_u8(w, SIGNATURE_REQUEST);
	sshwrite_text(w, q->user);
	sshwrite_text(w, "ssh-connection");
	sshwrite_text(w, "publickey");
	sshwrite_u8(w, 1);
	sshwrite_string(w, q->algorithm.data, q->algorithm.len);
	sshwrite_string(w, q->key.data, q->key.len);
}

static void
signature_put_hash(const void *data, size_t len, struct sshwrite *w)
{
	u_char hash[SIGNATURE_SHA256_LEN];

	if (EVP_Digest(data, len, hash, NULL, EVP_sha256(), NULL) != 1)
		w->bad = 1;
	else
		sshwrite_bytes(w, hash, sizeof(hash));
}

/* What an authenticator signed instead of those bytes. */
static void
signature_put_sk(const struct signature_request *q, const struct pubkey *key,
    const struct sshwrite *request, struct sshwrite *w)
{
	signature_put_hash(key->application.data, key->application.len, w);
	sshwrite_u8(w, (u_char)q->flags);
	sshwrite_u32(w, q->counter);
	signature_put_hash(request->data, request->len, w);
}

static int
signature_check(const struct pubkey *key, int bits, struct sshstring sig,
    const struct sshwrite *data)
{
	EVP_MD_CTX *ctx;
	int ok;

	if (data->bad || (ctx = EVP_MD_CTX_new()) == NULL)
		return 0;
	ok = EVP_DigestVerifyInit(ctx, NULL, signature_hash(bits), NULL,
	    key->pkey) == 1 && EVP_DigestVerify(ctx, sig.data, sig.len,
	    data->data, data->len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Did the key of the request sign it?  1 or 0. */
int
signature_verify(const struct signature_request *q)
{
	struct sshwrite request = { 0 }, sk = { 0 };
	struct pubkey key;
	int bits, ok = 0;

	if (q->session_id.len == 0 || q->flags > 0xff ||
	    pubkey_decode(&key, q->key) == -1)
		return 0;
	if ((bits = signature_get_bits(key.type, q->algorithm)) != -1) {
		signature_put_request(q, &request);
		if (key.type->is_sk && !request.bad)
			signature_put_sk(q, &key, &request, &sk);
		ok = !request.bad && signature_check(&key, bits, q->signature,
		    key.type->is_sk ? &sk : &request);
	}
	pubkey_clear(&key);
	sshwrite_clear(&request);
	sshwrite_clear(&sk);
	return ok;
}
