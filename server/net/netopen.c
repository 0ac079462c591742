/* SPDX-License-Identifier: ISC */
/*
 * What an authenticated client asks for: which channels it may open, and which
 * requests are refused.  What becomes of a channel is not known here.
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

/* Refuses what no ordinary client asks for, with a line in the log. */
static int
refuse(struct netflows *all, ssh_message msg, const char *what)
{
	log_info_limited(&all->lines, "%s: %s refused", all->who, what);
	sshconn_refuse(&all->loop->conn, msg);
	return 0;
}

/* Which kind of flow an opening is for, by its originator; sets req->cmd. */
static enum netflow_kind
open_kind(struct netflows *all, struct privsep_request *req)
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
		log_info_limited(&all->lines, "%s: unknown service %s",
		    all->who, log_safe(origin, len, safe, sizeof(safe)));
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
	    strlen(origin) > ADDR_NAME_MAX)
		return refuse(all, msg, "channel to an impossible destination");
	strlcpy(req.host, host, sizeof(req.host));
	req.port = (uint16_t)port;
	strlcpy(req.origin, origin, sizeof(req.origin));
	req.origin_port = (uint16_t)(origin_port & UINT16_MAX);
	return netflows_open(all, msg, open_kind(all, &req), &req);
}

static int
open_session(struct netflows *all, ssh_message msg)
{
	struct sshchan *chan;

	if (all->sessions.n == NETSESSION_MAX)
		return refuse(all, msg, "one session too many");
	if ((chan = sshopen_accept(&all->loop->chans, msg)) != NULL)
		netsession_add(&all->sessions, chan);
	return 0;
}

static int
message_open(struct netflows *all, ssh_message msg)
{
	if (all->loop->chans.count + all->nunopened >= all->max ||
	    all->priv->queue.n > all->max)
		return refuse(all, msg, "channel beyond MaxFlows");
	switch (ssh_message_subtype(msg)) {
	case SSH_CHANNEL_DIRECT_TCPIP:
		return open_direct(all, msg);
	case SSH_CHANNEL_SESSION:
		return open_session(all, msg);
	default:
		return refuse(all, msg, "channel of an unsupported type");
	}
}

static const char *
request_name(int subtype)
{
	switch (subtype) {
	case SSH_CHANNEL_REQUEST_EXEC:
		return "request for a command";
	case SSH_CHANNEL_REQUEST_SHELL:
		return "request for a shell";
	case SSH_CHANNEL_REQUEST_SUBSYSTEM:
		return "request for a subsystem";
	case SSH_CHANNEL_REQUEST_X11:
		return "request for X11";
	default:
		return NULL;
	}
}

static int
message_request(struct netflows *all, ssh_message msg)
{
	const char *name = request_name(ssh_message_subtype(msg));

	if (name != NULL)
		log_info_limited(&all->lines, "%s: %s refused", all->who,
		    name);
	if (!netsession_answer(&all->sessions, msg))
		sshconn_refuse(&all->loop->conn, msg);
	return 0;
}

/* Most unknown requests are keepalives: any answer will do. */
static int
message_global(struct netflows *all, ssh_message msg)
{
	if (ssh_message_subtype(msg) == SSH_GLOBAL_REQUEST_TCPIP_FORWARD)
		return refuse(all, msg, "request for a remote forwarding");
	sshconn_refuse(&all->loop->conn, msg);
	return 0;
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
	case SSH_REQUEST_CHANNEL:
		return message_request(all, msg);
	case SSH_REQUEST_GLOBAL:
		return message_global(all, msg);
	default:
		sshconn_refuse(&all->loop->conn, msg);
		return 0;
	}
}
