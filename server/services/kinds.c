/* SPDX-License-Identifier: ISC */
/*
 * Which services there are: the one place that knows every kind.  A process
 * hands one of the tables to services_init().
 */
#include <stddef.h>

#include "kinds.h"

/* Whatever a client can ask for. */
const struct service_kind *const kinds_all[] = {
	&connserv_kind, &bindserv_kind, &udpserv_kind, &nameserv_kind,
	&nameserv_ptr_kind, NULL
};

/* What a stock sshd does not do itself: all but CONNECT. */
const struct service_kind *const kinds_beside_sshd[] = {
	&bindserv_kind, &udpserv_kind, &nameserv_kind, &nameserv_ptr_kind, NULL
};
