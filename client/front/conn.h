/* SPDX-License-Identifier: ISC */
/*
 * One connection of a client: talk until its request is known, then a command,
 * which ends it or makes a flow of it.
 */
#ifndef CONN_H
#define CONN_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "deadlines.h"
#include "farend.h"
#include "socks.h"

struct clients;
struct conn;
struct flow;
struct stream;

/* What a client can ask for. */
struct command {
	enum socks_cmd	 cmd;
	const char	*name;		/* for the log; "": the usual one */
	/*
	 * The connection, with its destination, is the command's until it is
	 * ended by one of the functions below; it may be gone on return.
	 */
	void		(*start)(struct conn *);
};

/*
 * How a client talks, and is answered.  SOCKS is one dialect (sockstalk.c);
 * another protocol would be another.
 */
struct dialect {
	/* More has come from the client; the connection may be gone after. */
	void	(*read)(struct conn *);
	/* A reply's bytes, at most SOCKS5_MESSAGE_MAX; bnd may be NULL. */
	size_t	(*encode_reply)(u_char *, size_t, enum socks_rep,
		    const struct addr *);
	/* Has a reply a form for such an address?  NULL: for all. */
	int	(*can_tell)(const struct addr *);
};

enum conn_state {
	CONN_TALK,
	CONN_COMMAND,
	CONN_FLOW
};

/* Something is to be read of the client; the connection may be gone after. */
typedef void conn_readable_cb(struct conn *);

/* A command has what it asked for, or for BIND the first half of it. */
typedef void conn_granted_cb(struct conn *, const struct farend_answer *);

/* A destination, with the name of the command before it. */
#define CONN_LABEL_MAX	(ADDR_STRLEN + sizeof("UDP ASSOCIATE "))

struct conn {
	TAILQ_ENTRY(conn)	 entry;
	struct clients		*clients;
	uint64_t		 id;
	char			*client;	/* its address, for the log */
	int			 fd;		/* local's, for its addresses */
	pid_t			 pid;		/* of a Unix socket's client */
	int64_t			 began;		/* ns */
	uint64_t		 up_bytes;	/* in datagrams; of a flow see */
	uint64_t		 down_bytes;	/* conn_count() */
	struct stream		*local;
	struct flow		*flow;
	struct deadline		 deadline;
	enum conn_state		 state;
	const struct dialect	*dialect;
	struct buf		 in;		/* from the client */
	struct buf		 out;		/* to it, when it had no room */
	int			 want;		/* STREAM_WANT_READ, or 0 */
	conn_readable_cb	*readable;
	const struct command	*command;	/* NULL: not yet known */
	struct addr		 dst;
	char			 label[CONN_LABEL_MAX];
	/* What the command asks for, if it asks. */
	struct farend_ask	 ask;
	enum socks_cmd		 asked_cmd;
	const struct addr	*asked_dst;
	conn_granted_cb		*granted;
	int			 told_bound;	/* the first of two answers */
	int			 waits;		/* in the list of clients */
	TAILQ_ENTRY(conn)	 turn;
	/* What else the command has under way, and how it is given up. */
	void			*job;
	void			(*cancel)(struct conn *);
};

void	conn_new(struct clients *, int, const char *);
void	conn_free(struct conn *);
void	conn_abort(struct conn *);
const char *conn_command_name(const struct conn *);
void	conn_count(const struct conn *, uint64_t *, uint64_t *);

/* For those who bring a far end. */
void	conn_ask_again(struct conn *);

/* What becomes of one whose deadline has come: see struct clients. */
deadlines_cb	conn_late_request, conn_late_answer, conn_late_peer;

/* For the dialects. */
void	conn_begin(struct conn *, int, const struct addr *);
int	conn_send(struct conn *, const u_char *, size_t);
void	conn_dismiss(struct conn *, const u_char *, size_t);

/* For the commands. */
void	conn_ask(struct conn *, enum socks_cmd, const struct addr *,
	    conn_granted_cb *);
ssize_t	conn_read(struct conn *);
void	conn_stop_reading(struct conn *);
void	conn_refuse(struct conn *, int);
void	conn_fail(struct conn *, int, const char *);
int	conn_can_tell(const struct conn *, const struct addr *);
int	conn_tell(struct conn *, const struct addr *);
void	conn_end(struct conn *, int, const struct addr *);
void	conn_join(struct conn *, const struct farend_answer *);

#endif
