/* SPDX-License-Identifier: ISC */
/* CONNECT: a connection to one destination. */
#ifndef CONNSERV_H
#define CONNSERV_H

struct service_kind;

extern const struct service_kind connserv_kind;

#endif
