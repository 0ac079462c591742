/* SPDX-License-Identifier: ISC */
/*
 * Host key files, without a passphrase: OpenSSH's own format (its
 * PROTOCOL.key), and what libcrypto reads as PEM.
 */
#include <sys/types.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <string.h>

#include "keyfile.h"
#include "pubkey.h"
#include "sshbytes.h"

#define KEYFILE_OPENSSH	"OPENSSH PRIVATE KEY"
#define KEYFILE_MAGIC	"openssh-key-v1"	/* and its NUL */
#define KEYFILE_SEED_LEN	32

/* The numbers of an RSA key: those of the file in its order, then the rest. */
enum keyfile_rsa {
	RSA_N, RSA_E, RSA_D, RSA_IQMP, RSA_P, RSA_Q, RSA_FILE,
	RSA_DMP1 = RSA_FILE, RSA_DMQ1, RSA_ALL
};

static const char *const keyfile_rsa_params[] = {
	[RSA_N] = OSSL_PKEY_PARAM_RSA_N,
	[RSA_E] = OSSL_PKEY_PARAM_RSA_E,
	[RSA_D] = OSSL_PKEY_PARAM_RSA_D,
	[RSA_IQMP] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	[RSA_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
	[RSA_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
	[RSA_DMP1] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
	[RSA_DMQ1] = OSSL_PKEY_PARAM_RSA_EXPONENT2
};

/* d mod (prime - 1), which is computed as the file lacks it; or NULL. */
static BIGNUM *
keyfile_rsa_exponent(const BIGNUM *d, const BIGNUM *prime)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *less = BN_dup(prime), *exponent = BN_secure_new();

	if (ctx == NULL || less == NULL || exponent == NULL)
		goto fail;
	BN_set_flags(less, BN_FLG_CONSTTIME);
	if (BN_sub_word(less, 1) != 1 ||
	    BN_mod(exponent, d, less, ctx) != 1)
		goto fail;
	BN_clear_free(less);
	BN_CTX_free(ctx);
	return exponent;
 fail:
	BN_clear_free(less);
	BN_clear_free(exponent);
	BN_CTX_free(ctx);
	return NULL;
}

static EVP_PKEY *
keyfile_get_rsa(struct sshread *r)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn[RSA_ALL] = { NULL };
	EVP_PKEY *pkey = NULL;
	struct sshstring s;
	int i, ok = bld != NULL;

	for (i = 0; i < RSA_FILE && ok; i++) {
		s = sshread_mpint(r);
		ok = s.len > 0 && (bn[i] = BN_secure_new()) != NULL &&
		    BN_bin2bn(s.data, (int)s.len, bn[i]) != NULL;
	}
	if (ok) {
		bn[RSA_DMP1] = keyfile_rsa_exponent(bn[RSA_D], bn[RSA_P]);
		bn[RSA_DMQ1] = keyfile_rsa_exponent(bn[RSA_D], bn[RSA_Q]);
	}
	for (i = 0; i < RSA_ALL && ok; i++)
		ok = bn[i] != NULL && OSSL_PARAM_BLD_push_BN(bld,
		    keyfile_rsa_params[i], bn[i]) == 1;
	if (ok)
		pkey = pubkey_build("RSA", bld, EVP_PKEY_KEYPAIR);
	for (i = 0; i < RSA_ALL; i++)
		BN_clear_free(bn[i]);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
keyfile_get_ecdsa(const struct pubkey_type *t, struct sshread *r)
{
	struct sshstring curve = sshread_string(r), q = sshread_string(r);
	struct sshstring d = sshread_mpint(r);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *bn = BN_secure_new();
	EVP_PKEY *pkey = NULL;

	if (!r->bad && sshstring_is(curve, t->curve) && d.len > 0 &&
	    bld != NULL && bn != NULL &&
	    BN_bin2bn(d.data, (int)d.len, bn) != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    t->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    q.data, q.len) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn) == 1)
		pkey = pubkey_build("EC", bld, EVP_PKEY_KEYPAIR);
	BN_clear_free(bn);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
keyfile_get_ed25519(struct sshread *r)
{
	struct sshstring k;

	sshread_string(r);
	k = sshread_string(r);
	if (k.len != 2 * KEYFILE_SEED_LEN)
		return NULL;
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, k.data,
	    KEYFILE_SEED_LEN);
}

/* The private part, which has its public half and a check in it, too. */
static EVP_PKEY *
keyfile_get_private(struct sshstring text)
{
	const struct pubkey_type *t;
	struct sshread r;
	uint32_t check;

	sshread_init(&r, text.data, text.len);
	check = sshread_u32(&r);
	if (sshread_u32(&r) != check || r.bad ||
	    (t = pubkey_find_type(sshread_string(&r))) == NULL || t->is_sk)
		return NULL;
	switch (t->kind) {
	case PUBKEY_ED25519:
		return keyfile_get_ed25519(&r);
	case PUBKEY_ECDSA:
		return keyfile_get_ecdsa(t, &r);
	case PUBKEY_RSA:
		return keyfile_get_rsa(&r);
	}
	return NULL;
}

/* The key, if its public half is the one that the file says. */
static EVP_PKEY *
keyfile_check_public(EVP_PKEY *pkey, struct sshstring public)
{
	struct sshwrite w = { 0 };
	int same;

	if (pkey == NULL)
		return NULL;
	same = pubkey_encode(pkey, &w) == 0 && w.len == public.len &&
	    memcmp(w.data, public.data, w.len) == 0;
	sshwrite_clear(&w);
	if (same)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

/* What is between the lines of OpenSSH's format, decoded. */
static EVP_PKEY *
keyfile_get_openssh(const u_char *data, size_t len)
{
	struct sshstring cipher, kdf, options, public, private;
	struct sshread r;
	uint32_t n;

	if (len < sizeof(KEYFILE_MAGIC) ||
	    memcmp(data, KEYFILE_MAGIC, sizeof(KEYFILE_MAGIC)) != 0)
		return NULL;
	sshread_init(&r, data + sizeof(KEYFILE_MAGIC),
	    len - sizeof(KEYFILE_MAGIC));
	cipher = sshread_string(&r);
	kdf = sshread_string(&r);
	options = sshread_string(&r);
	n = sshread_u32(&r);
	public = sshread_string(&r);
	private = sshread_string(&r);
	if (sshread_end(&r) == -1 || n != 1 || options.len != 0 ||
	    !sshstring_is(cipher, "none") || !sshstring_is(kdf, "none"))
		return NULL;
	return keyfile_check_public(keyfile_get_private(private), public);
}

/* There is no passphrase, and nobody to ask. */
static int
keyfile_passphrase_cb(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

static EVP_PKEY *
keyfile_get_pem(const u_char *data, size_t len)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	EVP_PKEY *pkey;

	if (bio == NULL)
		return NULL;
	pkey = PEM_read_bio_PrivateKey(bio, NULL, keyfile_passphrase_cb, NULL);
	BIO_free(bio);
	if (pkey != NULL && pubkey_type_of(pkey) == NULL) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

/*
 * The key in the bytes of a file, for the caller to free; NULL if they are no
 * private key, have a passphrase, or are of a type that SSH does not have.
 */
EVP_PKEY *
keyfile_parse(const u_char *data, size_t len)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	char *name = NULL, *header = NULL;
	EVP_PKEY *pkey = NULL;
	u_char *raw = NULL;
	long rawlen = 0;

	if (bio == NULL)
		return NULL;
	if (PEM_read_bio(bio, &name, &header, &raw, &rawlen) == 1) {
		if (strcmp(name, KEYFILE_OPENSSH) == 0)
			pkey = keyfile_get_openssh(raw, rawlen);
		else
			pkey = keyfile_get_pem(data, len);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(raw, rawlen);
	BIO_free(bio);
	return pkey;
}
