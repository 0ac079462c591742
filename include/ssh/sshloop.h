/* SPDX-License-Identifier: ISC */
/*
 * One authenticated SSH session in the loop: reads what comes, gives the
 * channels their turns to send, and tells when the session is lost.
 */
#ifndef SSHLOOP_H
#define SSHLOOP_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/time.h>
#include <stdint.h>

#include <libssh/libssh.h>

#include "sshpace.h"

struct event;
struct event_base;
struct sshchan;
struct sshforward;

TAILQ_HEAD(sshchan_list, sshchan);
TAILQ_HEAD(sshforward_list, sshforward);

/* What the owner of a session is asked and told; all from the loop. */
struct sshloop_ops {
	/* A message of the peer's; freed after the call unless 1 is returned. */
	int	(*message)(ssh_message, void *);
	/* The session ended; every channel has been told STREAM_RESET. */
	void	(*lost)(const char *, void *);
};

/* More than one read of libssh's can complete: a packet, and 4 KiB. */
#define SSHLOOP_SCRATCH	(320 * 1024)
/* Bytes by which the windows of a session may grow, if nothing is said. */
#define SSHLOOP_WINDOW_BUDGET	(64 * 1024 * 1024)

enum sshloop_role {
	SSHLOOP_CLIENT,
	SSHLOOP_SERVER
};

struct sshloop {
	struct event_base	*base;
	ssh_session		 session;
	ssh_event		 poll;
	enum sshloop_role	 role;
	int			 native;	/* the peer is a sockstun too */
	const struct sshloop_ops *ops;
	void			*arg;
	int			 fd;		/* libssh's */
	int			 watch;		/* the same connection, ours */
	int			 wired;		/* sshwire stands before it */
	struct event		*ev_read;
	struct event		*ev_write;
	struct event		*kick;		/* work is queued */
	struct event		*alive;
	struct event		*watchdog;
	struct timeval		 alive_every;
	int			 alive_max;	/* unanswered before it is lost */
	int			 alive_missed;
	uint64_t		 alive_seen;	/* bytes when last looked */
	uint64_t		 messages_seen;	/* bytes when none was left */
	struct ssh_counter_struct count;	/* of the connection */
	struct ssh_counter_struct packets;	/* before encryption */
	uint64_t		 queue_given;	/* of packets, and of count, */
	uint64_t		 queue_sent;	/* when nothing was queued */
	uint64_t		 data_packets;	/* of those that came */
	uint64_t		 others_seen;	/* packets that were no data */
	int			 choked;	/* nothing more is read now */
	int			 busy;		/* in a round, which sends at its end */
	struct sshchan_list	 all;
	struct sshchan_list	 opening;	/* sent, not yet answered */
	struct sshchan_list	 asking;	/* a request is not answered */
	struct sshchan_list	 ring;		/* have something to send */
	struct sshchan_list	 blocked;	/* the peer's window is full */
	struct sshchan_list	 marked;	/* have events to deliver */
	struct sshchan_list	 delivering;	/* those of this round */
	struct sshchan_list	 closing;	/* closed by us, not by the peer */
	struct sshchan_list	 dead;		/* closed by both */
	struct sshpace		 pace;
	struct sshchan_list	 thirsty;	/* read much of late */
	int			 window_grows;	/* libssh lets it */
	size_t			 window_budget;	/* bytes beyond libssh's own */
	size_t			 window_used;
	int64_t			 trip;		/* ns, shortest; 0: not known */
	u_char			*scratch;	/* SSHLOOP_SCRATCH bytes */
	size_t			 nchannels;
	uint32_t		 last_id;	/* of the channels we opened */
	struct sshforward_list	 forwards;
	struct sshforward_list	 forward_queue;	/* have something to ask */
	struct sshforward	*forward_now;	/* has asked it */
	int			 forward_came;	/* a channel for one of them */
	int			 keepalive_due;	/* its answer may be */
	size_t			 gathered;	/* bytes given since a flush */
	int			 full;		/* the kernel took not all */
	int			 rekeying;	/* no data until more is read */
	int			 lost;
};

struct sshloop	*sshloop_new(struct event_base *, ssh_session,
		    enum sshloop_role, const struct sshloop_ops *, void *);
void		 sshloop_free(struct sshloop *);
void		 sshloop_start(struct sshloop *);
void		 sshloop_kick(struct sshloop *);
void		 sshloop_set_alive(struct sshloop *, int, int);

/* For the channels and what else is of the session alone. */
void		 sshloop_note_failure(struct sshloop *, const char *);
void		 sshloop_note_output(struct sshloop *);
int		 sshloop_is_broken(const struct sshloop *);

#endif
