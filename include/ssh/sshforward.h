/* SPDX-License-Identifier: ISC */
/*
 * Ports on which the peer waits for us (RFC 4254, section 7.1), and the
 * channels it opens when somebody connects to one.
 */
#ifndef SSHFORWARD_H
#define SSHFORWARD_H

#include <sys/types.h>

#include <libssh/libssh.h>

struct sshchan;
struct sshforward;
struct sshloop;

/* What the owner of a port is asked and told; it closes it in any case. */
struct sshforward_ops {
	/*
	 * May one who connects from this address and port have a channel?
	 * Asked from inside libssh: this may only judge.
	 */
	int	(*permit)(const char *, int, void *);
	void	(*listening)(void *);
	/* The peer refused, or the session ended. */
	void	(*failed)(void *);
	/* A channel, owned by the callee, and who it is.  Once. */
	void	(*connected)(struct sshchan *, const char *, int, void *);
};

struct sshforward	*sshforward_listen(struct sshloop *,
			    const char *, int,
			    const struct sshforward_ops *, void *);
void			 sshforward_close(struct sshforward *);

/* For sshloop alone. */
int			 sshforward_message_cb(ssh_session, ssh_message,
			    void *);
void			 sshforward_service(struct sshloop *);
void			 sshforward_lose(struct sshloop *);

#endif
