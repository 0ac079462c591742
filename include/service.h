/* SPDX-License-Identifier: ISC */
/*
 * What a sockstun asks of a sockstund: the name of a service stands in the
 * originator of a direct-tcpip channel (sockstun-protocol(7)).
 */
#ifndef SERVICE_H
#define SERVICE_H

#define SERVICE_SUFFIX	"@sockstun"
#define SERVICE_CONNECT	"connect" SERVICE_SUFFIX
#define SERVICE_SPARE	"spare" SERVICE_SUFFIX

#endif
