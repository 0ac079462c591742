/* SPDX-License-Identifier: ISC */
/*
 * What a sockstun asks of a sockstund: the name of a service stands in the
 * originator of a direct-tcpip channel (sockstun-protocol(7)).
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include "socks.h"

#define SERVICE_SUFFIX	"@sockstun"
#define SERVICE_CONNECT	"connect" SERVICE_SUFFIX
#define SERVICE_SPARE	"spare" SERVICE_SUFFIX
#define SERVICE_BIND	"bind" SERVICE_SUFFIX
#define SERVICE_UDP	"udp" SERVICE_SUFFIX
#define SERVICE_RESOLVE	"resolve" SERVICE_SUFFIX
#define SERVICE_RESOLVE_PTR "resolve-ptr" SERVICE_SUFFIX

/* The subsystem, and the program, that serve a sockstun under a stock sshd. */
#define SERVICE_SUBSYSTEM	"sockstun"
#define SERVICE_HELPER		"sockstun-server"

/* Seconds that a BIND waits for its peer, as RFC 1928's authors had it. */
#define SERVICE_BIND_WAIT	120

const char	*protocol_service_name(enum socks_cmd);
int		 protocol_service_cmd(const char *);

#endif
