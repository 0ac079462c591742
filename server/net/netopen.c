/* SPDX-License-Identifier: ISC */
/*
 * What an authenticated client asks for: which channels it may open, and which
 * requests are refused.  What becomes of a channel is not known here.
 *
 * A "session" channel is accepted, so that the client may go on, and every
 * request on it refused: there is no shell here.
 */
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "addr.h"
#include "log.h"
#include "netflow.h"
#include "netopen.h"
#include "priv.h"
#include "privsep.h"
#include "protocol.h"
#include "socks.h"
#include "sshloop.h"
#include "sshopen.h"
#include "stream.h"

/* "session" channels at once; as MaxSessions of sshd. */
#define NETOPEN_SESSIONS_MAX	10

/* Which kind of flow an opening is for, by its originator; sets req->cmd. */
static enum netflow_kind
open_kind(struct privsep_request *req)
{
	const char *origin = req->origin;
	size_t len = strlen(origin), suffix = sizeof(SERVICE_SUFFIX) - 1;
	char safe[128];
	int cmd;

	req->cmd = SOCKS_CMD_CONNECT;
	if (len <= suffix ||
	    strcmp(origin + len - suffix, SERVICE_SUFFIX) != 0)
		return NETFLOW_FOREIGN;
	if (strcmp(origin, SERVICE_SPARE) == 0)
		return NETFLOW_SPARE;
	if ((cmd = protocol_service_cmd(origin)) == -1) {
		log_info("unknown service %s", log_safe(origin, len, safe,
		    sizeof(safe)));
		cmd = 0;
	}
	req->cmd = (uint32_t)cmd;
	return NETFLOW_NATIVE;
}

static int
open_direct(struct netflows *all, ssh_message msg)
{
	struct privsep_request req;
	const char *host, *origin;
	int port, origin_port;

	host = ssh_message_channel_request_open_destination(msg);
	port = ssh_message_channel_request_open_destination_port(msg);
	origin = ssh_message_channel_request_open_originator(msg);
	origin_port = ssh_message_channel_request_open_originator_port(msg);
	if (host == NULL || *host == '\0' || strlen(host) > ADDR_NAME_MAX ||
	    port < 0 || port > UINT16_MAX || origin == NULL ||
	    strlen(origin) > ADDR_NAME_MAX) {
		log_info("channel to an impossible destination refused");
		ssh_message_reply_default(msg);
		return 0;
	}
	strlcpy(req.host, host, sizeof(req.host));
	req.port = (uint16_t)port;
	strlcpy(req.origin, origin, sizeof(req.origin));
	req.origin_port = (uint16_t)(origin_port & UINT16_MAX);
	return netflows_open(all, msg, open_kind(&req), &req);
}

/* Drops what comes on a session channel, until the client closes it. */
static void
session_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct netflows *all = arg;
	u_char junk[4096];
	ssize_t n = 1;

	while (ev == STREAM_READABLE && n > 0)
		n = st->ops->read(st, junk, sizeof(junk));
	if (ev == STREAM_HANGUP || ev == STREAM_RESET || n == 0) {
		all->nsessions--;
		st->ops->close(st, STREAM_CLOSE);
	}
}

static int
open_session(struct netflows *all, ssh_message msg)
{
	struct sshchan *chan;
	struct stream *st;

	if (all->nsessions >= NETOPEN_SESSIONS_MAX) {
		ssh_message_reply_default(msg);
		return 0;
	}
	if ((chan = sshopen_accept(sshloop_channels(all->loop), msg)) == NULL)
		return 0;
	all->nsessions++;
	st = sshchan_stream(chan);
	st->cb = session_cb;
	st->arg = all;
	st->ops->want(st, STREAM_WANT_READ);
	return 0;
}

static int
message_open(struct netflows *all, ssh_message msg)
{
	if (sshloop_channels(all->loop)->count + all->nunopened >= all->max ||
	    all->priv->queue.n > all->max) {
		log_info("channel refused: MaxFlows (%zu) reached", all->max);
		ssh_message_reply_default(msg);
		return 0;
	}
	switch (ssh_message_subtype(msg)) {
	case SSH_CHANNEL_DIRECT_TCPIP:
		return open_direct(all, msg);
	case SSH_CHANNEL_SESSION:
		return open_session(all, msg);
	default:
		log_info("channel of an unsupported type refused");
		ssh_message_reply_default(msg);
		return 0;
	}
}

static const char *
request_name(int subtype)
{
	switch (subtype) {
	case SSH_CHANNEL_REQUEST_PTY:
		return "pty";
	case SSH_CHANNEL_REQUEST_EXEC:
		return "exec";
	case SSH_CHANNEL_REQUEST_SHELL:
		return "shell";
	case SSH_CHANNEL_REQUEST_ENV:
		return "env";
	case SSH_CHANNEL_REQUEST_SUBSYSTEM:
		return "subsystem";
	case SSH_CHANNEL_REQUEST_X11:
		return "X11";
	default:
		return "unknown";
	}
}

/*
 * A message of the authenticated client.  Returns 1 when it is kept.
 */
int
netopen_message(ssh_message msg, void *arg)
{
	struct netflows *all = arg;

	switch (ssh_message_type(msg)) {
	case SSH_REQUEST_CHANNEL_OPEN:
		return message_open(all, msg);
	case SSH_REQUEST_AUTH:
		return 0;	/* RFC 4252, 5.1: ignored without an answer */
	case SSH_REQUEST_CHANNEL:
		log_verbose("%s request refused",
		    request_name(ssh_message_subtype(msg)));
		break;
	case SSH_REQUEST_GLOBAL:
		log_debug("global request refused");
		break;
	default:
		break;
	}
	ssh_message_reply_default(msg);
	return 0;
}
