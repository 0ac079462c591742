/* SPDX-License-Identifier: ISC */
/*
 * The connection as libssh sees it.  Its calls of poll(2), recv(2) and
 * send(2) come here, for one session of the process.
 */
#ifndef SSHWIRE_H
#define SSHWIRE_H

#include <stddef.h>

/* What libssh may do at its next call. */
#define SSHWIRE_READ	0x01
#define SSHWIRE_WRITE	0x02

void	 sshwire_watch(int);
int	 sshwire_open(int);
void	 sshwire_close(void);
void	 sshwire_permit(int);
void	 sshwire_readable(void);
int	 sshwire_has_input(void);

#endif
