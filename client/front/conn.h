/* SPDX-License-Identifier: ISC */
/*
 * One connection of a SOCKS client: the conversation until its command is
 * known, and the words with which a command ends it or makes a flow of it.
 */
#ifndef CONN_H
#define CONN_H

#include <sys/types.h>
#include <sys/queue.h>
#include <stdint.h>

#include "addr.h"
#include "buf.h"
#include "socks.h"

struct event;
struct flow;
struct sshchan;
struct stream;
struct tunnel;

enum conn_state {
	CONN_GREETING,
	CONN_REQUEST,
	CONN_COMMAND,
	CONN_FLOW
};

/* A destination, with the name of the command before it. */
#define CONN_LABEL_MAX	(ADDR_STRLEN + sizeof("UDP ASSOCIATE "))

struct conn {
	TAILQ_ENTRY(conn)	 entry;
	struct tunnel		*tunnel;
	uint64_t		 id;
	char			*peer;
	int			 fd;	/* local's, for its addresses */
	struct stream		*local;
	struct flow		*flow;
	struct event		*timeout;
	enum conn_state	 state;
	struct buf		 in;	/* from the client */
	int			 version;	/* of SOCKS; 0: not known */
	struct addr		 dst;
	char			 label[CONN_LABEL_MAX];
	/* The command under way: gives it up, frees what it has. */
	void			(*cancel)(struct conn *);
	void			*job;	/* the command's own */
	/* What CONNECT has, which so needs no memory of its own. */
	struct sshchan		*chan;
	struct buf		 reply;	/* from sockstund, until it is whole */
};

void	conn_new(struct tunnel *, int, const char *);
void	conn_free(struct conn *);
void	conn_abort(struct conn *);

/* For the commands. */
ssize_t	conn_read(struct conn *);
void	conn_refuse(struct conn *, int);
void	conn_failed(struct conn *, int, const char *, const char *);
int	conn_can_tell(const struct conn *, const struct addr *);
int	conn_tell(struct conn *, const struct addr *);
void	conn_answer(struct conn *, const struct addr *);
void	conn_join(struct conn *, struct stream *,
	    const struct addr *, const void *, size_t, const void *, size_t);

#endif
