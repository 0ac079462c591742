/* SPDX-License-Identifier: ISC */
/*
 * Ports on which the peer waits for us (RFC 4254, section 7.1), and the
 * channels it opens when somebody connects to one.
 */
#ifndef SSHFORWARD_H
#define SSHFORWARD_H

#include <sys/types.h>
#include <sys/queue.h>

#include <libssh/libssh.h>

#include "sshconn.h"

struct sshchan;
struct sshchans;
struct sshforward;

TAILQ_HEAD(sshforward_list, sshforward);

/* The ports of one session. */
struct sshforwards {
	struct sshchans		*chans;
	struct sshforward_list	 all;
	struct sshforward_list	 queue;		/* have something to ask */
	struct sshforward	*now;		/* has asked it */
	int			 came;		/* a channel for one of them */
};

/* What the owner of a port is asked and told; it closes it in any case. */
struct sshforward_ops {
	/*
	 * May one who connects from this address and port have a channel?
	 * Asked from inside libssh: this may only judge.
	 */
	int	(*permit)(const char *, int, void *);
	void	(*listening)(void *);
	/* The peer refused (SSHCONN_REFUSED), or the session ended. */
	void	(*failed)(enum sshconn_answer, void *);
	/* A channel, owned by the callee, and who it is.  Once. */
	void	(*connected)(struct sshchan *, const char *, int, void *);
};

struct sshforward	*sshforward_listen(struct sshforwards *,
			    const char *, int,
			    const struct sshforward_ops *, void *);
void			 sshforward_close(struct sshforward *);

/* For sshloop. */
void			 sshforwards_init(struct sshforwards *,
			    struct sshchans *);
int			 sshforwards_message_cb(ssh_session, ssh_message,
			    void *);
void			 sshforwards_service(struct sshforwards *);
void			 sshforwards_lose(struct sshforwards *);

#endif
