/* SPDX-License-Identifier: ISC */
/*
 * Channels of the type "session" (RFC 4254, section 6), on which the peer
 * runs a program.  Once that is granted they are streams like the others.
 */
#ifndef SSHPROGRAM_H
#define SSHPROGRAM_H

#include <sys/types.h>

#include "sshchan.h"
#include "sshconn.h"

enum sshprogram_kind {
	SSHPROGRAM_SUBSYSTEM,
	SSHPROGRAM_EXEC
};

/* Called once, from the loop; whatever the answer, the channel stays. */
typedef void sshprogram_cb(struct sshchan *, enum sshconn_answer, void *);

struct sshchan	*sshprogram_open(struct sshchans *, sshchan_open_cb *, void *);
int		 sshprogram_request(struct sshchan *, enum sshprogram_kind,
		    const char *, sshprogram_cb *, void *);
int		 sshprogram_exit_status(const struct sshchan *);

/* For sshloop. */
void		 sshprogram_service(struct sshchans *);

#endif
