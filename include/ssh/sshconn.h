/* SPDX-License-Identifier: ISC */
/*
 * The connection of one authenticated SSH session: when libssh reads from it
 * and sends to it, whether the peer is still there, and the end.  What the
 * session carries is the affair of the layers above.
 */
#ifndef SSHCONN_H
#define SSHCONN_H

#include <sys/types.h>
#include <sys/time.h>
#include <errno.h>
#include <stdint.h>

#include <libssh/libssh.h>
#include <libssh/callbacks.h>

#include "sshpace.h"
#include "sshpulse.h"

struct event;
struct event_base;

/* How the peer answered a request. */
enum sshconn_answer {
	SSHCONN_GRANTED,
	SSHCONN_REFUSED,
	SSHCONN_LOST		/* it did not: the session ended before */
};

/* What a round leaves undone. */
#define SSHCONN_AGAIN	0x01	/* another round is due at once */
#define SSHCONN_WAITING	0x02	/* channels wait for their turn to send */

struct sshconn_ops {
	/* What came was read.  Does the session's work; SSHCONN_*. */
	int	(*round)(void *);
	/* The session ended, for this reason; no round comes after it. */
	void	(*broken)(const char *, void *);
};

struct sshconn {
	struct event_base	*base;
	ssh_session		 session;
	ssh_event		 poll;
	int			 server;	/* the peer is the client */
	const struct sshconn_ops *ops;
	void			*arg;
	int			 watch;		/* a copy of libssh's fd */
	int			 wired;		/* sshwire stands before it */
	struct event		*ev_read;
	struct event		*ev_write;
	struct event		*ev_kick;	/* a round was asked for */
	struct event		*ev_alive;
	struct event		*ev_pulse;
	/* Set before the start: see struct sshloop_options. */
	struct timeval		 alive_every;	/* 0: never */
	int			 alive_max;	/* unanswered: it is lost */
	int			 alive_missed;
	uint64_t		 alive_seen;	/* bytes, when last looked */
	int			 keepalive_due;	/* no answer was seen yet */
	int			 requesting;	/* a caller awaits an answer */
	struct ssh_counter_struct count;	/* of the connection */
	struct ssh_counter_struct packets;	/* before encryption */
	/* Of packets and count, the bytes sent when nothing was queued. */
	uint64_t		 queue_given;
	uint64_t		 queue_sent;
	int			 choked;	/* too much queued to read on */
	struct sshpace		 pace;
	struct sshpulse		 pulse;
	int			 following;	/* ev_pulse is set */
	size_t			 gathered;	/* bytes given since a flush */
	int			 full;		/* the kernel took only part */
	int			 rekeying;	/* no data until more is read */
	int			 in_round;	/* it ends with a flush */
	unsigned int		 rounds;	/* until now */
	char			 failed[128];	/* a call of libssh's, or "" */
	int			 lost;
};

/*
 * Each call of libssh's that may send or receive, or makes what will be sent,
 * is made so; the value is the call's.
 */
#define SSHCONN_CALL(c, call)	\
	(errno = 0, sshconn_result((c), (call), #call))

int	 sshconn_init(struct sshconn *, struct event_base *, ssh_session, int,
	    const struct sshconn_ops *, void *);
void	 sshconn_start(struct sshconn *);
void	 sshconn_stop(struct sshconn *);
void	 sshconn_give_up(struct sshconn *, const char *);
void	 sshconn_clear(struct sshconn *);
void	 sshconn_kick(struct sshconn *);
void	 sshconn_ask(struct sshconn *);
void	 sshconn_note_output(struct sshconn *);
int	 sshconn_has_room(struct sshconn *);
int	 sshconn_may_request(struct sshconn *);
int	 sshconn_is_broken(const struct sshconn *);
int	 sshconn_result(struct sshconn *, int, const char *);
void	 sshconn_refuse(struct sshconn *, ssh_message);

#endif
