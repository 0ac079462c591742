/* SPDX-License-Identifier: ISC */
/*
 * The messages between sockstund-net and the process that holds the rights:
 * the monitor before authentication, the dialer after it.  Both see the same
 * SOCK_SEQPACKET pair; a message that is not permitted now ends the
 * connection.  Payloads are listed in order; "string" is msg_put_string.
 */
#ifndef PRIVSEP_H
#define PRIVSEP_H

#include <sys/types.h>
#include <stdint.h>

#include "addr.h"
#include "log.h"

struct msg;

/* Descriptors that sockstund-net, the monitor and the dialer start with. */
#define PRIVSEP_FD_PEER		3	/* the pair between them */
#define PRIVSEP_FD_CONN		4	/* the client's connection (net only) */
#define PRIVSEP_FD_SIGNER	5	/* signing.h (net only) */
#define PRIVSEP_FD_ROOT		6	/* an empty folder (net only) */

#define PRIVSEP_USER_MAX	255	/* bytes of a user's name */
#define PRIVSEP_TYPE_MAX	63	/* bytes of the name of a key type */
#define PRIVSEP_KEY_MAX		16384	/* bytes of a public key in base64 */
#define PRIVSEP_LOG_MAX		1024	/* bytes of a line of log */
#define PRIVSEP_PEER_MAX	128	/* bytes of "192.0.2.1 port 5" */
#define PRIVSEP_ALGS_MAX	4096	/* bytes of a list of algorithms */
/* Seconds after which either is stuck: before the other gives it up. */
#define PRIVSEP_WATCHDOG	8
#define PRIVSEP_HOSTKEYS_MAX	16
#define PRIVSEP_SIGNATURE_MAX	2048	/* bytes of a signature */

enum privsep_type {
	/* monitor -> net, once, first: struct privsep_setup. */
	PS_SETUP = 1,
	/* net -> monitor, once: the keys are loaded, the sandbox is closed. */
	PS_READY,
	/*
	 * net -> monitor: may this user log in with this key?  struct
	 * privsep_key.
	 */
	PS_KEY_QUERY,
	/* monitor -> net: u32 1 or 0. */
	PS_KEY_ANSWER,
	/*
	 * net -> monitor: the client says that it has this key; payload of
	 * KEY_QUERY and struct privsep_proof.  Only a key that a KEY_QUERY
	 * found good can pass, and only if the signer finds that it signed.
	 */
	PS_KEY_PROVED,
	/*
	 * monitor -> net: u32 0, refused.  Or dialer -> net, its first
	 * message: u32 1, the monitor is the user's dialer now.
	 */
	PS_AUTH_ANSWER,
	/*
	 * net -> dialer, with the flow's number as id: what a client asks for.
	 * struct privsep_request.
	 */
	PS_REQUEST,
	/*
	 * dialer -> net, same id, for a BIND that waits for its peer now: the
	 * address to connect to, as u32 ATYP, string host, u32 port.
	 */
	PS_BOUND,
	/*
	 * dialer -> net, same id, the last about it: struct privsep_reply and,
	 * on success, the connected socket, for UDP the one with the frames.
	 * RESOLVE has none.  No payload says SOCKS_REP_GENERAL.
	 */
	PS_REPLY,
	/* net -> dialer, same id: nobody waits for this any more. */
	PS_CANCEL,
	/* net -> either, any time: struct privsep_line. */
	PS_LOG,
	/* net -> dialer, dialer -> net, now and then: see beat.h. */
	PS_ALIVE
};

/*
 * u32 each of the numbers, string each of the texts, u32 number of host keys,
 * then one blob a key: its public half (RFC 4253, section 6.6).
 */
struct privsep_setup {
	uint32_t	 test;		/* load the keys, answer READY, exit */
	uint32_t	 log_level;
	uint32_t	 max_auth_tries;
	uint32_t	 max_flows;
	uint32_t	 window_budget;	/* MiB */
	uint32_t	 alive_interval;	/* seconds */
	uint32_t	 alive_count;
	uint32_t	 queue_delay;	/* ms */
	uint32_t	 dial_timeout;	/* seconds, at least 1 */
	uint32_t	 pubkey_auth;
	const char	*peer;		/* "192.0.2.1 port 5" */
	const char	*ciphers;	/* "": the library's own list */
	const char	*macs;
	const char	*kex;
	uint32_t	 nkeys;
	struct {
		const u_char	*data;
		size_t		 len;
	} key[PRIVSEP_HOSTKEYS_MAX];
};

/* A key that a client offers: string each. */
struct privsep_key {
	char		 user[PRIVSEP_USER_MAX + 1];
	char		 type[PRIVSEP_TYPE_MAX + 1];	/* "ssh-ed25519" */
	char		 base64[PRIVSEP_KEY_MAX + 1];
};

/*
 * A client's signature, for others to check: string algorithm, blob signature
 * as EVP_DigestVerify(3) takes it, u32 each of what a FIDO key signed, too.
 */
struct privsep_proof {
	char		 algorithm[PRIVSEP_TYPE_MAX + 1]; /* "rsa-sha2-256" */
	u_char		 signature[PRIVSEP_SIGNATURE_MAX];
	size_t		 len;
	uint32_t	 flags;
	uint32_t	 counter;
};

/*
 * A command of SOCKS and its destination: u32 command, string host, u32 port,
 * then, for the log, the originator that the client names: string host, u32
 * port.
 */
struct privsep_request {
	uint32_t	 cmd;		/* enum socks_cmd */
	char		 host[ADDR_NAME_MAX + 1];
	uint16_t	 port;
	char		 origin[ADDR_NAME_MAX + 1];
	uint16_t	 origin_port;
};

/* How it came out: u32 reply code, then the address as of PS_BOUND. */
struct privsep_reply {
	uint32_t	 rep;		/* enum socks_rep */
	struct addr	 bnd;		/* of type ADDR_NONE if there is none */
};

/* A line of log: u32 level, string text. */
struct privsep_line {
	enum log_level	 level;
	char		 text[PRIVSEP_LOG_MAX + 1];
};

/* A message that one side may receive, and in which of its states. */
struct privsep_rule {
	enum privsep_type type;
	int		 when;		/* bits of states, PRIVSEP_ONCE */
};

#define PRIVSEP_ONCE	0x8000

int	 privsep_admit(const struct privsep_rule *, int, uint32_t *,
	    const struct msg *);

void	 privsep_put_setup(struct msg *, const struct privsep_setup *);
int	 privsep_get_setup(struct msg *, struct privsep_setup *);
void	 privsep_clear_setup(struct privsep_setup *);
void	 privsep_put_key(struct msg *, const char *, const char *,
	    const char *);
int	 privsep_get_key(struct msg *, struct privsep_key *);
void	 privsep_put_proof(struct msg *, const char *, const char *,
	    const char *, const struct privsep_proof *);
int	 privsep_get_proof(struct msg *, struct privsep_key *,
	    struct privsep_proof *);
void	 privsep_put_request(struct msg *, const struct privsep_request *);
int	 privsep_get_request(struct msg *, struct privsep_request *);
void	 privsep_put_addr(struct msg *, const struct addr *);
void	 privsep_get_addr(struct msg *, struct addr *);
void	 privsep_put_reply(struct msg *, const struct privsep_reply *);
int	 privsep_get_reply(struct msg *, struct privsep_reply *);
void	 privsep_put_log(struct msg *, enum log_level, const char *);
int	 privsep_get_log(struct msg *, struct privsep_line *);
int	 privsep_log(struct msg *, enum log_level);
int	 privsep_send_log(int, uint32_t, uint32_t, enum log_level,
	    const char *);

#endif
