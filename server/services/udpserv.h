/* SPDX-License-Identifier: ISC */
/* UDP ASSOCIATE: one UDP port, and frames of datagrams on a stream. */
#ifndef UDPSERV_H
#define UDPSERV_H

struct service_kind;

extern const struct service_kind udpserv_kind;

#endif
