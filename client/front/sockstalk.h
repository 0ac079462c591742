/* SPDX-License-Identifier: ISC */
/* What is said in SOCKS before a command begins. */
#ifndef SOCKSTALK_H
#define SOCKSTALK_H

struct dialect;

/* Versions 4, 4a and 5, told apart by the first byte. */
extern const struct dialect sockstalk;

#endif
