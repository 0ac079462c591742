/* SPDX-License-Identifier: ISC */
/*
 * Signatures of users: of each kind of key one that is good, and the same one
 * for another session, user, algorithm or key, which is not; FIDO keys made by
 * hand.  And those of hosts, which check.
 */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "cryptotest.h"
#include "pubkey.h"
#include "signature.h"
#include "sshbytes.h"
#include "starve.h"

#define APPLICATION	"ssh:"

static const struct kind {
	const char	*algorithm;
	const char	*name;		/* of libcrypto's */
	const char	*curve;
	size_t		 rsa_bits;
	unsigned int	 hash;
	const char	*sk;		/* type of the FIDO key */
} kinds[] = {
	{ "ssh-ed25519", "ED25519", NULL, 0, 0, NULL },
	{ "ecdsa-sha2-nistp256", "EC", "P-256", 0, 256, NULL },
	{ "ecdsa-sha2-nistp384", "EC", "P-384", 0, 384, NULL },
	{ "ecdsa-sha2-nistp521", "EC", "P-521", 0, 512, NULL },
	{ "rsa-sha2-256", "RSA", NULL, 2048, 256, NULL },
	{ "rsa-sha2-512", "RSA", NULL, 1024, 512, NULL },
	{ "sk-ssh-ed25519@openssh.com", "ED25519", NULL, 0, 0,
	    "sk-ssh-ed25519@openssh.com" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "EC", "P-256", 0, 256,
	    "sk-ecdsa-sha2-nistp256@openssh.com" }
};

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))

static EVP_PKEY *
make_key(const struct kind *k)
{
	EVP_PKEY *pkey;

	if (k->rsa_bits != 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, k->name, k->rsa_bits);
	else if (k->curve != NULL)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, k->name, k->curve);
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, k->name);
	assert_non_null(pkey);
	return pkey;
}

/* The public half, of a FIDO key with its own type and the application. */
static void
put_public(const struct kind *k, EVP_PKEY *pkey, struct sshwrite *w)
{
	struct sshwrite plain = { 0 };
	struct sshread r;

	assert_int_equal(pubkey_encode(pkey, &plain), 0);
	if (k->sk == NULL) {
		sshwrite_bytes(w, plain.data, plain.len);
	} else {
		sshread_init(&r, plain.data, plain.len);
		sshread_string(&r);
		sshwrite_text(w, k->sk);
		sshwrite_bytes(w, r.p, r.left);
		sshwrite_text(w, APPLICATION);
	}
	sshwrite_clear(&plain);
}

static void
put_sha256(const void *data, size_t len, struct sshwrite *w)
{
	u_char hash[32];

	assert_int_equal(EVP_Digest(data, len, hash, NULL, EVP_sha256(),
	    NULL), 1);
	sshwrite_bytes(w, hash, sizeof(hash));
}

static void
sign(const struct kind *k, EVP_PKEY *pkey, struct signature_request *q,
    u_char *sig, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct sshwrite w = { 0 }, sk = { 0 };

	sshwrite_string(&w, q->session_id.data, q->session_id.len);
	sshwrite_u8(&w, 50);
	sshwrite_text(&w, q->user);
	sshwrite_text(&w, "ssh-connection");
	sshwrite_text(&w, "publickey");
	sshwrite_u8(&w, 1);
	sshwrite_string(&w, q->algorithm.data, q->algorithm.len);
	sshwrite_string(&w, q->key.data, q->key.len);
	if (k->sk != NULL) {
		put_sha256(APPLICATION, strlen(APPLICATION), &sk);
		sshwrite_u8(&sk, q->flags);
		sshwrite_u32(&sk, q->counter);
		put_sha256(w.data, w.len, &sk);
	} else
		sshwrite_bytes(&sk, w.data, w.len);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL,
	    signature_hash(k->hash), NULL, pkey), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &size, sk.data, sk.len), 1);
	q->signature = (struct sshstring){ sig, size };
	EVP_MD_CTX_free(ctx);
	sshwrite_clear(&w);
	sshwrite_clear(&sk);
}

/* Whatever is changed in it, it is not good any more. */
static void
check_changes(const struct signature_request *good)
{
	static const u_char other[32] = { 1 };
	struct signature_request q = *good;
	u_char sig[2048];

	q.session_id.data = other;
	assert_int_equal(signature_verify(&q), 0);
	q = *good;
	q.session_id.len = 0;
	assert_int_equal(signature_verify(&q), 0);
	q = *good;
	q.user = "root";
	assert_int_equal(signature_verify(&q), 0);
	q = *good;
	q.algorithm.len--;
	assert_int_equal(signature_verify(&q), 0);
	q = *good;
	q.key.len--;
	assert_int_equal(signature_verify(&q), 0);
	q = *good;
	q.signature.len--;
	assert_int_equal(signature_verify(&q), 0);
	q.signature.len = 0;
	assert_int_equal(signature_verify(&q), 0);
	q = *good;
	memcpy(sig, q.signature.data, q.signature.len);
	sig[q.signature.len / 2] ^= 1;
	q.signature.data = sig;
	assert_int_equal(signature_verify(&q), 0);
}

/* A request of alice's with the key, that is signed with it. */
static void
make_request(const struct kind *k, EVP_PKEY *pkey, struct sshwrite *public,
    struct signature_request *q, u_char *sig, size_t size)
{
	static const u_char sid[32] = { 7 };

	put_public(k, pkey, public);
	memset(q, 0, sizeof(*q));
	q->session_id = (struct sshstring){ sid, sizeof(sid) };
	q->user = "alice";
	q->algorithm = (struct sshstring){ (const u_char *)k->algorithm,
	    strlen(k->algorithm) };
	q->key = (struct sshstring){ public->data, public->len };
	if (k->sk != NULL) {
		q->flags = 5;
		q->counter = 0x01020304;
	}
	sign(k, pkey, q, sig, size);
}

static void
test_users(void **state)
{
	struct signature_request q;
	struct sshwrite public = { 0 };
	const struct kind *k;
	u_char sig[2048];
	EVP_PKEY *pkey;

	for (k = kinds; k < kinds + NKINDS; k++) {
		pkey = make_key(k);
		make_request(k, pkey, &public, &q, sig, sizeof(sig));
		assert_int_equal(signature_verify(&q), 1);
		check_changes(&q);
		if (k->sk != NULL) {
			/* Without the user's presence, which was signed. */
			q.flags = 4;
			assert_int_equal(signature_verify(&q), 0);
			q.flags = 5 + 256;
			assert_int_equal(signature_verify(&q), 0);
			q.flags = 5;
			q.counter++;
			assert_int_equal(signature_verify(&q), 0);
		}
		sshwrite_clear(&public);
		EVP_PKEY_free(pkey);
	}
}

/* An RSA key signs with SHA-2 alone, and each key with its own algorithm. */
static void
test_algorithms(void **state)
{
	static const char *const wrong[] = {
		"ssh-rsa", "rsa-sha2-384", "ssh-ed25519", "",
		"ecdsa-sha2-nistp256"
	};
	static const u_char sid[32] = { 7 };
	const struct kind *k = &kinds[4];
	struct sshwrite public = { 0 };
	EVP_PKEY *pkey = make_key(k);
	struct signature_request q;
	u_char sig[2048];
	size_t i;

	put_public(k, pkey, &public);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memset(&q, 0, sizeof(q));
		q.session_id = (struct sshstring){ sid, sizeof(sid) };
		q.user = "alice";
		q.algorithm = (struct sshstring){ (const u_char *)wrong[i],
		    strlen(wrong[i]) };
		q.key = (struct sshstring){ public.data, public.len };
		sign(k, pkey, &q, sig, sizeof(sig));
		assert_int_equal(signature_verify(&q), 0);
	}
	sshwrite_clear(&public);
	EVP_PKEY_free(pkey);
}

static void
test_hosts(void **state)
{
	static const u_char hash[64] = { 9 };
	struct sshstring data = { hash, sizeof(hash) };
	const struct kind *k;
	EVP_MD_CTX *ctx;
	EVP_PKEY *pkey;
	u_char sig[2048];
	size_t len;

	for (k = kinds; k < kinds + NKINDS; k++) {
		if (k->sk != NULL)
			continue;
		pkey = make_key(k);
		len = sizeof(sig);
		assert_int_equal(signature_make(pkey, k->hash, data, sig,
		    &len), 0);
		ctx = EVP_MD_CTX_new();
		assert_int_equal(EVP_DigestVerifyInit(ctx, NULL,
		    signature_hash(k->hash), NULL, pkey), 1);
		assert_int_equal(EVP_DigestVerify(ctx, sig, len, hash,
		    sizeof(hash)), 1);
		EVP_MD_CTX_free(ctx);
		len = sizeof(sig);
		if (k->rsa_bits != 0)
			assert_int_equal(signature_make(pkey, 160, data, sig,
			    &len), -1);
		EVP_PKEY_free(pkey);
	}
}

/* Keys that are none. */
static void
test_bad_keys(void **state)
{
	struct sshwrite w = { 0 }, cut = { 0 };
	struct pubkey key;
	EVP_PKEY *pkey;
	u_char point[65] = { 4, 1 };
	size_t i;

	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)768);
	assert_int_equal(pubkey_encode(pkey, &w), -1);
	EVP_PKEY_free(pkey);
	sshwrite_clear(&w);
	pkey = make_key(&kinds[4]);
	assert_int_equal(pubkey_encode(pkey, &w), 0);
	for (i = 0; i < w.len; i++)
		assert_int_equal(pubkey_decode(&key,
		    (struct sshstring){ w.data, i }), -1);
	assert_int_equal(pubkey_decode(&key,
	    (struct sshstring){ w.data, w.len }), 0);
	pubkey_clear(&key);
	EVP_PKEY_free(pkey);
	sshwrite_clear(&w);

	/* Not on the curve, and of a curve that is another one's. */
	sshwrite_text(&cut, "ecdsa-sha2-nistp256");
	sshwrite_text(&cut, "nistp256");
	sshwrite_string(&cut, point, sizeof(point));
	assert_int_equal(pubkey_decode(&key,
	    (struct sshstring){ cut.data, cut.len }), -1);
	sshwrite_clear(&cut);
	pkey = make_key(&kinds[1]);
	assert_int_equal(pubkey_encode(pkey, &w), 0);
	memcpy(w.data + 4, "ecdsa-sha2-nistp384", 19);
	assert_int_equal(pubkey_decode(&key,
	    (struct sshstring){ w.data, w.len }), -1);
	EVP_PKEY_free(pkey);
	sshwrite_clear(&w);
}

/* How often the nth allocation, of ours or libcrypto's, was not fatal. */
static int
verify_starved(const struct signature_request *q)
{
	int good = 0, n;

	for (n = 1; n == 1 || crypto_starved(); n++) {
		crypto_starve(n);
		good += signature_verify(q);
		crypto_starve(0);
	}
	for (n = 1; n == 1 || starved(); n++) {
		starve(n);
		good += signature_verify(q);
		starve(0);
	}
	return good;
}

/* A host signs with this key: rightly, or not at all. */
static void
sign_starved(const struct kind *k, EVP_PKEY *pkey)
{
	static const u_char hash[32] = { 9 };
	struct sshstring data = { hash, sizeof(hash) };
	struct sshwrite w = { 0 };
	u_char sig[2048];
	size_t len;
	int made = 0, encoded = 0, n;

	for (n = 1; n == 1 || crypto_starved() || starved(); n++) {
		len = sizeof(sig);
		crypto_starve(n);
		made += signature_make(pkey, k->hash, data, sig, &len) == 0;
		crypto_starve(n);
		encoded += pubkey_encode(pkey, &w) == 0;
		crypto_starve(0);
		sshwrite_clear(&w);
		starve(n);
		encoded += pubkey_encode(pkey, &w) == 0;
		starve(0);
		sshwrite_clear(&w);
	}
	assert_true(made > 0 && made < n);
	assert_true(encoded > 0 && encoded < 2 * n);
}

/* Want of memory makes no signature good that is not. */
static void
test_no_memory(void **state)
{
	struct signature_request q;
	struct sshwrite public = { 0 };
	const struct kind *k;
	u_char sig[2048];
	EVP_PKEY *pkey;

	for (k = kinds; k < kinds + NKINDS; k++) {
		pkey = make_key(k);
		make_request(k, pkey, &public, &q, sig, sizeof(sig));
		assert_true(verify_starved(&q) > 0);
		q.user = "root";
		assert_int_equal(verify_starved(&q), 0);
		if (k->sk == NULL)
			sign_starved(k, pkey);
		sshwrite_clear(&public);
		EVP_PKEY_free(pkey);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_no_memory)
	};

	if (crypto_prepare() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
