/* SPDX-License-Identifier: ISC */
/*
 * Channels of the type "session" (RFC 4254, section 6), on which the peer
 * runs a program.  Once that is granted they are streams like the others.
 */
#ifndef SSHSESSION_H
#define SSHSESSION_H

#include <sys/types.h>

#include "sshchan.h"

struct sshloop;
struct sshsession;

enum sshsession_kind {
	SSHSESSION_SUBSYSTEM,
	SSHSESSION_EXEC
};

/* Called once, from the loop: 1 when the request is granted, 0 when not. */
typedef void sshsession_cb(struct sshchan *, int, void *);

struct sshchan	*sshsession_open(struct sshloop *, sshchan_open_cb *, void *);
int		 sshsession_request(struct sshchan *, enum sshsession_kind,
		    const char *, sshsession_cb *, void *);
int		 sshsession_exit_status(const struct sshchan *);

/* For sshchan and sshloop alone. */
void		 sshsession_free(struct sshsession *);
void		 sshsession_stderr(struct sshsession *, const char *, size_t);
void		 sshsession_killed(struct sshsession *, const char *);
int		 sshsession_failed(const struct sshsession *);
void		 sshsession_lose(struct sshchan *);
void		 sshsession_service(struct sshloop *);

#endif
