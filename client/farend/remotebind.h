/* SPDX-License-Identifier: ISC */
/*
 * BIND at an SSH server that has no service for it: one connection to a port
 * that the server forwards.
 */
#ifndef REMOTEBIND_H
#define REMOTEBIND_H

struct addr;
struct remotebind;
struct stream;
struct tunnel;

/* Told from the loop; after connected or failed it is to be cancelled. */
struct remotebind_ops {
	/* Where the peer is waited for, as far as it is known. */
	void	(*listening)(const struct addr *, void *);
	/* The peer has come; the stream is the callee's. */
	void	(*connected)(struct stream *, const struct addr *, void *);
	/* A SOCKS reply code, why, and what to do about it. */
	void	(*failed)(int, const char *, const char *, void *);
};

struct remotebind	*remotebind_start(struct tunnel *,
			    const struct addr *,
			    const struct remotebind_ops *, void *);
void			 remotebind_cancel(struct remotebind *);

#endif
