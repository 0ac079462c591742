/* SPDX-License-Identifier: ISC */
/*
 * The messages of the logger, which writes the lines of processes that may not
 * have the daemon's log.  It never answers.  All monitors share one
 * SOCK_SEQPACKET pair with it; over that they hand it an end of another pair
 * for each connection whose user has logged in.
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

/* Whose line it is, as the dialer says, which passes net's lines on. */
enum logging_process {
	LOGGING_DIALER,
	LOGGING_NET
};

#endif
