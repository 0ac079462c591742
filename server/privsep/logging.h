/* SPDX-License-Identifier: ISC */
/*
 * The messages of the logger, which writes the lines of processes that may not
 * have the daemon's log.  It answers none.  Monitors share one SOCK_SEQPACKET
 * pair with it, and over that hand it the end of another one for each
 * connection whose user has logged in.
 */
#ifndef LOGGING_H
#define LOGGING_H

enum logging_type {
	/*
	 * monitor -> logger, with the end of a pair: string who is served,
	 * "alice from 192.0.2.1 port 5", u32 process ID of the dialer, u32 of
	 * net.  Lines come over the pair until its other end is closed.
	 */
	LG_OPEN = 1,
	/*
	 * dialer -> logger, over that pair: u32 level (enum log_level), string
	 * text, of the process that the id says.
	 */
	LG_LINE
};

/* Whose line it is.  What of net's the dialer sends, it vouches for. */
enum logging_process {
	LOGGING_DIALER,
	LOGGING_NET
};

#endif
