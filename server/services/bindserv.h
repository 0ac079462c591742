/* SPDX-License-Identifier: ISC */
/* BIND: one connection from a peer. */
#ifndef BINDSERV_H
#define BINDSERV_H

struct service_kind;

extern const struct service_kind bindserv_kind;

#endif
