/* SPDX-License-Identifier: ISC */
/* How a channel comes to be: opened by us, or by the peer. */
#ifndef SSHOPEN_H
#define SSHOPEN_H

#include <libssh/libssh.h>

#include "sshchan.h"

struct sshchan	*sshopen_direct(struct sshchans *, const char *, int,
		    const char *, int, sshchan_open_cb *, void *);
struct sshchan	*sshopen_accept(struct sshchans *, ssh_message);

/* For the kinds of channel. */
struct sshchan	*sshopen_begin(struct sshchans *, sshchan_open_cb *, void *);
struct sshchan	*sshopen_begun(struct sshchan *, int);

/* For sshloop. */
void		 sshopen_note_failure(struct sshchans *, const char *);
void		 sshopen_check(struct sshchan *);

#endif
