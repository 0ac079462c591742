/* SPDX-License-Identifier: ISC */
/*
 * Channels of the type "session" (RFC 4254, section 6), on which the peer
 * runs a program.  Once that is granted they are streams like the others.
 */
#ifndef SSHPROGRAM_H
#define SSHPROGRAM_H

#include <sys/types.h>

#include "sshchan.h"

struct sshloop;
struct sshprogram;

enum sshprogram_kind {
	SSHPROGRAM_SUBSYSTEM,
	SSHPROGRAM_EXEC
};

/* Called once, from the loop: 1 when the request is granted, 0 when not. */
typedef void sshprogram_cb(struct sshchan *, int, void *);

struct sshchan	*sshprogram_open(struct sshloop *, sshchan_open_cb *, void *);
int		 sshprogram_request(struct sshchan *, enum sshprogram_kind,
		    const char *, sshprogram_cb *, void *);
int		 sshprogram_exit_status(const struct sshchan *);

/* For sshchan and sshloop alone. */
void		 sshprogram_free(struct sshprogram *);
void		 sshprogram_stderr(struct sshprogram *, const char *, size_t);
void		 sshprogram_killed(struct sshprogram *, const char *);
int		 sshprogram_failed(const struct sshprogram *);
void		 sshprogram_lose(struct sshchan *);
void		 sshprogram_service(struct sshloop *);

#endif
