/* SPDX-License-Identifier: ISC */
/*
 * One authenticated SSH session in the loop, with its channels and forwarded
 * ports: gives each its turn, and tells when the session is lost.
 */
#ifndef SSHLOOP_H
#define SSHLOOP_H

#include <sys/types.h>
#include <stdint.h>

#include <libssh/libssh.h>

#include "sshchan.h"
#include "sshconn.h"
#include "sshforward.h"

/* What the owner of a session is asked and told; all from the loop. */
struct sshloop_ops {
	/* A message came; freed after the call unless 1 is returned. */
	int	(*message)(ssh_message, void *);
	/* The session ended; every channel has been told STREAM_RESET. */
	void	(*lost)(const char *, void *);
	/* Much was sent by now; once, and may be NULL. */
	void	(*busy)(void *);
};

struct sshloop_options {
	int	server;		/* the peer is the client; it needs "message" */
	size_t	window_budget;	/* bytes by which windows may grow, in all */
	int	alive_interval;	/* seconds of silence until the peer is asked
				 * for a sign of life; 0: never */
	int	alive_max;	/* unanswered in a row: the session is lost */
	int	queue_delay;	/* ms that a byte may wait in a queue of ours
				 * on the path; 0: any time */
};

/* The parts are for those who open channels, forward ports, want a round. */
struct sshloop {
	struct sshconn		 conn;
	struct sshchans		 chans;
	struct sshforwards	 forwards;	/* of a client's session */
	const struct sshloop_ops *ops;
	void			*arg;
	int			 busy;		/* the owner was told */
	uint64_t		 messages_seen;	/* bytes, when none was left */
	uint64_t		 others_seen;	/* packets without data */
};

struct sshloop	*sshloop_new(struct event_base *, ssh_session,
		    const struct sshloop_options *,
		    const struct sshloop_ops *, void *);
void		 sshloop_free(struct sshloop *);
const char	*sshloop_cipher(const struct sshloop *);
void		 sshloop_note_sockstun(struct sshloop *);
const char	*sshloop_library(void);

#endif
