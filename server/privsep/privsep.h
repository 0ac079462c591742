/* SPDX-License-Identifier: ISC */
/*
 * The messages between sockstund-net and the process that holds the rights:
 * the monitor before authentication, the dialer after it.  Both see the same
 * SOCK_SEQPACKET pair; a message that is not permitted now ends the
 * connection.  Payloads are listed in order; "string" is msg_put_string.
 */
#ifndef PRIVSEP_H
#define PRIVSEP_H

/* Descriptors that sockstund-net, the monitor and the dialer start with. */
#define PRIVSEP_FD_PEER		3	/* the pair between them */
#define PRIVSEP_FD_CONN		4	/* the client's connection (net only) */

#define PRIVSEP_USER_MAX	255	/* bytes of a user's name */
#define PRIVSEP_KEY_MAX		16384	/* bytes of a public key in base64 */
#define PRIVSEP_LOG_MAX		1024	/* bytes of a line of log */

enum privsep_type {
	/*
	 * monitor -> net, once, first: u32 test (1: load the keys, answer
	 * READY, exit), u32 log level, u32 max_auth_tries, u32 max_flows,
	 * u32 window_budget (MiB),
	 * u32 alive_interval, u32 alive_count, u32 pubkey_auth, string peer
	 * ("192.0.2.1 port 5"), string ciphers, string macs, string kex (""
	 * means the library's), u32 number of host keys, then one blob a key:
	 * the bytes of its file.
	 */
	PS_SETUP = 1,
	/* net -> monitor, once: the keys are loaded, the sandbox is closed. */
	PS_READY,
	/*
	 * net -> monitor: may this user log in with this key?  string user,
	 * string key type ("ssh-ed25519"), string key (base64).
	 */
	PS_KEY_QUERY,
	/* monitor -> net: u32 1 or 0. */
	PS_KEY_ANSWER,
	/*
	 * net -> monitor: the client proved that it has this key; same payload
	 * as KEY_QUERY.  Only a key that a KEY_QUERY found good can pass.
	 */
	PS_KEY_PROVED,
	/*
	 * monitor -> net: u32 0, refused.  Or dialer -> net, its first
	 * message: u32 1, the monitor is the user's dialer now.
	 */
	PS_AUTH_ANSWER,
	/*
	 * net -> dialer, id chosen by net: string host, u32 port, string
	 * originator's address, u32 originator's port.
	 */
	PS_DIAL,
	/*
	 * net -> dialer, id chosen by net: u32 command of SOCKS (BIND, UDP,
	 * RESOLVE or RESOLVE_PTR), string host, u32 port.  Answered as a dial.
	 */
	PS_SERVICE,
	/*
	 * dialer -> net, same id, for a BIND that waits for its peer now: u32
	 * ATYP of the address to connect to, string host, u32 port.
	 */
	PS_BOUND,
	/*
	 * dialer -> net, same id, the last about it: u32 SOCKS reply code, u32
	 * ATYP of the bound address (0 none), string bound host, u32 bound
	 * port, string reason (for the log), and on success the connected
	 * socket, for UDP the one with the frames.  RESOLVE has none.
	 */
	PS_DIALED,
	/* net -> dialer, same id: nobody waits for this any more. */
	PS_CANCEL,
	/* net -> either, any time: u32 level (enum log_level), string text. */
	PS_LOG
};

#endif
