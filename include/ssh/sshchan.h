/* SPDX-License-Identifier: ISC */
/*
 * The kind of stream that is an SSH channel, and the channels of a session.
 * sshopen.h says how there come to be some.
 */
#ifndef SSHCHAN_H
#define SSHCHAN_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include <libssh/libssh.h>
#include <libssh/callbacks.h>

#include "buf.h"
#include "sshwindow.h"
#include "stream.h"

struct sshchan;
struct sshconn;

#define SSHCHAN_REASON_MAX	256

#if LIBSSH_VERSION_INT >= SSH_VERSION_INT(0, 11, 0)
#define SSHCHAN_HAS_OPEN_RESPONSE
#endif

/* Why a channel was not opened: RFC 4254, section 5.1, and one of ours. */
enum sshchan_failure {
	SSHCHAN_NO_FAILURE = 0,
	SSHCHAN_PROHIBITED = 1,
	SSHCHAN_CONNECT_FAILED = 2,
	SSHCHAN_UNKNOWN_TYPE = 3,
	SSHCHAN_RESOURCE_SHORTAGE = 4,
	SSHCHAN_SESSION_LOST = 256	/* nobody refused it */
};

/*
 * Called once: the channel is open (SSHCHAN_NO_FAILURE), or it is not, with
 * the peer's code and text, or because the session was lost; then it is gone
 * after the call.
 */
typedef void sshchan_open_cb(struct sshchan *, int, const char *, void *);

/* What a kind of channel adds to a stream of bytes; see sshprogram.c. */
struct sshchan_kind {
	/* Bytes of standard error came; called from inside libssh. */
	void	(*stderr_data)(struct sshchan *, const char *, size_t);
	/*
	 * The peer sends no more: marks the channel so when the owner may
	 * know it.  Called from inside libssh.
	 */
	void	(*eof)(struct sshchan *);
	/* A signal ended what ran there; called from inside libssh. */
	void	(*killed)(struct sshchan *, const char *);
	/* The peer has closed it: was that a failure? */
	int	(*failed)(const struct sshchan *);
	/* The session was lost while the channel was SSHCHAN_PENDING. */
	void	(*lost)(struct sshchan *);
	/* The channel goes. */
	void	(*free)(struct sshchan *);
};

enum sshchan_state {
	SSHCHAN_OPENING,
	SSHCHAN_PENDING,	/* open; an answer or an owner is due */
	SSHCHAN_OPEN,
	SSHCHAN_CLOSING		/* by its owner, which it has no more */
};

/* Marks set by libssh's callbacks, delivered in the session's round. */
#define SSHCHAN_MARK_DATA	0x01	/* there is something to read */
#define SSHCHAN_MARK_EOF	0x02
#define SSHCHAN_MARK_CLOSE	0x04
#define SSHCHAN_MARK_RESET	0x08
#define SSHCHAN_MARK_REFUSED	0x10

TAILQ_HEAD(sshchan_list, sshchan);

/* The channels of one session, and what they wait for. */
struct sshchans {
	struct sshconn		*conn;
	int			 sockstun;	/* the peer is one too */
	struct sshchan_list	 all;
	size_t			 count;		/* of all */
	uint32_t		 last_id;	/* libssh gave the last one */
	uint64_t		 data_packets;	/* that came */
	struct sshwindows	 windows;
	u_char			*scratch;	/* SSHCHAN_SCRATCH bytes */

	/* A channel waits in at most one of these ... */
	struct sshchan_list	 opening;	/* sent, not yet answered */
	struct sshchan_list	 asking;	/* a request is not answered */
	struct sshchan_list	 ring;		/* for a turn to send */
	struct sshchan_list	 blocked;	/* the peer's window is full */
	struct sshchan_list	 closing;	/* closed by us alone */
	struct sshchan_list	 dead;		/* closed by both */
	/* ... at most one of these ... */
	struct sshchan_list	 marked;	/* have events to deliver */
	struct sshchan_list	 delivering;	/* those of this round */
	/* ... and in this one. */
	struct sshchan_list	 thirsty;	/* read much of late */
};

struct sshchan {
	struct stream		 stream;	/* first: the two are cast */
	struct sshchans		*chans;
	ssh_channel		 channel;
	struct ssh_channel_callbacks_struct cbs;
	const struct sshchan_kind *kind;	/* NULL: nothing special */
	void			*kind_data;
	enum sshchan_state	 state;
	TAILQ_ENTRY(sshchan)	 entry;		/* in all */
	TAILQ_ENTRY(sshchan)	 turn;
	struct sshchan_list	*waits_in;	/* opening to dead, or NULL */
	TAILQ_ENTRY(sshchan)	 mark;
	struct sshchan_list	*marked_in;	/* marked, delivering or NULL */
	TAILQ_ENTRY(sshchan)	 thirst;
	int			 is_thirsty;
	int			 marks;		/* to deliver */
	int			 want;		/* STREAM_WANT_* */
	size_t			 allowance;	/* bytes left of this turn */
	size_t			 deficit;	/* bytes saved from the last */
	size_t			 unread;	/* bytes in libssh's buffer */
	struct buf		 stray;		/* bytes before those */
	struct sshwindow	 window;
	int			 eof;		/* the peer sends no more */
	int			 hangup;	/* the peer closed */
	int			 reset;		/* the owner was told */
	uint32_t		 id;		/* the number libssh gave it */
	int64_t			 asked;		/* ns, when its opening was */
	sshchan_open_cb		*opened;
	void			*opened_arg;
	int			 fail_code;
	char			 fail_text[SSHCHAN_REASON_MAX];
};

/* For sshopen and the kinds of channel. */
struct sshchan	*sshchan_new(struct sshchans *, ssh_channel);
void		 sshchan_wait_in(struct sshchan *, struct sshchan_list *);
void		 sshchan_unwait(struct sshchan *);
void		 sshchan_mark(struct sshchan *, int);
void		 sshchan_resume(struct sshchan *);
void		 sshchan_finish(struct sshchan *);
void		 sshchan_discard(struct sshchan *);
void		 sshchan_reap(struct sshchan *);

/* For sshloop. */
int		 sshchans_init(struct sshchans *, struct sshconn *, size_t);
void		 sshchans_lose(struct sshchans *);
void		 sshchans_clear(struct sshchans *);
void		 sshchan_deliver(struct sshchan *);
void		 sshchan_widen(struct sshchan *);

#endif
