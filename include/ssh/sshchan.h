/* SPDX-License-Identifier: ISC */
/*
 * The kind of stream that is an SSH channel.  libssh's callbacks only mark
 * the channel; sshloop delivers the events.
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

struct addr;
struct sshloop;
struct sshprogram;

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
	SSHCHAN_SESSION_LOST = 256
};

/*
 * Called once: the channel is open (SSHCHAN_NO_FAILURE), or it is not, with
 * the peer's code and text; then it is gone after the call.
 */
struct sshchan;
typedef void sshchan_open_cb(struct sshchan *, int, const char *, void *);

enum sshchan_state {
	SSHCHAN_OPENING,
	SSHCHAN_PENDING,	/* open; an answer or an owner is due */
	SSHCHAN_OPEN,
	SSHCHAN_CLOSING
};

/* Marks set by callbacks, delivered by the loop. */
#define SSHCHAN_MARK_DATA	0x01	/* bytes wait in libssh's buffer */
#define SSHCHAN_MARK_EOF	0x02
#define SSHCHAN_MARK_CLOSE	0x04
#define SSHCHAN_MARK_RESET	0x08
#define SSHCHAN_MARK_REFUSED	0x10

struct sshchan {
	struct stream		 stream;	/* first: the two are cast */
	struct sshloop		*loop;
	ssh_channel		 channel;
	struct ssh_channel_callbacks_struct cbs;
	enum sshchan_state	 state;
	TAILQ_ENTRY(sshchan)	 entry;		/* in all */
	TAILQ_ENTRY(sshchan)	 turn;		/* in one list of waits_in */
	struct sshchan_list	*waits_in;	/* opening, ring ...; or NULL */
	TAILQ_ENTRY(sshchan)	 mark;		/* in marked or delivering */
	struct sshchan_list	*marked_in;	/* which of them, or NULL */
	int			 marks;		/* to deliver */
	int			 want;		/* STREAM_WANT_* */
	size_t			 allowance;	/* bytes left of this turn */
	size_t			 deficit;	/* bytes saved from the last */
	size_t			 unread;	/* bytes in libssh's buffer */
	struct buf		 stray;		/* bytes that came before those */
	struct sshwindow	 window;
	TAILQ_ENTRY(sshchan)	 thirst;	/* in thirsty */
	int			 is_thirsty;
	int			 eof;		/* the peer sends no more */
	int			 hangup;	/* the peer closed */
	uint32_t		 id;		/* the number libssh gave it */
	int64_t			 asked;		/* ns, when its opening was */
	struct sshprogram	*session;	/* of a session channel */
	sshchan_open_cb		*opened;
	void			*opened_arg;
	int			 fail_code;
	char			 fail_text[SSHCHAN_REASON_MAX];
};

struct sshchan	*sshchan_open(struct sshloop *, const char *, int,
		    const char *, int, sshchan_open_cb *, void *);
struct sshchan	*sshchan_accept(struct sshloop *, ssh_message);
struct stream	*sshchan_stream(struct sshchan *);

/* For the kinds of channel alone. */
struct sshchan	*sshchan_begin(struct sshloop *, sshchan_open_cb *, void *);
struct sshchan	*sshchan_begun(struct sshchan *, int);
void		 sshchan_wait_in(struct sshchan *, struct sshchan_list *);
void		 sshchan_resume(struct sshchan *);

/* For sshloop alone. */
void		 sshchan_deliver(struct sshchan *);
void		 sshchan_check_open(struct sshchan *);
void		 sshchan_take_turn(struct sshchan *, size_t);
void		 sshchan_refused(struct sshchan *, int, const char *);
void		 sshchan_unwait(struct sshchan *);
void		 sshchan_mark(struct sshchan *, int);
void		 sshchan_lose(struct sshchan *);
void		 sshchan_reap(struct sshchan *);

/* For sshwindow alone. */
void		 sshchan_thirst(struct sshchan *);
void		 sshchan_unthirst(struct sshchan *);
void		 sshchan_announce(struct sshchan *, size_t);

#endif
