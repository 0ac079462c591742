/* SPDX-License-Identifier: ISC */
/* The kinds of service, as tables for services_init(), which NULL ends. */
#ifndef KINDS_H
#define KINDS_H

struct service_kind;

extern const struct service_kind *const kinds_all[];
extern const struct service_kind *const kinds_beside_sshd[];

#endif
