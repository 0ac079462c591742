/* SPDX-License-Identifier: ISC */
/* The table of the commands of SOCKS: a new one needs a line here. */
#include <stddef.h>

#include "commands.h"
#include "conn.h"
#include "socks.h"

const struct command commands[] = {
	{ SOCKS_CMD_CONNECT,	 "",		  cmdconnect_start },
	{ SOCKS_CMD_BIND,	 "BIND",	  cmdbind_start },
	{ SOCKS_CMD_UDP,	 "UDP ASSOCIATE", cmdudp_start },
	{ SOCKS_CMD_RESOLVE,	 "RESOLVE",	  cmdresolve_start },
	{ SOCKS_CMD_RESOLVE_PTR, "RESOLVE_PTR",	  cmdresolve_start_ptr },
	{ 0, NULL, NULL },
};
