/* SPDX-License-Identifier: ISC */
/*
 * An authenticator of FIDO keys that is no device: SecurityKeyProvider of
 * ssh(1) and ssh-keygen(1), for the tests alone.  The handle of a key is the
 * private key itself, so nothing is kept.
 *
 * It obeys the environment, to be worse than a device can be:
 *	SK_SIGNED	the flags that it signs, 1 if not set: 1 says that it
 *			was touched, 4 that it knows by whom
 *	SK_SAID		the flags that it says it signed
 *	SK_APPLICATION	signs for this application instead
 *	SK_REPLAY	file: what it signed first is its answer to all
 */
#include <sys/types.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SK_VERSION	0x000a0000
#define SK_ECDSA	0
#define SK_ED25519	1
#define SK_VERIFIED	4	/* flag */
#define SK_PIN		"1234"
#define SK_GENERAL	-1	/* errors */
#define SK_UNSUPPORTED	-2
#define SK_NEED_PIN	-3

#define POINT_MAX	65
#define SIGNATURE_MAX	128
#define ED25519_SIZE	64
#define SIGNED_SIZE	(SHA256_DIGEST_LENGTH * 2 + 5)

struct sk_option;
struct sk_resident_key;

struct sk_enrolled {
	uint8_t	 flags;
	uint8_t	*public_key;
	size_t	 public_key_len;
	uint8_t	*key_handle;
	size_t	 key_handle_len;
	uint8_t	*signature;
	size_t	 signature_len;
	uint8_t	*attestation_cert;
	size_t	 attestation_cert_len;
	uint8_t	*authdata;
	size_t	 authdata_len;
};

struct sk_signed {
	uint8_t	 flags;
	uint32_t counter;
	uint8_t	*r;
	size_t	 r_len;
	uint8_t	*s;
	size_t	 s_len;
};

uint32_t sk_api_version(void);
int	 sk_enroll(uint32_t, const uint8_t *, size_t, const char *, uint8_t,
	    const char *, struct sk_option **, struct sk_enrolled **);
int	 sk_sign(uint32_t, const uint8_t *, size_t, const char *,
	    const uint8_t *, size_t, uint8_t, const char *,
	    struct sk_option **, struct sk_signed **);
int	 sk_load_resident_keys(const char *, struct sk_option **,
	    struct sk_resident_key ***, size_t *);

uint32_t
sk_api_version(void)
{
	return (SK_VERSION);
}

static size_t
get_public(EVP_PKEY *key, uint32_t alg, uint8_t out[POINT_MAX])
{
	size_t	 len = POINT_MAX;

	if (alg == SK_ED25519)
		return (EVP_PKEY_get_raw_public_key(key, out, &len) ? len : 0);
	return (EVP_PKEY_get_octet_string_param(key, "pub", out, len, &len) ?
	    len : 0);
}

/* The caller frees it, its key with a size of 0 if one could not be made. */
static struct sk_enrolled *
enroll(EVP_PKEY *key, uint32_t alg)
{
	struct sk_enrolled	*e;
	int			 len;

	if ((e = calloc(1, sizeof(*e))) == NULL ||
	    (e->public_key = calloc(1, POINT_MAX)) == NULL ||
	    (e->signature = calloc(1, 1)) == NULL)
		abort();
	e->public_key_len = get_public(key, alg, e->public_key);
	if ((len = i2d_PrivateKey(key, &e->key_handle)) > 0)
		e->key_handle_len = (size_t)len;
	return (e);
}

int
sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
    const char *application, uint8_t flags, const char *pin,
    struct sk_option **options, struct sk_enrolled **enrolled)
{
	EVP_PKEY	*key;

	if (alg != SK_ECDSA && alg != SK_ED25519)
		return (SK_UNSUPPORTED);
	key = alg == SK_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") :
	    EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (key == NULL)
		return (SK_GENERAL);
	EVP_PKEY_set_utf8_string_param(key, "point-format", "uncompressed");
	*enrolled = enroll(key, alg);
	(*enrolled)->flags = flags;
	EVP_PKEY_free(key);
	return (0);
}

/* Flags that a variable of the environment holds. */
static uint8_t
env_flags(const char *name, uint8_t otherwise)
{
	const char	*value = getenv(name);

	return (value == NULL ? otherwise : (uint8_t)atoi(value));
}

/* Returns the length of the signature, 0 if there is none. */
static size_t
sign(EVP_PKEY *key, uint32_t alg, const uint8_t *data, size_t data_len,
    uint8_t signature[SIGNATURE_MAX])
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	size_t		 len = SIGNATURE_MAX;

	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL,
	    alg == SK_ED25519 ? NULL : EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, signature, &len, data, data_len) != 1)
		len = 0;
	EVP_MD_CTX_free(ctx);
	return (len);
}

static void
set_bignum(uint8_t **p, size_t *len, const BIGNUM *bn)
{
	if ((*p = malloc((size_t)BN_num_bytes(bn))) == NULL)
		abort();
	*len = (size_t)BN_bn2bin(bn, *p);
}

/* In two numbers if it is one of ECDSA, as the answer has it. */
static int
set_signature(struct sk_signed *answer, uint32_t alg, const uint8_t *sig,
    size_t len)
{
	ECDSA_SIG	*pair;

	if (alg == SK_ED25519) {
		if (len != ED25519_SIZE || (answer->r = malloc(len)) == NULL)
			return (-1);
		memcpy(answer->r, sig, len);
		answer->r_len = len;
		return (0);
	}
	if ((pair = d2i_ECDSA_SIG(NULL, &sig, (long)len)) == NULL)
		return (-1);
	set_bignum(&answer->r, &answer->r_len, ECDSA_SIG_get0_r(pair));
	set_bignum(&answer->s, &answer->s_len, ECDSA_SIG_get0_s(pair));
	ECDSA_SIG_free(pair);
	return (0);
}

/* The signature of the file, if there is one; else it is put there. */
static void
replay(const char *path, uint8_t sig[SIGNATURE_MAX], size_t *len)
{
	FILE	*f;

	if ((f = fopen(path, "rb")) != NULL)
		*len = fread(sig, 1, SIGNATURE_MAX, f);
	else if ((f = fopen(path, "wb")) != NULL)
		fwrite(sig, 1, *len, f);
	if (f == NULL || fclose(f) != 0)
		abort();
}

int
sk_sign(uint32_t alg, const uint8_t *data, size_t data_len,
    const char *application, const uint8_t *handle, size_t handle_len,
    uint8_t flags, const char *pin, struct sk_option **options,
    struct sk_signed **answer)
{
	/* Hash of the application, flags, counter of 0, hash of the data. */
	uint8_t		 text[SIGNED_SIZE] = { 0 }, sig[SIGNATURE_MAX];
	uint8_t		*after = text + SHA256_DIGEST_LENGTH;
	const char	*instead = getenv("SK_APPLICATION");
	EVP_PKEY	*key;
	size_t		 len;

	if ((flags & SK_VERIFIED) && (pin == NULL || strcmp(pin, SK_PIN) != 0))
		return (SK_NEED_PIN);
	if (instead != NULL)
		application = instead;
	SHA256((const uint8_t *)application, strlen(application), text);
	after[0] = env_flags("SK_SIGNED", 1 | flags);
	SHA256(data, data_len, after + 5);
	if ((key = d2i_AutoPrivateKey(NULL, &handle, (long)handle_len)) == NULL)
		return (SK_GENERAL);
	len = sign(key, alg, text, sizeof(text), sig);
	EVP_PKEY_free(key);
	if (getenv("SK_REPLAY") != NULL)
		replay(getenv("SK_REPLAY"), sig, &len);
	if ((*answer = calloc(1, sizeof(**answer))) == NULL)
		return (SK_GENERAL);
	(*answer)->flags = env_flags("SK_SAID", after[0]);
	return (set_signature(*answer, alg, sig, len) == 0 ? 0 : SK_GENERAL);
}

int
sk_load_resident_keys(const char *pin, struct sk_option **options,
    struct sk_resident_key ***keys, size_t *nkeys)
{
	return (SK_UNSUPPORTED);
}
