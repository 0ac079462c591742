/* SPDX-License-Identifier: ISC */
/*
 * The failure of a direct-tcpip channel as a SOCKS reply code.  A server gives
 * a code of RFC 4254, section 5.1, and a text: in a stock sshd from strerror(3)
 * or gai_strerror(3) of its C library, elsewhere from the server's language.
 */
#include <sys/types.h>

#include <stddef.h>
#include <string.h>

#include "refusal.h"
#include "sshchan.h"

static const struct {
	const char	*text;
	enum socks_rep	 rep;
} texts[] = {
	{ "Connection refused",			SOCKS_REP_REFUSED },
	{ "No route to host",			SOCKS_REP_HOST },
	{ "Host is down",			SOCKS_REP_HOST },
	{ "Network is unreachable",		SOCKS_REP_NET },
	{ "Network is down",			SOCKS_REP_NET },
	{ "timed out",				SOCKS_REP_TTL },
	{ "i/o timeout",			SOCKS_REP_TTL },
	{ "Permission denied",			SOCKS_REP_RULESET },
	{ "Operation not permitted",		SOCKS_REP_RULESET },
	{ "Name or service not known",		SOCKS_REP_HOST },
	{ "Name does not resolve",		SOCKS_REP_HOST },
	{ "name resolution",			SOCKS_REP_HOST },
	{ "No address associated",		SOCKS_REP_HOST },
	{ "hostname nor servname provided",	SOCKS_REP_HOST },
	{ "no such host",			SOCKS_REP_HOST },
	{ "server misbehaving",			SOCKS_REP_HOST },
	/* Python says "[Errno 111] Connect call failed": of Linux, then BSD. */
	{ "[Errno 111]",			SOCKS_REP_REFUSED },
	{ "[Errno 61]",				SOCKS_REP_REFUSED },
	{ "[Errno 113]",			SOCKS_REP_HOST },
	{ "[Errno 65]",				SOCKS_REP_HOST },
	{ "[Errno 101]",			SOCKS_REP_NET },
	{ "[Errno 51]",				SOCKS_REP_NET },
	{ "[Errno 110]",			SOCKS_REP_TTL },
	{ "[Errno 60]",				SOCKS_REP_TTL },
};

/*
 * The SOCKS reply for a failure code of RFC 4254 (or SSHCHAN_SESSION_LOST)
 * and the peer's text.
 */
enum socks_rep
refusal_rep(int code, const char *text)
{
	size_t i;

	if (code == SSHCHAN_PROHIBITED)
		return SOCKS_REP_RULESET;
	if (code != SSHCHAN_CONNECT_FAILED)
		return SOCKS_REP_GENERAL;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcasestr(text, texts[i].text) != NULL)
			return texts[i].rep;
	return SOCKS_REP_GENERAL;
}

/* What to do about a failure, for the log; "" when there is nothing to say. */
const char *
refusal_hint(int code)
{
	if (code == SSHCHAN_PROHIBITED)
		return " (see AllowTcpForwarding, DisableForwarding and "
		    "PermitOpen in the server's sshd_config, and permitopen= "
		    "and restrict in authorized_keys)";
	if (code == SSHCHAN_RESOURCE_SHORTAGE)
		return " (the server has no room for more channels)";
	return "";
}
