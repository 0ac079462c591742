/* SPDX-License-Identifier: ISC */
/* The words for people in whose way something is, at the first attempt. */
#include <stddef.h>

#include "advice.h"

/* What to try after an attempt that ended so, or NULL. */
const char *
advice_for(enum sshconnect_result result)
{
	switch (result) {
	case SSHCONNECT_UNKNOWN:
		return "Is the name spelled correctly, and does this "
		    "machine's network work?";
	case SSHCONNECT_REFUSED:
		return "The host is there, but nothing listens on that port: "
		    "is it another (-p), or is the server not running?";
	case SSHCONNECT_TIMED_OUT:
		return "Nothing answers: is the address right, or is a "
		    "firewall in between?";
	case SSHCONNECT_NO_ROUTE:
		return "No way leads there: does this machine's network work, "
		    "and does the host need a jump host (-J)?";
	case SSHCONNECT_SILENT:
		return "Something is there that says nothing: is it an SSH "
		    "server, and is the port right (-p)?";
	case SSHCONNECT_CLOSED:
		return "Does it let this machine in, and is it an SSH server? "
		    "Its own log may say more.";
	case SSHCONNECT_DENIED:
		return "Is the user the right one (-l), and does the far end "
		    "know one of the keys (-i)?";
	default:
		return NULL;
	}
}
