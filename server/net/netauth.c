/* SPDX-License-Identifier: ISC */
/*
 * User authentication of one client.  Whether a key is good, and whether the
 * client has signed with it, is asked of the monitor (priv.h); here neither is
 * known.  A second method would be a function beside netauth_publickey(),
 * with a question of its own for the monitor.
 *
 * A client that is not authenticated has no flows, so that this part may block
 * while it waits for the client; the monitor ends the process in time.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "log.h"
#include "netauth.h"
#include "netsign.h"
#include "priv.h"
#include "privsep.h"
#include "xmalloc.h"

/* Requests, good or not, after which a client is not going to succeed. */
#define NETAUTH_REQUESTS_MAX	64

/*
 * libssh wants callbacks instead of these; but once set they cannot be taken
 * off again, and would refuse every later channel at once.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static const char *
safe_user(const struct netauth *a, char *buf, size_t size)
{
	if (a->user == NULL)
		return "?";
	return log_safe(a->user, strlen(a->user), buf, size);
}

static void
netauth_refuse(struct netauth *a, ssh_message msg)
{
	int methods = a->pubkey ? SSH_AUTH_METHOD_PUBLICKEY : 0;

	ssh_message_auth_set_methods(msg, methods);
	ssh_message_reply_default(msg);
}

/*
 * The key of a request, if the monitor can be asked about it: 0, and *base64 is
 * the caller's to free.  Else -1.
 */
static int
netauth_export_key(ssh_message msg, const char **type, char **base64)
{
	ssh_key key = ssh_message_auth_pubkey(msg);

	*base64 = NULL;
	if (key == NULL ||
	    (*type = ssh_key_type_to_char(ssh_key_type(key))) == NULL ||
	    ssh_pki_export_pubkey_base64(key, base64) != SSH_OK)
		return -1;
	if (strlen(*base64) <= PRIVSEP_KEY_MAX)
		return 0;
	free(*base64);
	*base64 = NULL;
	return -1;
}

static int
is_good_key(const struct netauth *a, const char *key)
{
	return a->good_key != NULL && strcmp(a->good_key, key) == 0;
}

/* Has the client's signature checked.  Returns 1 when it is logged in. */
static int
netauth_prove(struct netauth *a, const char *type, const char *key)
{
	struct privsep_proof proof;

	/* The monitor wants every key asked about before. */
	return netsign_take_proof(&proof, type) && (is_good_key(a, key) ||
	    priv_key_query(a->priv, a->user, type, key)) &&
	    priv_key_proved(a->priv, a->user, type, key, &proof);
}

/* Returns 1 when the request was a failed attempt. */
static int
netauth_publickey(struct netauth *a, ssh_message msg)
{
	enum ssh_publickey_state_e state;
	const char *type = NULL;
	char *key;
	int failed = 1;

	state = ssh_message_auth_publickey_state(msg);
	if (netauth_export_key(msg, &type, &key) == -1) {
		log_info("unusable public key from %s", a->peer);
		return 1;
	}
	if (state == SSH_PUBLICKEY_STATE_NONE) {
		if (priv_key_query(a->priv, a->user, type, key)) {
			ssh_message_auth_reply_pk_ok_simple(msg);
			free(a->good_key);
			a->good_key = xstrdup(key);
			failed = 0;
		}
	} else if (state == SSH_PUBLICKEY_STATE_VALID) {
		a->done = netauth_prove(a, type, key);
		failed = !a->done;
	} else
		log_info("wrong signature from %s", a->peer);
	ssh_string_free_char(key);
	return failed;
}

/* Returns -1 when the client must go. */
static int
netauth_request(struct netauth *a, ssh_session session, ssh_message msg)
{
	const char *user = ssh_message_auth_user(msg);
	char safe[PRIVSEP_USER_MAX * 4 + 1];
	int method = ssh_message_subtype(msg), failed = 1;

	if (user == NULL || *user == '\0' ||
	    strlen(user) > PRIVSEP_USER_MAX) {
		log_info("bad user name from %s", a->peer);
		return -1;
	}
	if (a->user == NULL)
		a->user = xstrdup(user);
	else if (strcmp(a->user, user) != 0) {
		log_info("change of user name from %s", a->peer);
		return -1;
	}
	if (method == SSH_AUTH_METHOD_PUBLICKEY && a->pubkey)
		failed = netauth_publickey(a, msg);
	if (!failed)
		return 0;
	netauth_refuse(a, msg);
	if (method == SSH_AUTH_METHOD_NONE)
		return 0;
	log_verbose("Failed %s for %s from %s",
	    method == SSH_AUTH_METHOD_PUBLICKEY ? "publickey" : "other method",
	    safe_user(a, safe, sizeof(safe)), a->peer);
	if (++a->failures < a->max_tries)
		return 0;
	log_info("Too many authentication failures for %s from %s",
	    safe_user(a, safe, sizeof(safe)), a->peer);
	ssh_session_set_disconnect_message(session,
	    "Too many authentication failures");
	return -1;
}

static int
netauth_message(struct netauth *a, ssh_session session, ssh_message msg)
{
	const char *service;

	switch (ssh_message_type(msg)) {
	case SSH_REQUEST_AUTH:
		return netauth_request(a, session, msg);
	case SSH_REQUEST_SERVICE:
		service = ssh_message_service_service(msg);
		if (service == NULL || strcmp(service, "ssh-userauth") != 0) {
			log_info("unknown service asked for by %s", a->peer);
			return -1;
		}
		return ssh_message_service_reply_success(msg) == SSH_OK ? 0 :
		    -1;
	default:
		log_info("%s asks for a channel or a forwarding before "
		    "authentication", a->peer);
		return -1;
	}
}

/*
 * Serves requests until one succeeds: then 0, with a->user set (the caller's
 * to free), the dialer at the other end, and the client told.  -1 when the
 * client must go.
 */
int
netauth_run(struct netauth *a, ssh_session session)
{
	ssh_message msg;
	int r = 0;

	while (r == 0 && !a->done) {
		if ((msg = ssh_message_get(session)) == NULL) {
			log_info("Connection closed by %s before "
			    "authentication: %s", a->peer,
			    ssh_get_error(session));
			return -1;
		}
		if (++a->requests > NETAUTH_REQUESTS_MAX) {
			log_info("too many requests from %s", a->peer);
			r = -1;
		} else
			r = netauth_message(a, session, msg);
		if (r == 0 && a->done &&
		    ssh_message_auth_reply_success(msg, 0) != SSH_OK)
			r = -1;
		ssh_message_free(msg);
	}
	return r;
}
