/* SPDX-License-Identifier: ISC */
/* Which names of hosts and users may be handed to a shell. */
#ifndef SHELLSAFE_H
#define SHELLSAFE_H

int	shellsafe_host(const char *);
int	shellsafe_user(const char *);

#endif
