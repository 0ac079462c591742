/* SPDX-License-Identifier: ISC */
/* RESOLVE and RESOLVE_PTR: names to addresses and addresses to names. */
#ifndef NAMESERV_H
#define NAMESERV_H

struct service_kind;

extern const struct service_kind nameserv_kind, nameserv_ptr_kind;

#endif
