/* SPDX-License-Identifier: ISC */
/* Where the programs find their files and each other; set by the Makefile. */
#ifndef PATHNAMES_H
#define PATHNAMES_H

#ifndef SYSCONFDIR
#define SYSCONFDIR	"/usr/local/etc"
#endif
#ifndef LIBEXECDIR
#define LIBEXECDIR	"/usr/local/libexec/sockstun"
#endif
#ifndef RUNSTATEDIR
#define RUNSTATEDIR	"/run"
#endif
#ifndef PRIVSEP_USER
#define PRIVSEP_USER	"sockstund"
#endif
#ifndef PRIVSEP_UID_BASE
#define PRIVSEP_UID_BASE 1879048192	/* 0x70000000 */
#endif

#define PATH_CLIENT_CONFIG	SYSCONFDIR "/sockstun_config"
#define PATH_SERVER_CONFIG	SYSCONFDIR "/sockstund_config"
#define PATH_HOST_KEY_DIR	SYSCONFDIR "/sockstund_keys"
#define PATH_PIDFILE		RUNSTATEDIR "/sockstund.pid"

#endif
