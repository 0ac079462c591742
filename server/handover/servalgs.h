/* SPDX-License-Identifier: ISC */
/* Which algorithms the daemon offers unless told otherwise, and could. */
#ifndef SERVALGS_H
#define SERVALGS_H

#include "conf.h"

/*
 * The order of OpenSSH 10, without the curves of NIST, SHA-1 and CBC.  The
 * library offers those of them that its version has.
 */
#define SERVALGS_CIPHERS						\
	"chacha20-poly1305@openssh.com,"				\
	"aes128-gcm@openssh.com,aes256-gcm@openssh.com,"		\
	"aes128-ctr,aes192-ctr,aes256-ctr"
#define SERVALGS_MACS							\
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"	\
	"hmac-sha2-256,hmac-sha2-512"
#define SERVALGS_KEX							\
	"mlkem768x25519-sha256,sntrup761x25519-sha512,"			\
	"sntrup761x25519-sha512@openssh.com,"				\
	"curve25519-sha256,curve25519-sha256@libssh.org,"		\
	"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"	\
	"diffie-hellman-group14-sha256"

/* A list of algorithms: char *, resolved against the keyword's default. */
extern const struct conf_type servalgs_type;

/* All that a configuration may name; a keyword's arg. */
extern const char servalgs_ciphers[], servalgs_macs[], servalgs_kex[];

#endif
