/* SPDX-License-Identifier: ISC */
/*
 * One authenticated SSH session in the loop, with its channels and forwarded
 * ports: gives each its turn, and tells when the session is lost.
 */
#ifndef SSHLOOP_H
#define SSHLOOP_H

#include <sys/types.h>

struct event_base;
struct ssh_message_struct;
struct ssh_session_struct;
struct sshchans;
struct sshforwards;
struct sshloop;

/* What the owner of a session is asked and told; all from the loop. */
struct sshloop_ops {
	/* A message came; freed after the call unless 1 is returned. */
	int	(*message)(struct ssh_message_struct *, void *);
	/* The session ended; every channel has been told STREAM_RESET. */
	void	(*lost)(const char *, void *);
};

struct sshloop_options {
	int	server;		/* the peer is the client; it needs "message" */
	size_t	window_budget;	/* bytes by which windows may grow, in all */
	int	alive_interval;	/* seconds of silence until the peer is asked
				 * for a sign of life; 0: never */
	int	alive_max;	/* unanswered in a row: the session is lost */
};

struct sshloop	*sshloop_new(struct event_base *, struct ssh_session_struct *,
		    const struct sshloop_options *,
		    const struct sshloop_ops *, void *);
void		 sshloop_free(struct sshloop *);
void		 sshloop_start(struct sshloop *);
void		 sshloop_kick(struct sshloop *);

struct sshchans	*sshloop_channels(struct sshloop *);
struct sshforwards *sshloop_forwards(struct sshloop *);
const char	*sshloop_cipher(const struct sshloop *);
int		 sshloop_peer_is_sockstun(const struct sshloop *);
void		 sshloop_note_sockstun(struct sshloop *);
const char	*sshloop_library(void);

#endif
