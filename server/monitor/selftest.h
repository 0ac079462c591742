/* SPDX-License-Identifier: ISC */
/* Trying the host keys and the programs of a connection. */
#ifndef SELFTEST_H
#define SELFTEST_H

struct hostkeys;
struct servconf;

int	 selftest_keys(const struct servconf *, struct hostkeys *, int);

#endif
