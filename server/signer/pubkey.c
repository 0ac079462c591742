/* SPDX-License-Identifier: ISC */
/*
 * Public keys between SSH's form (RFC 4253, 5656, 8709; FIDO: OpenSSH's
 * PROTOCOL.u2f) and libcrypto's.
 */
#include <sys/types.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "pubkey.h"
#include "sshbytes.h"

#define PUBKEY_ED25519_LEN	32
#define PUBKEY_RSA_MIN		1024	/* bits, as sshd(8) */
#define PUBKEY_RSA_MAX		16384
#define PUBKEY_NUMBER_MAX	(PUBKEY_RSA_MAX / 8)
#define PUBKEY_POINT_MAX	133	/* bytes of a point of nistp521 */

static const struct pubkey_type pubkey_types[] = {
	{ "ssh-ed25519", PUBKEY_ED25519, NULL, NULL, 0, 0 },
	{ "ecdsa-sha2-nistp256", PUBKEY_ECDSA, "nistp256", "P-256", 256, 0 },
	{ "ecdsa-sha2-nistp384", PUBKEY_ECDSA, "nistp384", "P-384", 384, 0 },
	{ "ecdsa-sha2-nistp521", PUBKEY_ECDSA, "nistp521", "P-521", 512, 0 },
	{ "ssh-rsa", PUBKEY_RSA, NULL, NULL, 0, 0 },
	{ "sk-ssh-ed25519@openssh.com", PUBKEY_ED25519, NULL, NULL, 0, 1 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", PUBKEY_ECDSA, "nistp256",
	    "P-256", 256, 1 }
};

#define NTYPES	(sizeof(pubkey_types) / sizeof(pubkey_types[0]))

/* The type of that name, or NULL. */
const struct pubkey_type *
pubkey_find_type(struct sshstring name)
{
	size_t i;

	for (i = 0; i < NTYPES; i++) {
		if (sshstring_is(name, pubkey_types[i].name))
			return &pubkey_types[i];
	}
	return NULL;
}

/* The type of a host's key, or NULL for one that SSH does not know. */
const struct pubkey_type *
pubkey_type_of(const EVP_PKEY *pkey)
{
	static const char *const aliases[][2] = {
		{ "prime256v1", "P-256" },
		{ "secp384r1", "P-384" },
		{ "secp521r1", "P-521" }
	};
	const struct pubkey_type *t;
	char group[32] = "";
	size_t i;

	EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL);
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcmp(group, aliases[i][0]) == 0)
			strlcpy(group, aliases[i][1], sizeof(group));
	}
	for (t = pubkey_types; t < pubkey_types + NTYPES; t++) {
		if (t->is_sk)
			continue;
		switch (t->kind) {
		case PUBKEY_ED25519:
			if (EVP_PKEY_is_a(pkey, "ED25519"))
				return t;
			break;
		case PUBKEY_ECDSA:
			if (EVP_PKEY_is_a(pkey, "EC") &&
			    strcmp(group, t->group) == 0)
				return t;
			break;
		case PUBKEY_RSA:
			if (EVP_PKEY_is_a(pkey, "RSA") &&
			    EVP_PKEY_get_bits(pkey) >= PUBKEY_RSA_MIN &&
			    EVP_PKEY_get_bits(pkey) <= PUBKEY_RSA_MAX)
				return t;
			break;
		}
	}
	return NULL;
}

/*
 * A key of libcrypto's from parameters, EVP_PKEY_PUBLIC_KEY or _KEYPAIR of
 * them, or NULL.
 */
EVP_PKEY *
pubkey_build(const char *kind, OSSL_PARAM_BLD *bld, int selection)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
	EVP_PKEY *pkey = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, selection, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *
pubkey_get_rsa(struct sshread *r)
{
	struct sshstring e = sshread_mpint(r), n = sshread_mpint(r);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *be, *bn;
	EVP_PKEY *pkey = NULL;

	if (r->bad || n.len > PUBKEY_RSA_MAX / 8 || e.len > n.len) {
		OSSL_PARAM_BLD_free(bld);
		return NULL;
	}
	be = BN_bin2bn(e.data, (int)e.len, NULL);
	bn = BN_bin2bn(n.data, (int)n.len, NULL);
	if (bld != NULL && be != NULL && bn != NULL &&
	    BN_num_bits(bn) >= PUBKEY_RSA_MIN &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) == 1)
		pkey = pubkey_build("RSA", bld, EVP_PKEY_PUBLIC_KEY);
	BN_free(be);
	BN_free(bn);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
pubkey_get_ecdsa(const struct pubkey_type *t, struct sshread *r)
{
	struct sshstring curve = sshread_string(r), q = sshread_string(r);
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *pkey = NULL;

	/* 4: a point with both its coordinates. */
	if (!sshstring_is(curve, t->curve) || q.len == 0 ||
	    q.len > PUBKEY_POINT_MAX || q.data[0] != 4 ||
	    (bld = OSSL_PARAM_BLD_new()) == NULL)
		return NULL;
	if (OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    t->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    q.data, q.len) == 1)
		pkey = pubkey_build("EC", bld, EVP_PKEY_PUBLIC_KEY);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
pubkey_get_ed25519(struct sshread *r)
{
	struct sshstring k = sshread_string(r);

	if (k.len != PUBKEY_ED25519_LEN)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, k.data,
	    k.len);
}

/*
 * Reads a public key; the caller clears it.  Returns 0, or -1 for one that is
 * malformed, of an unknown type or too small.
 */
int
pubkey_decode(struct pubkey *key, struct sshstring blob)
{
	struct sshread r;

	memset(key, 0, sizeof(*key));
	sshread_init(&r, blob.data, blob.len);
	if ((key->type = pubkey_find_type(sshread_string(&r))) == NULL)
		return -1;
	switch (key->type->kind) {
	case PUBKEY_ED25519:
		key->pkey = pubkey_get_ed25519(&r);
		break;
	case PUBKEY_ECDSA:
		key->pkey = pubkey_get_ecdsa(key->type, &r);
		break;
	case PUBKEY_RSA:
		key->pkey = pubkey_get_rsa(&r);
		break;
	}
	if (key->type->is_sk)
		key->application = sshread_string(&r);
	if (key->pkey != NULL && sshread_end(&r) == 0)
		return 0;
	pubkey_clear(key);
	return -1;
}

/* Frees the key; one that is all zero may come. */
void
pubkey_clear(struct pubkey *key)
{
	EVP_PKEY_free(key->pkey);
	memset(key, 0, sizeof(*key));
}

/* A number of the key's as width bytes, or, if that is 0, as it needs. */
static size_t
pubkey_get_number(const EVP_PKEY *pkey, const char *name, u_char *bytes,
    int width)
{
	BIGNUM *bn = NULL;
	int len = -1;

	if (EVP_PKEY_get_bn_param(pkey, name, &bn) == 1) {
		if (width == 0)
			width = BN_num_bytes(bn);
		if (width <= PUBKEY_NUMBER_MAX)
			len = BN_bn2binpad(bn, bytes, width);
	}
	BN_free(bn);
	return len < 0 ? 0 : len;
}

static void
pubkey_put_number(const EVP_PKEY *pkey, const char *name, struct sshwrite *w)
{
	u_char bytes[PUBKEY_NUMBER_MAX];
	size_t len = pubkey_get_number(pkey, name, bytes, 0);

	if (len == 0)
		w->bad = 1;
	sshwrite_mpint(w, bytes, len);
}

static void
pubkey_put_point(const EVP_PKEY *pkey, struct sshwrite *w)
{
	u_char point[1 + 2 * PUBKEY_NUMBER_MAX] = { 4 };
	size_t width = (EVP_PKEY_get_bits(pkey) + 7) / 8;

	if (pubkey_get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, point + 1,
	    (int)width) != width ||
	    pubkey_get_number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y,
	    point + 1 + width, (int)width) != width)
		w->bad = 1;
	sshwrite_string(w, point, 1 + 2 * width);
}

/*
 * Writes the public half of a host's key.  Returns 0, or -1 for a key that
 * SSH does not know; w is the caller's to clear.
 */
int
pubkey_encode(const EVP_PKEY *pkey, struct sshwrite *w)
{
	const struct pubkey_type *t = pubkey_type_of(pkey);
	u_char raw[PUBKEY_ED25519_LEN];
	size_t len = sizeof(raw);

	if (t == NULL)
		return -1;
	sshwrite_text(w, t->name);
	switch (t->kind) {
	case PUBKEY_ED25519:
		if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1)
			return -1;
		sshwrite_string(w, raw, len);
		break;
	case PUBKEY_ECDSA:
		sshwrite_text(w, t->curve);
		pubkey_put_point(pkey, w);
		break;
	case PUBKEY_RSA:
		pubkey_put_number(pkey, OSSL_PKEY_PARAM_RSA_E, w);
		pubkey_put_number(pkey, OSSL_PKEY_PARAM_RSA_N, w);
		break;
	}
	return w->bad ? -1 : 0;
}
