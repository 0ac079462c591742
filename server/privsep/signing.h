/* SPDX-License-Identifier: ISC */
/*
 * The messages of sockstund-signer, which has the host keys and checks the
 * users' signatures.  It talks to the monitor over one SOCK_SEQPACKET pair and
 * to sockstund-net over another; both ask and wait for the answer.  A message
 * that is malformed or not permitted now ends it, and so the connection.
 */
#ifndef SIGNING_H
#define SIGNING_H

/* Descriptors that it starts with. */
#define SIGNING_FD_MONITOR	3	/* the pair with the monitor */
#define SIGNING_FD_KEYS		4	/* hostkeys_pack() */
#define SIGNING_FD_NET		5	/* the pair with sockstund-net */
#define SIGNING_FD_ROOT		6	/* an empty folder */

/* Its exit status when it was asked for what it does not do. */
#define SIGNING_EXIT_REFUSED	3

#define SIGNING_PUBLIC_MAX	4096	/* bytes of a host key's public half */
#define SIGNING_SIGNATURE_MAX	2048	/* bytes of a signature */

enum signing_type {
	/*
	 * signer -> monitor, once, first: u32 number of keys, then for each:
	 * blob public half (RFC 4253, 6.6; empty: cannot be used), string why
	 * it cannot.
	 */
	SG_READY = 1,
	/*
	 * net -> signer: sign the hash of this key exchange.  u32 bits of the
	 * hash function, u32 bits of the one for an RSA signature, blob what
	 * is hashed (RFC 4253, 8).  One before a user has logged in; more,
	 * not too fast, once the monitor has closed its pair.
	 */
	SG_SIGN,
	/* signer -> net: blob signature, as EVP_DigestSign(3) makes it. */
	SG_SIGNED,
	/*
	 * monitor -> signer: did the client sign this user's request of this
	 * session?  string user, string algorithm, blob public key, blob
	 * signature as EVP_DigestVerify(3) takes it; of a FIDO key u32 flags,
	 * u32 counter, which it signed, too (else 0).
	 */
	SG_VERIFY,
	/* signer -> monitor: u32 1 or 0. */
	SG_VERIFIED
};

#endif
