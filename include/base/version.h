/* SPDX-License-Identifier: ISC */
#ifndef VERSION_H
#define VERSION_H

#define SOCKSTUN_VERSION	"0.1"
#define SOCKSTUN_BANNER		"sockstund_" SOCKSTUN_VERSION
#define SOCKSTUN_BANNER_PREFIX	"SSH-2.0-sockstund_"

#endif
