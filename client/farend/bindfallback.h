/* SPDX-License-Identifier: ISC */
/*
 * BIND at an SSH server that has no service for it: one connection to a port
 * that the server forwards.
 */
#ifndef BINDFALLBACK_H
#define BINDFALLBACK_H

struct addr;
struct bindfallback;
struct event_base;
struct sshloop;
struct stream;

/* Told from the loop; after all but bound it is to be cancelled. */
struct bindfallback_ops {
	/* Where the peer is waited for, as far as it is known. */
	void	(*bound)(const struct addr *, void *);
	/* The peer has come; the stream is the callee's. */
	void	(*connected)(struct stream *, const struct addr *, void *);
	/* A SOCKS reply code, why, and what to do about it. */
	void	(*failed)(int, const char *, const char *, void *);
	/* The session ended. */
	void	(*lost)(void *);
};

struct bindfallback	*bindfallback_start(struct event_base *,
			    struct sshloop *, const struct addr *,
			    const struct bindfallback_ops *, void *);
void			 bindfallback_cancel(struct bindfallback *);

#endif
