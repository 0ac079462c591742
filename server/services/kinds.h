/* SPDX-License-Identifier: ISC */
/* The kinds of service, and tables of them for services_init(). */
#ifndef KINDS_H
#define KINDS_H

struct service_kind;

extern const struct service_kind bindserv_kind, connserv_kind, nameserv_kind,
    nameserv_ptr_kind, udpserv_kind;

/* NULL ends each. */
extern const struct service_kind *const kinds_all[];
extern const struct service_kind *const kinds_beside_sshd[];

#endif
