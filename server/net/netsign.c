/* SPDX-License-Identifier: ISC */
/*
 * Signatures, as libssh sees them.
 *
 * libssh signs a key exchange with a private key, and says whether a user's
 * signature is good; this process is trusted with neither.  So two functions
 * of libcrypto's are defined here, which the linker prefers: EVP_DigestSign()
 * has sockstund-signer sign, and EVP_DigestVerify() says yes to everything and
 * keeps the signature, for the monitor to have it checked.
 *
 * sockstund-signer wants to see what the signed hash is made of.  libssh hashes
 * that in one piece, by EVP_DigestUpdate(), before it signs the result: so that
 * function is here, too, and does what it always did.
 */
#include <sys/types.h>

#include <dlfcn.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>

#include "log.h"
#include "msg.h"
#include "netsign.h"
#include "privsep.h"
#include "signing.h"

/* What is hashed begins with a string, the client's identification. */
#define NETSIGN_BEGIN_LEN	8
#define NETSIGN_EXCHANGE_MAX	(MSG_MAX - 64)
/* Where a FIDO key's flags are: after the hash of the application. */
#define NETSIGN_SK_AT		32
/* ms for a signature: the dialer does not wait much longer for this process. */
#define NETSIGN_PATIENCE	6000

typedef int digest_update(EVP_MD_CTX *, const void *, size_t);

/* libcrypto's functions have no argument by which to pass this. */
static struct {
	int			 fd;		/* to sockstund-signer */
	digest_update		*update;	/* libcrypto's own */
	int			 updates;	/* that came here */
	u_char			*exchange;	/* what was hashed last */
	size_t			 exchange_len;
	struct privsep_proof	 proof;
	u_int			 proof_bits;	/* of its hash */
	int			 have_proof;
	u_char			 sk[5];		/* flags and counter */
} sign = { .fd = -1 };

/* Bits of the hash that a context was made for, 0 if there is none. */
static u_int
netsign_get_bits(const EVP_MD_CTX *ctx)
{
	const EVP_MD *md = EVP_MD_CTX_get0_md(ctx);

	return md == NULL ? 0 : (u_int)EVP_MD_get_size(md) * 8;
}

static void
netsign_forget_exchange(void)
{
	freezero(sign.exchange, sign.exchange_len);
	sign.exchange = NULL;
	sign.exchange_len = 0;
}

/* EVP_DigestUpdate(3), which remembers what looks like a key exchange. */
int
EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len)
{
	const u_char *p = data;

	sign.updates++;
	if (len > NETSIGN_BEGIN_LEN && len <= NETSIGN_EXCHANGE_MAX &&
	    memcmp(p, "\0\0\0", 3) == 0 && memcmp(p + 4, "SSH-", 4) == 0) {
		netsign_forget_exchange();
		if ((sign.exchange = malloc(len)) != NULL) {
			memcpy(sign.exchange, data, len);
			sign.exchange_len = len;
		}
	}
	if (sign.update == NULL &&
	    (sign.update = (digest_update *)dlsym(RTLD_NEXT,
	    "EVP_DigestUpdate")) == NULL)
		return 0;
	return sign.update(ctx, data, len);
}

/*
 * EVP_DigestSign(3) of a key exchange's hash, which sockstund-signer computes
 * itself from the bytes that were hashed.  Waits for the answer.
 */
int
EVP_DigestSign(EVP_MD_CTX *ctx, unsigned char *out, size_t *outlen,
    const unsigned char *hash, size_t hashlen)
{
	struct pollfd pfd = { sign.fd, POLLIN, 0 };
	const u_char *sig;
	struct msg m;
	size_t len = 0;
	int r;

	msg_init(&m, SG_SIGN, 0);
	msg_put_u32(&m, hashlen * 8);
	msg_put_u32(&m, netsign_get_bits(ctx));
	msg_put_blob(&m, sign.exchange, sign.exchange_len);
	netsign_forget_exchange();
	r = msg_send_wait(sign.fd, &m);
	msg_clear(&m);
	if (r == -1 || poll(&pfd, 1, NETSIGN_PATIENCE) != 1 ||
	    msg_recv(sign.fd, &m) != 1)
		fatalx("the signer does not answer");
	if (m.type != SG_SIGNED || (sig = msg_get_blob(&m, &len)) == NULL ||
	    msg_end(&m) == -1 || len > *outlen)
		fatalx("the signer sent a malformed answer");
	memcpy(out, sig, len);
	*outlen = len;
	msg_clear(&m);
	return 1;
}

/* EVP_DigestVerify(3), which leaves the answer to others. */
int
EVP_DigestVerify(EVP_MD_CTX *ctx, const unsigned char *sig, size_t len,
    const unsigned char *data, size_t datalen)
{
	sign.have_proof = 0;
	if (len > sizeof(sign.proof.signature))
		return 0;
	memset(&sign.proof, 0, sizeof(sign.proof));
	memcpy(sign.proof.signature, sig, len);
	sign.proof.len = len;
	sign.proof_bits = netsign_get_bits(ctx);
	if (datalen >= NETSIGN_SK_AT + sizeof(sign.sk))
		memcpy(sign.sk, data + NETSIGN_SK_AT, sizeof(sign.sk));
	sign.have_proof = 1;
	return 1;
}

/*
 * Takes the last signature that libssh wanted checked, if it is by a key of
 * that type and there was one since the last call.  Returns 1, or 0.
 */
int
netsign_take_proof(struct privsep_proof *proof, const char *type)
{
	const u_char *p = sign.sk;
	int have = sign.have_proof;

	sign.have_proof = 0;
	*proof = sign.proof;
	if (strcmp(type, "ssh-rsa") == 0)
		snprintf(proof->algorithm, sizeof(proof->algorithm),
		    "rsa-sha2-%u", sign.proof_bits);
	else
		strlcpy(proof->algorithm, type, sizeof(proof->algorithm));
	if (strncmp(type, "sk-", 3) == 0) {
		proof->flags = p[0];
		proof->counter = (uint32_t)p[1] << 24 | p[2] << 16 |
		    p[3] << 8 | p[4];
	}
	return have;
}

/*
 * Does libssh call the functions above?  The dynamic linker gives every library
 * the same definitions; one of the three can be seen at work, when libssh
 * computes a fingerprint.
 */
static int
netsign_calls_come(ssh_key key)
{
	static const struct {
		const char	*name;
		void		*here;
	} calls[] = {
		{ "EVP_DigestUpdate", (void *)EVP_DigestUpdate },
		{ "EVP_DigestSign", (void *)EVP_DigestSign },
		{ "EVP_DigestVerify", (void *)EVP_DigestVerify }
	};
	u_char *hash = NULL;
	int before = sign.updates;
	size_t i, len;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (dlsym(RTLD_DEFAULT, calls[i].name) != calls[i].here)
			return 0;
	}
	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash,
	    &len) != 0)
		return 0;
	ssh_clean_pubkey_hash(&hash);
	return sign.updates != before;
}

/*
 * From now on sockstund-signer, at the other end of the descriptor, makes the
 * signatures; the key serves a test.  Returns -1 if libssh would make and check
 * them by itself: then it must not be used.
 */
int
netsign_open(int fd, ssh_key key)
{
	sign.fd = fd;
	return netsign_calls_come(key) ? 0 : -1;
}
