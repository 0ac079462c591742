/* SPDX-License-Identifier: ISC */
/*
 * One connection of a SOCKS client: the conversation until its command is
 * known, and the words with which a command ends it or makes a flow of it.
 */
#ifndef SOCKSCONN_H
#define SOCKSCONN_H

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

enum socksconn_state {
	SOCKSCONN_GREETING,
	SOCKSCONN_REQUEST,
	SOCKSCONN_COMMAND,
	SOCKSCONN_FLOW
};

/* A destination, with the name of the command before it. */
#define SOCKSCONN_LABEL_MAX	(ADDR_STRLEN + sizeof("UDP ASSOCIATE "))

struct socksconn {
	TAILQ_ENTRY(socksconn)	 entry;
	struct tunnel		*tunnel;
	uint64_t		 id;
	char			*peer;
	int			 fd;	/* local's, for its addresses */
	struct stream		*local;
	struct flow		*flow;
	struct event		*timeout;
	enum socksconn_state	 state;
	struct buf		 in;	/* from the client */
	int			 version;	/* of SOCKS; 0: not known */
	struct addr		 dst;
	char			 label[SOCKSCONN_LABEL_MAX];
	/* The command under way: gives it up, frees what it has. */
	void			(*cancel)(struct socksconn *);
	void			*job;	/* the command's own */
	/* What CONNECT has, which so needs no memory of its own. */
	struct sshchan		*chan;
	struct buf		 reply;	/* from sockstund, until it is whole */
};

void	socksconn_new(struct tunnel *, int, const char *);
void	socksconn_free(struct socksconn *);
void	socksconn_abort(struct socksconn *);

/* For the commands. */
ssize_t	socksconn_read(struct socksconn *);
void	socksconn_refuse(struct socksconn *, int);
void	socksconn_failed(struct socksconn *, int, const char *, const char *);
int	socksconn_can_tell(const struct socksconn *, const struct addr *);
int	socksconn_tell(struct socksconn *, const struct addr *);
void	socksconn_answer(struct socksconn *, const struct addr *);
void	socksconn_join(struct socksconn *, struct stream *,
	    const struct addr *, const void *, size_t, const void *, size_t);

#endif
